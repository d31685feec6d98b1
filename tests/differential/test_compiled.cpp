// Random graphs with their gradients: compiled programs against the interpreter.
#include <doctest/doctest.h>

#include <cmath>

#include "autodiff/directional.h"
#include "graph/text.h"
#include "jit/program.h"
#include "tests/differential/random_graph.h"
#include "tests/level.h"

using namespace crease;
using namespace crease::differential;

namespace {

/// The random graph with gradients of its loss as outputs, and an update of its parameter.
Graph training_graph(uint64_t seed, const RandomOptions& options, const Tie& tie) {
  RandomGraph made = random_graph(seed, options);
  const std::vector<Value> gradients = grad(made.loss, made.variables, {.tie = tie});
  for (size_t k = 0; k < gradients.size(); ++k)
    made.graph.output("gradient." + made.variables[k].node().name, gradients[k]);
  made.graph.update(made.variables.back(), made.variables.back() - gradients.back() * 0.5);
  return made.graph;
}

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

/// Compares all outputs and the updated parameter, allowing `tolerance` relative to the greatest element.
void compare(const Graph& graph, const Bindings& inputs, const CompileOptions& options, double tolerance) {
  const auto want = evaluate(graph, inputs);
  Program program = compile(graph, test::at_test_level(options));
  auto got = program(inputs);
  got.emplace("p", program.parameter("p"));
  for (const auto& [name, tensor] : want) {
    CAPTURE(name);
    REQUIRE(got.at(name).sizes() == tensor.sizes());
    double scale = 1;
    for (int64_t i = 0; i < tensor.count(); ++i)
      if (std::isfinite(tensor.at(i))) scale = std::max(scale, std::abs(tensor.at(i)));
    for (int64_t i = 0; i < tensor.count(); ++i) {
      const double a = got.at(name).at(i), b = tensor.at(i);
      if (same(a, b) || std::abs(a - b) <= tolerance * scale) continue;
      CAPTURE(i);
      CHECK(a == b);
      break;
    }
  }
}

}  // namespace

TEST_CASE("compiled piecewise-linear graphs and gradients equal the interpreter to the bit, fused or not") {
  for (uint64_t seed = 0; seed < 8; ++seed) {
    CAPTURE(seed);
    const Tie tie = seed % 3 == 0 ? Tie::left : seed % 3 == 1 ? Tie::right : Tie::value(0.25);
    const Graph graph = training_graph(seed, {.type = Type::f64, .piecewise_linear = true}, tie);
    const Bindings inputs = halves(graph, seed);
    for (const bool fuse : {false, true}) {
      CAPTURE(fuse);
      compare(graph, inputs, {.fuse = fuse}, 0);
    }
  }
}

TEST_CASE("compiled graphs of all operations equal the interpreter up to rounding, fused or not") {
  for (uint64_t seed = 100; seed < 106; ++seed) {
    CAPTURE(seed);
    // No jumps: one ulp before a floor or a comparison is another result.
    const Graph graph = training_graph(seed, {.type = Type::f64, .continuous = true}, Tie::left);
    const Bindings inputs = irregular(graph, seed);
    for (const bool fuse : {false, true}) {
      CAPTURE(fuse);
      // 20 layers, each may amplify what came before by at most 2^2 and adds 2^6 roundings of 2^-52.
      compare(graph, inputs, {.fuse = fuse}, 0x1p-40);
    }
  }
}
