#include "graph/analysis/linear_units.h"

#include <doctest/doctest.h>

#include <limits>

#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/cast.h"
#include "graph/ops/contraction.h"

using namespace crease;

namespace {

struct Parts {
  bool bias = true, later_bias = true, seen = false, activation = false, shared = false, cut = false;
};

Graph network(const Parts& parts) {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  Value hidden = matmul(x, graph.parameter("w", Tensor::f32({2, 3}, {1, 2, 3, 4, 5, 6})));
  if (parts.bias) hidden = hidden + graph.parameter("b", Tensor::f32({3}, {1, 0, -1}));
  if (parts.activation) hidden = relu(hidden);
  if (parts.cut) hidden = cast(cast(hidden, Type::i32), Type::f32);
  const Value last = graph.parameter("v", Tensor::f32({3, 3}, {1, 0, 0, 0, 2, 0, 0, 0, 3}));
  Value y = matmul(hidden, last);
  if (parts.shared) y = matmul(y, last);
  if (parts.later_bias) y = y + graph.parameter("c", Tensor::f32({3}, {1, 1, 1}));
  graph.output("y", y);
  if (parts.seen) graph.output("hidden", hidden);
  return graph;
}

}  // namespace

TEST_CASE("a layer without activation has its matrix, and translations where a bias takes them up") {
  const Graph graph = network({});
  const auto layers = linear_units(graph);
  REQUIRE_EQ(layers.size(), 1);
  CHECK_EQ(layers[0].units, 3);
  CHECK_EQ(layers[0].dimension(), 9);
  CHECK_EQ(layers[0].dimension_with_translation(), 12);
  CHECK_EQ(linear_units(network({.later_bias = false}))[0].dimension_with_translation(), 9);
  CHECK_EQ(linear_units(network({.bias = false}))[0].dimension_with_translation(), 9);
  // rows of w (by unit): (1,4) (2,5) (3,6), b = (1,0,-1), v diagonal 1 2 3
  const std::vector<std::vector<Rational>> want{
      {17 + 1 - 1, 22, 27 - 1}, {22, 29 - 4, 36}, {26, 36, 45 + 1 - 9}};
  CHECK(conserved_matrix(graph, layers[0]) == want);
  CHECK_EQ(linear_unit_findings(graph)[0].verdict, Verdict::Proved);
}

TEST_CASE("units that are seen, activated, or whose weights are shared cannot be mixed") {
  CHECK(linear_units(network({.seen = true})).empty());
  CHECK(linear_units(network({.activation = true})).empty());
  CHECK(linear_units(network({.shared = true})).empty());
  CHECK(linear_units(network({.cut = true})).empty());
  CHECK(linear_unit_findings(network({.seen = true})).empty());
  Graph graph = network({});
  graph.set_parameter("b", Tensor::f32({3}, {1, 0, std::numeric_limits<float>::infinity()}));
  CHECK_THROWS_WITH_AS(conserved_matrix(graph, linear_units(graph)[0]), doctest::Contains("is not finite"),
                       Error);
}
