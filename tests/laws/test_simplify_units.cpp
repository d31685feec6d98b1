// Law of simplification: on the box the smaller network is the same function, exactly in rationals.
#include <doctest/doctest.h>

#include <random>

#include "frontends/crease.h"
#include "graph/analysis/check.h"
#include "graph/analysis/exact.h"
#include "graph/rewrite/collapse.h"
#include "graph/rewrite/simplify_units.h"

using namespace crease;

namespace {

/// Multiples of 1/8 in [low, high].
Tensor eighths(std::vector<int64_t> sizes, std::mt19937& random, int low, int high) {
  Tensor tensor(Type::f32, std::move(sizes));
  std::uniform_int_distribution<int> uniform(low * 8, high * 8);
  for (int64_t i = 0; i < tensor.count(); ++i) tensor.set(i, uniform(random) / 8.0);
  return tensor;
}

Graph random_network(std::mt19937& random) {
  Graph graph;
  Value hidden = graph.input("x", {"batch", 3});
  for (int layer = 0; layer < 3; ++layer) {
    const Value w =
        graph.parameter(fmt::format("w{}", layer), eighths({layer == 0 ? 3 : 6, 6}, random, -1, 1));
    const Value b = graph.parameter(fmt::format("b{}", layer), eighths({6}, random, -4, 4));
    hidden = relu(matmul(hidden, w) + b);
  }
  graph.output("y", matmul(hidden, graph.parameter("v", eighths({6, 2}, random, -1, 1))));
  return graph;
}

/// Exact outputs at a point.
ExactValues at(const Graph& graph, const ExactValues& point) {
  const NodeId y = graph.result("y").id();
  auto values = evaluate_exactly(graph, {{graph.inputs()[0], point}}, std::span(&y, 1));
  REQUIRE(values);
  return values->at(y);
}

}  // namespace

TEST_CASE("a simplified network is the same on the box, exactly, and its proof is accepted") {
  std::mt19937 random(4);
  int64_t deleted = 0, linearised = 0;
  for (int network = 0; network < 12; ++network) {
    const Graph graph = random_network(random);
    const SimplifiedNetwork smaller = simplify_units(graph, {.all = Interval{-1, 1}});
    for (const SimplifiedUnits& layer : smaller.layers) {
      deleted += layer.deleted;
      linearised += layer.linearised;
    }
    REQUIRE(smaller.certificate);
    const CheckResult result = check(*smaller.certificate, graph);
    INFO(result.reason);
    CHECK(result.accepted);
    const Graph collapsed = collapse(smaller.graph).graph;
    for (int sample = 0; sample < 20; ++sample) {
      ExactValues point;
      for (int i = 0; i < 3; ++i) point.push_back(Rational(static_cast<int64_t>(random() % 33) - 16, 16));
      const ExactValues want = at(graph, point);
      CHECK(at(smaller.graph, point) == want);
      // Collapsing rounds the new weights once.
      const ExactValues rounded = at(collapsed, point);
      for (size_t o = 0; o < want.size(); ++o) CHECK((rounded[o] - want[o]).abs() < Rational(1, 1000));
    }
  }
  CHECK(deleted > 10);
  CHECK(linearised > 10);
}

TEST_CASE("a layer whose units are all dead keeps one, and an affine network comes out affine") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  const Value dead = relu(matmul(x, graph.parameter("w", Tensor::f32({2, 2}, {1, 0, 0, 1}))) +
                          graph.parameter("b", Tensor::f32({2}, {-3, -3})));
  graph.output("y", matmul(dead, graph.parameter("v", Tensor::f32({2, 1}, {5, 7}))));
  const SimplifiedNetwork smaller = simplify_units(graph, {.all = Interval{-1, 1}});
  REQUIRE(smaller.layers.size() == 1);
  CHECK(smaller.layers[0].deleted == 1);
  CHECK(at(smaller.graph, {1, -1}) == ExactValues{0});
  const SimplifiedNetwork linear = simplify_units(graph, {.all = Interval{4, 5}});
  CHECK(linear.layers[0].linearised == 2);
  CHECK(at(linear.graph, {4, 5}) == at(graph, {4, 5}));
  for (NodeId id = 0; id < linear.graph.size(); ++id)
    if (linear.graph.node(id).role == Role::Apply) CHECK(linear.graph.node(id).op->name != "relu");
}

TEST_CASE("units that something else reads stay") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  const Value hidden = relu(x + graph.parameter("b", Tensor::f32({2}, {-3, 0})));
  graph.output("y", hidden + x);
  const SimplifiedNetwork same = simplify_units(graph, {.all = Interval{-1, 1}});
  CHECK(same.kept.size() == 1);
  CHECK(at(same.graph, {1, -1}) == at(graph, {1, -1}));
}
