#include "graph/analysis/saturation.h"

#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "graph/analysis/scaling_law.h"
#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/reduction.h"
#include "tests/files.h"

using namespace crease;

namespace {

Scalar x() { return Scalar::argument(0); }

/// The oracle's activations, by its names.
Scalar body_of(const std::string& name) {
  const std::map<std::string, Scalar> bodies{
      {"identity", x()},
      {"relu", relu.body.expression},
      {"leaky_relu(1/4)", leaky_relu(0.25).body.expression},
      {"prelu(2)", leaky_relu(2).body.expression},
      {"prelu(-1/2)", leaky_relu(-0.5).body.expression},
      {"prelu(0)", leaky_relu(0).body.expression},
      {"abs", abs(x())},
      {"relu6", relu6.body.expression},
      {"hard_tanh", hard_tanh.body.expression},
      {"hard_sigmoid(1/4,1/2)", min(max(0.25 * x() + 0.5, 0), 1)},
      {"step", step.body.expression},
      {"sigmoid", sigmoid(x())},
      {"tanh", tanh(x())},
      {"softplus", softplus(x())},
      {"elu(1)", elu.body.expression},
      {"selu-like elu(2)", select(x() > 0, x(), 2 * expm1(x()))},
      {"silu", silu.body.expression},
      {"gelu", gelu.body.expression},
      {"relu_sq", squared_relu.body.expression},
      {"square", x() * x()},
      {"exp", exp(x())},
      {"softsign", soft_sign.body.expression},
      {"sin", sin(x())},
      {"constant", Scalar(0.0)},
      {"log1p_abs_signed", select(x() > 0, log1p(abs(x())), -log1p(abs(x())))},
  };
  return bodies.at(name);
}

}  // namespace

TEST_CASE("saturation and homogeneity of the oracle's 25 activations follow from their bodies") {
  const auto file = test::shared_file("oracles/analyses.json");
  if (!file) return;
  std::ifstream stream(*file);
  const nlohmann::json oracle = nlohmann::json::parse(stream);
  REQUIRE_EQ(oracle.at("activations").size(), 25u);
  for (const auto& row : oracle.at("activations")) {
    const std::string name = row.at("name");
    CAPTURE(name);
    const Saturation facts = saturation(body_of(name));
    CHECK_EQ(to_string(facts.left), row.at("left").get<std::string>());
    CHECK_EQ(to_string(facts.right), row.at("right").get<std::string>());
    CHECK_EQ(is_saturating(facts), row.at("saturating").get<bool>());
    CHECK_EQ(kind_of(facts), row.at("kind").get<std::string>());
    const auto degree = homogeneous_degree(body_of(name));
    const auto& expected = row.at("homogeneous_degree");
    CHECK_EQ(degree.has_value(), expected.is_number());
    if (degree && expected.is_number()) CHECK_EQ(*degree, Rational(expected.get<int64_t>()));
  }
}

TEST_CASE("hard-swish saturates hard on the left though it is not piecewise linear") {
  const Saturation facts = saturation(hard_swish.body.expression);
  CHECK_EQ(facts.left, Saturates::Hard);
  CHECK_EQ(facts.right, Saturates::None);
  CHECK(facts.numeric);
}

TEST_CASE("a slope that falls too slowly to judge is unknown, not guessed") {
  // h' = 1 / log(x) for large x: the limit is 0, but 2^60 is not far enough to see it.
  const Saturation facts = saturation(x() / log(2 + abs(x())));
  CHECK_NE(facts.right, Saturates::Soft);
  CHECK_NE(facts.right, Saturates::Hard);
}

TEST_CASE("saturation refuses bodies of two arguments") {
  CHECK_THROWS_WITH_AS(saturation(x() * Scalar::argument(1)),
                       doctest::Contains("wants a body of one argument"), Error);
}

TEST_CASE("activations of a graph are listed once each, with their nodes") {
  Graph graph;
  const Value input = graph.input("x", {"batch", 4});
  const Value hidden = relu(relu(input) * 2.0 + 1.0);
  graph.output("y", tanh(hidden));
  const auto uses = activations(graph);
  REQUIRE_EQ(uses.size(), 2u);
  CHECK_EQ(uses[0].name, "relu");
  CHECK_EQ(uses[0].nodes.size(), 2u);
  CHECK_EQ(uses[1].name, "tanh");
  const auto findings = saturation_findings(graph);
  CHECK_EQ(findings[0].verdict, Verdict::Proved);
  CHECK_EQ(findings[0].sentences.front(), "relu: left hard, right none (one-sided)");
  CHECK_EQ(findings[1].level, Level::Observed);
}

TEST_CASE("a mean over the batch is no activation, and its unknown size stops nothing") {
  Graph graph;
  const Value input = graph.input("x", {"batch", 4});
  graph.output("loss", mean(relu(input)));
  const auto uses = activations(graph);
  REQUIRE_EQ(uses.size(), 1u);
  CHECK_EQ(uses[0].name, "relu");
}

TEST_CASE("a function of parameters alone is no activation") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  graph.output("y", relu(x) / sqrt_op(graph.parameter("variance", Tensor::f32({2}, {2, 3}))));
  const auto uses = activations(graph);
  REQUIRE_EQ(uses.size(), 1);
  CHECK(uses[0].name == "relu");
}

TEST_CASE("a function that is another one at each element is no activation") {
  Graph graph;
  const Scalar body = select(Scalar::argument(0) < Scalar::index(0), tanh(Scalar::argument(0)), 0);
  graph.output("y", Op{.name = "op", .doc = "", .body = Body(1, body)}(graph.input("x", {3}, Type::f64)));
  CHECK(activations(graph).empty());
}
