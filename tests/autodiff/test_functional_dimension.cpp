#include "autodiff/functional_dimension.h"

#include <doctest/doctest.h>

#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"

using namespace crease;

namespace {

/// Two inputs, two hidden units, one output; the last weights as given.
Graph network(Value (*activation)(const Value&), const std::vector<float>& last) {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  const Value hidden = activation(matmul(x, graph.parameter("w", Tensor::f32({2, 2}, {1, 2, -3, 0.5f}))) +
                                  graph.parameter("b", Tensor::f32({2}, {0.25f, -1})));
  graph.output("y", matmul(hidden, graph.parameter("v", Tensor::f32({2, 1}, last))));
  return graph;
}

Value rectified(const Value& x) { return relu(x); }
Value unchanged(const Value& x) { return x; }

}  // namespace

TEST_CASE("rescaling explains what a generic network of rectifiers loses") {
  const FunctionalDimension found = functional_dimension(network(rectified, {1, -2}));
  CHECK(found.exact);
  CHECK_EQ(found.parameters, 8);
  CHECK_EQ(found.dimension, 6);
  CHECK_EQ(found.explained_by_scaling, 2);
  CHECK_EQ(found.beyond_scaling(), 0);
  CHECK_EQ(functional_dimension_findings(network(rectified, {1, -2}))[0].sentences[0],
           "functional dimension 6 of 8 parameters: 2 are lost, 2 to rescaling, 0 beyond it");
}

TEST_CASE("a unit without outgoing weight and layers without activation lose more") {
  const FunctionalDimension unused = functional_dimension(network(rectified, {1, 0}));
  CHECK_EQ(unused.dimension, 4);  // three of the first unit, and the outgoing weight of the second
  CHECK_EQ(unused.beyond_scaling(), 2);
  const FunctionalDimension linear = functional_dimension(network(unchanged, {1, -2}));
  CHECK_EQ(linear.dimension, 3);  // an affine function of two numbers
  CHECK_EQ(linear.beyond_scaling(), 3);
}

TEST_CASE("there is no dimension on a kink, beyond the limit, or without rational values") {
  Graph kink;
  const Value x = kink.input("x", {1});
  kink.output(
      "y", relu(x * kink.parameter("w", Tensor::f32({1}, {0}))) * kink.parameter("v", Tensor::f32({1}, {1})));
  CHECK_FALSE(functional_dimension(kink).dimension);
  CHECK_NE(functional_dimension(kink).reason.find("sit on a kink"), std::string::npos);
  const FunctionalDimension large = functional_dimension(network(rectified, {1, 1}), {.parameter_limit = 7});
  CHECK_EQ(large.reason, "there are 8 parameters, the limit is 7");
  const auto smooth = functional_dimension(network([](const Value& z) { return tanh(z); }, {1, 1}));
  CHECK_EQ(smooth.reason, "a value or slope is not rational");
  CHECK(functional_dimension_findings(network([](const Value& z) { return tanh(z); }, {1, 1})).empty());
  CHECK_THROWS_WITH_AS(functional_dimension(Graph()), doctest::Contains("no outputs"), Error);
}

TEST_CASE("images are looked at as far as the work goes, and a rank that cannot be greater is exact") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 1, 12, 12});
  graph.output("y", conv2d(x, graph.parameter("w", Tensor::f32({1, 1, 2, 2}, {1, 2, -3, 0.5f})), {}));
  const FunctionalDimension found = functional_dimension(graph);
  CHECK(found.exact);
  CHECK_EQ(found.dimension, 4);
  CHECK_LT(found.points, 145);  // n + 1, which would be exact for any rank

  const FunctionalDimension large = functional_dimension(graph, {.work_limit = 1000});
  CHECK_FALSE(large.dimension);
  CHECK_NE(large.reason.find("loop points for one input, the limit is 1000"), std::string::npos);
}

TEST_CASE("a network without parameters has no dimension, and says so") {
  Graph graph;
  graph.output("y", relu(graph.input("x", {2})));
  const FunctionalDimension found = functional_dimension(graph);
  CHECK_FALSE(found.dimension);
  CHECK_EQ(found.reason, "there is no parameter");
}
