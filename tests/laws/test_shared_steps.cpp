// Bodies each step of which is mentioned twice by the next one: 40 steps have 2^40 paths. What looks at paths
// instead of steps does not come back.
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <functional>
#include <numeric>

#include "autodiff/reverse.h"
#include "frontends/report.h"
#include "graph/evaluate.h"
#include "graph/ops/contraction.h"
#include "graph/ops/reduction.h"
#include "jit/compile.h"

using namespace crease;

namespace {

constexpr int kSteps = 40;

struct Iterated {
  const char* name;
  std::function<Scalar(const Scalar&)> step;
  std::function<double(double)> value, slope;
};

const std::vector<Iterated>& all_iterated() {
  static const std::vector<Iterated> list{
      {"affine", [](const Scalar& s) { return s - s * 0.25; }, [](double s) { return s - s * 0.25; },
       [](double) { return 0.75; }},
      {"logistic", [](const Scalar& s) { return 0.5 * s * (1 - s); },
       [](double s) { return 0.5 * s * (1 - s); }, [](double s) { return 0.5 - s; }},
      {"smooth", [](const Scalar& s) { return 0.5 * tanh(s) + 0.5 * s; },
       [](double s) { return 0.5 * std::tanh(s) + 0.5 * s; },
       [](double s) { return 1 - 0.5 * std::tanh(s) * std::tanh(s); }},
      {"kinked", [](const Scalar& s) { return max(s, 0.1) - 0.5 * min(s, 0.3); },
       [](double s) { return std::max(s, 0.1) - 0.5 * std::min(s, 0.3); },
       [](double s) { return (s > 0.1 ? 1 : 0) - (s < 0.3 ? 0.5 : 0); }},
      {"quotient", [](const Scalar& s) { return s / (1 + s * s); }, [](double s) { return s / (1 + s * s); },
       [](double s) { return (1 - s * s) / std::pow(1 + s * s, 2); }},
  };
  return list;
}

Op op_of(const Iterated& iterated) {
  return {.name = iterated.name, .doc = "Iterated.", .body = [&](Scalar x) {
            for (int i = 0; i < kSteps; ++i) x = iterated.step(x);
            return x;
          }};
}

/// x -> matmul -> body -> matmul.
Graph network_of(const Iterated& iterated) {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  const Value w = graph.parameter("w", Tensor::f32({2, 2}, {0.5F, -0.25F, 0.125F, 0.75F}));
  const Value v = graph.parameter("v", Tensor::f32({2, 1}, {1, -1}));
  graph.output("y", matmul(op_of(iterated)(matmul(x, w)), v));
  return graph;
}

}  // namespace

TEST_CASE("derivatives of a body that mentions each step twice are those of the chain rule") {
  for (const Iterated& iterated : all_iterated()) {
    CAPTURE(iterated.name);
    Graph graph;
    const Value x = graph.input("x", {3}, Type::f64);
    const Value y = op_of(iterated)(x), dx = grad(sum(y), x);
    graph.output("y", y);
    graph.output("dx", dx);
    const Bindings at{{"x", Tensor::f64({3}, {0.2, 0.45, 0.7})}};
    const std::vector<Tensor> found = evaluate(graph, at, std::vector{y, dx});
    Program program = compile(graph);
    const auto compiled = program(at);
    for (int64_t i = 0; i < 3; ++i) {
      double value = at.at("x").at(i), slope = 1;
      for (int step = 0; step < kSteps; ++step) {
        slope *= iterated.slope(value);
        value = iterated.value(value);
      }
      // Each step loses a few roundings of what it reads, and none of these maps stretches much.
      const double tolerance = 1e-12;
      CHECK(found[0].at(i) == doctest::Approx(value).epsilon(tolerance));
      CHECK(found[1].at(i) == doctest::Approx(slope).epsilon(tolerance));
      CHECK(compiled.at("y").at(i) == doctest::Approx(value).epsilon(tolerance));
      CHECK(compiled.at("dx").at(i) == doctest::Approx(slope).epsilon(tolerance));
    }
  }
}

TEST_CASE("derivatives know conditions and branches that are mentioned twice") {
  const Op parity{.name = "parity", .doc = "x or 2 x.", .body = [](Scalar x) {
                    Scalar odd = x < 0;
                    for (int i = 1; i < kSteps; ++i) {
                      const Scalar below = x < 0.1 * i;
                      odd = (odd && !below) || (!odd && below);
                    }
                    return select(odd, x, 2 * x);
                  }};
  const Op choices{.name = "choices", .doc = "x, or 1 from 0.25 on.", .body = [](Scalar x) {
                     Scalar chosen = x;
                     for (int i = 1; i < kSteps; ++i)
                       chosen = select(x < 0.1 * i, chosen, select(x < 0.2 * i + 0.05, chosen, 1));
                     return chosen;
                   }};
  Graph graph;
  const Value x = graph.input("x", {3}, Type::f64);
  const std::vector<Value> wanted{grad(sum(parity(x)), x), grad(sum(choices(x)), x)};
  const std::vector<Tensor> found = evaluate(graph, {{"x", Tensor::f64({3}, {-0.5, 0.15, 0.35})}}, wanted);
  for (int64_t i = 0; i < 3; ++i) {
    const double at = std::array{-0.5, 0.15, 0.35}[static_cast<size_t>(i)];
    int above = 0;
    for (int k = 0; k < kSteps; ++k) above += at < 0.1 * k ? 1 : 0;
    CHECK(found[0].at(i) == (above % 2 == 1 ? 1 : 2));
    CHECK(found[1].at(i) == (at < 0.25 ? 1 : 0));
  }
}

TEST_CASE("a network with a body that mentions each step twice is analysed, and its certificates hold") {
  for (const Iterated& iterated : all_iterated()) {
    CAPTURE(iterated.name);
    const Report report = analyze(network_of(iterated));
    CHECK_FALSE(report.findings.empty());
    for (const CheckedCertificate& certificate : report.certificates) {
      CAPTURE(certificate.reason);
      CHECK(certificate.accepted);
    }
  }
}
