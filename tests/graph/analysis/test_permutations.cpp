#include "graph/analysis/permutations/permutations.h"

#include <doctest/doctest.h>

#include <random>

#include "graph/error.h"
#include "graph/evaluate.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"

using namespace crease;

namespace {

/// Small integers: sums of products are exact in any order.
Tensor integers(std::vector<int64_t> sizes, uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> number(-4, 4);
  Tensor tensor(Type::f32, std::move(sizes));
  for (int64_t i = 0; i < tensor.count(); ++i) tensor.set(i, number(random));
  return tensor;
}

/// Convolution, pooling, flattening, a skip edge, a maxout and joined features.
Graph network(uint32_t seed) {
  Graph graph;
  uint32_t next = 10 * seed;
  const auto weight = [&](const std::string& name, std::vector<int64_t> sizes) {
    return graph.parameter(name, integers(std::move(sizes), ++next));
  };
  const Value x = graph.input("x", {2, 1, 4, 4});
  const Value image = relu(conv2d(x, weight("k", {3, 1, 3, 3}), {.padding = {1}}) + weight("c", {3, 1, 1}));
  const Value features = flatten(max_pool2d(image));
  const Value stream = relu(matmul(features, weight("w1", {12, 4})) + weight("b1", {4}));
  const Value block = stream + matmul(relu(matmul(stream, weight("w2", {4, 3}))), weight("w3", {3, 4}));
  const Value pieces = maxout(matmul(block, weight("w4", {4, 4})), 2);
  graph.output("y", matmul(concat({block, pieces}, 1), weight("w5", {6, 2})));
  return graph;
}

}  // namespace

TEST_CASE("permutations of a network with every kind of layer leave its outputs as they are") {
  for (uint32_t seed = 1; seed <= 4; ++seed) {
    CAPTURE(seed);
    const Graph graph = network(seed);
    const PermutationGroup group = permutation_group(graph);
    // 3! channels, 4! of the stream, 3! inner units, 2! maxout units of 2! pieces each
    CHECK_EQ(group.order(), Rational(6 * 24 * 6 * 2 * 2 * 2));
    const Bindings inputs{{"x", integers({2, 1, 4, 4}, 99)}};
    const Tensor before = evaluate(graph, inputs).at("y");
    for (const PermutationBlock& block : group.blocks)
      for (const Permutation& exchange : block.exchanges) {
        const Graph other = permuted(graph, exchange);
        CHECK(evaluate(other, inputs).at("y") == before);
      }
  }
}

TEST_CASE("units that differ by a constant, or are seen outside, keep their places") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 3});
  const Value hidden = relu(matmul(x, graph.parameter("w", integers({3, 3}, 1))));
  const Value scaled = hidden * graph.constant(Tensor::f32({3}, {1, 2, 1}));
  graph.output("y", matmul(scaled, graph.parameter("v", integers({3, 1}, 2))));
  const PermutationGroup group = permutation_group(graph);
  REQUIRE_EQ(group.blocks.size(), 1);
  CHECK_EQ(group.blocks[0].units, std::vector<int64_t>{0, 2});
  graph.output("seen", hidden);
  CHECK(permutation_group(graph).blocks.empty());
  CHECK(permutation_findings(graph).empty());
}

TEST_CASE("which of equals comes first is seen by argmax") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 3});
  graph.output("y", argmax(matmul(x, graph.parameter("w", integers({3, 4}, 1)))));
  CHECK(permutation_group(graph).blocks.empty());
  CHECK_THROWS_WITH_AS(permutation_group(Graph()), doctest::Contains("no outputs"), Error);
}

TEST_CASE("wide layers permute as one set each") {
  Graph graph;
  Value x = graph.input("x", {"batch", 100});
  int64_t width = 100;
  for (int layer = 0; layer < 20; ++layer) {
    x = relu(matmul(x, graph.parameter("w" + std::to_string(layer), Tensor(Type::f32, {width, 400}))));
    width = 400;
  }
  graph.output("y", matmul(x, graph.parameter("v", Tensor(Type::f32, {400, 10}))));
  const PermutationGroup group = permutation_group(graph);
  CHECK_EQ(group.blocks.size(), 20);
  CHECK_EQ(permutation_findings(graph)[0].sentences[0],
           "20 sets of units, about 10^17376 orders of the hidden units give the same outputs");
}
