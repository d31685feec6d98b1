#include "graph/analysis/balance/canonical.h"

#include <doctest/doctest.h>

#include <random>

#include "graph/analysis/balance/balance.h"
#include "graph/analysis/digest.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"

using namespace crease;

namespace {

Tensor noise(std::vector<int64_t> sizes, std::mt19937& random) {
  std::normal_distribution<float> number(0, 1);
  Tensor tensor(Type::f32, std::move(sizes));
  for (int64_t i = 0; i < tensor.count(); ++i) tensor.set(i, number(random));
  return tensor;
}

/// Two layers, and the outgoing weights are declared before the incoming ones.
Graph layers(uint32_t seed) {
  std::mt19937 random(seed);
  Graph graph;
  const Value last = graph.parameter("last", noise({4, 2}, random));
  const Value x = graph.input("x", {"batch", 3});
  const Value a = relu(matmul(x, graph.parameter("w1", noise({3, 5}, random))) +
                       graph.parameter("b1", noise({5}, random)));
  const Value b = relu(matmul(a, graph.parameter("w2", noise({5, 4}, random))) +
                       graph.parameter("b2", noise({4}, random)));
  graph.output("y", matmul(b, last));
  return graph;
}

/// A residual stream, and channels that are read flattened.
Graph images(uint32_t seed) {
  std::mt19937 random(seed);
  Graph graph;
  const Value x = graph.input("x", {"batch", 1, 5, 5});
  const Value maps = relu(conv2d(x, graph.parameter("kernels", noise({3, 1, 2, 2}, random))));
  const Value stream = matmul(reshape(maps, {"batch", 48}), graph.parameter("in", noise({48, 4}, random)));
  const Value block = matmul(relu(matmul(stream, graph.parameter("up", noise({4, 6}, random)))),
                             graph.parameter("down", noise({6, 4}, random)));
  graph.output("y", matmul(stream + block, graph.parameter("out", noise({4, 2}, random))));
  return graph;
}

/// Any member of the orbit: random powers of two, then random exchanges.
Graph moved(const Graph& graph, uint32_t seed) {
  std::mt19937 random(seed);
  const ScalingGroup group = scaling_group(graph);
  std::vector<double> t;
  for (int k = 0; k < group.dimension(); ++k) t.push_back(static_cast<double>(random() % 13) - 6);
  Graph result = rescaled(graph, group, t);
  for (const PermutationBlock& block : permutation_group(graph).blocks)
    for (const Permutation& exchange : block.exchanges)
      if (random() % 3 != 0) result = permuted(result, exchange);
  return result;
}

}  // namespace

TEST_CASE("the canonical form does not depend on scales and order of units, and computes the same") {
  for (const uint32_t seed : {1U, 2U, 3U})
    for (const Graph& graph : {layers(seed), images(seed)}) {
      const Canonical form = canonical(graph);
      CHECK(same_outputs(graph, form.rescaled, 8));
      CHECK(output_difference(graph, form.graph, 8) < 1e-5);
      for (uint32_t member = 0; member < 4; ++member) {
        const Graph other = moved(graph, 10 * seed + member);
        REQUIRE(digest(other) != digest(graph));
        CHECK(digest(canonical(other).graph) == digest(form.graph));
      }
      CHECK(digest(canonical(form.graph).graph) == digest(form.graph));
    }
}

TEST_CASE("another network has another canonical form") {
  Graph changed = layers(1);
  Tensor bias = changed.find("b2").node().value;
  bias.set(2, bias.at(2) + 1.0 / 1024);
  changed.set_parameter("b2", bias);
  CHECK(digest(canonical(changed).graph) != digest(canonical(layers(1)).graph));
}

TEST_CASE("a unit that nothing leads into is scaled by what leads out of it") {
  Graph graph = layers(4);
  Tensor weights = graph.find("w1").node().value, bias = graph.find("b1").node().value;
  for (int64_t i = 0; i < 3; ++i) weights.set(i * 5, 0);
  bias.set(0, 0);
  graph.set_parameter("w1", weights);
  graph.set_parameter("b1", bias);
  CHECK(digest(canonical(moved(graph, 9)).graph) == digest(canonical(graph).graph));
}
