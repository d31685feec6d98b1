#include "graph/analysis/activation_facts.h"

#include <doctest/doctest.h>

#include <cmath>

#include "graph/error.h"
#include "graph/ops/activation.h"

using namespace crease;

namespace {
const Scalar x = Scalar::argument(0);
}

TEST_CASE("facts of a piecewise linear activation are exact, of a smooth one they are marked as sampled") {
  const ActivationFacts exact = activation_facts(relu6.body.expression);
  CHECK_FALSE(exact.sampled);
  CHECK_EQ(exact.high, 6);
  CHECK_EQ(exact.kinks.size(), 2u);
  const ActivationFacts sampled = activation_facts(hard_swish.body.expression);
  CHECK(sampled.sampled);
  CHECK_EQ(sampled.low, doctest::Approx(-0.375).epsilon(1e-12));
  CHECK_EQ(sampled.high, INFINITY);
  CHECK_EQ(sampled.smoothness, Smoothness::C0);
  CHECK_EQ(sampled.kinks.size(), 2u);
}

TEST_CASE("monotone by its rules, by its halves, or by the sign of its derivative") {
  CHECK_EQ(activation_facts(tanh(x)).monotone, Monotone::Increasing);
  CHECK_EQ(activation_facts(soft_sign.body.expression).monotone, Monotone::Increasing);
  CHECK_EQ(activation_facts(-x / (1 + abs(x))).monotone, Monotone::Decreasing);
  CHECK_EQ(activation_facts(squared_relu.body.expression).monotone, Monotone::Nondecreasing);
  CHECK_EQ(activation_facts(x / (1 + x * x)).monotone, Monotone::None);
}

TEST_CASE("smoothness is the first derivative that jumps where branches meet") {
  const auto smoothness = [](const Scalar& body) { return activation_facts(body).smoothness; };
  CHECK_EQ(smoothness(select(x > 0, exp(x), 0)), Smoothness::Discontinuous);
  CHECK_EQ(smoothness(select(x > 0, x * exp(x), 0)), Smoothness::C0);
  CHECK_EQ(smoothness(select(x > 0, x * x * exp(x), 0)), Smoothness::C1);
  CHECK_EQ(smoothness(select(x > 0, x * x * x * exp(x), 0)), Smoothness::C2);
  CHECK_EQ(smoothness(exp(x)), Smoothness::Analytic);
  CHECK_EQ(smoothness(select(x > 1, exp(x), exp(x))), Smoothness::Analytic);
}

TEST_CASE("facts of bodies with two arguments are an error") {
  const Scalar body = x * Scalar::argument(1);
  const std::string message = "[activation] wants a body of one argument, got " + to_string(body);
  CHECK_THROWS_WITH_AS(activation_facts(body), message.c_str(), Error);
}
