#include "graph/analysis/balance/canonical.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "graph/analysis/balance/balance.h"
#include "graph/analysis/digest.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"
#include "tests/graph/analysis/read_over_time.h"

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

TEST_CASE("the canonical form does not depend on scales of units beside a loop over time") {
  const Canonical form = canonical(test::read_over_time(8));
  CHECK(digest(form.graph) == digest(canonical(test::read_over_time(1)).graph));
  CHECK(same_outputs(form.rescaled, test::read_over_time(8), 8));
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

namespace {

/// Units that read equal parameters and lead to different ones, twice over.
Graph repeated(const Op& activation) {
  std::mt19937 random(5);
  Tensor w1 = noise({3, 6}, random), b1 = noise({6}, random), w2 = noise({6, 6}, random);
  for (int64_t i = 0; i < 3; ++i)
    for (int64_t j = 1; j < 6; ++j) w1.set(i * 6 + j, w1.at(i * 6 + j % 2));
  for (int64_t j = 1; j < 6; ++j) b1.set(j, b1.at(j % 2));
  for (int64_t i = 0; i < 6; ++i)  // a ring, and two that are equal in everything
    for (int64_t j = 0; j < 6; ++j) w2.set(i * 6 + j, j == (i + 2) % 6 || j == i ? 0.75 : 0.25);
  Graph graph;
  const Value x = graph.input("x", {"batch", 3});
  const Value a = activation(matmul(x, graph.parameter("w1", w1)) + graph.parameter("b1", b1));
  const Value b = activation(matmul(a, graph.parameter("w2", w2)));
  graph.output("y", matmul(b, graph.parameter("w3", noise({6, 2}, random))));
  return graph;
}

/// All signs that may change, at random.
Graph flipped(const Graph& graph, uint32_t seed) {
  std::mt19937 random(seed);
  const SignGroup group = sign_group(graph);
  std::vector<bool> negative;
  for (int k = 0; k < group.dimension(); ++k) negative.push_back(random() % 2 == 0);
  Graph result = graph;
  for (const NodeId id : graph.parameters()) {
    const auto forms = group.exponents(id);
    Tensor value = graph.node(id).value;
    for (size_t i = 0; i < forms.size(); ++i)
      for (const auto& [k, parity] : forms[i])
        if (parity.odd && negative[static_cast<size_t>(k)])
          value.set(static_cast<int64_t>(i), -value.at(static_cast<int64_t>(i)));
    result.set_parameter(graph.node(id).name, value);
  }
  return result;
}

}  // namespace

TEST_CASE("units that read equal parameters are ordered by what they lead to") {
  const Graph graph = repeated(relu);
  const Canonical form = canonical(graph);
  CHECK(output_difference(graph, form.graph, 8) < 1e-5);
  for (uint32_t member = 0; member < 8; ++member)
    CHECK(digest(canonical(moved(graph, member)).graph) == digest(form.graph));
}

TEST_CASE("signs of tanh units do not change the form") {
  for (const Graph& graph : {repeated(tanh_op), layers(2)}) {
    const Canonical form = canonical(graph);
    CHECK(same_outputs(graph, form.rescaled, 8));
    for (uint32_t member = 0; member < 6; ++member)
      CHECK(digest(canonical(flipped(moved(graph, member), member)).graph) == digest(form.graph));
  }
  CHECK_GT(canonical(flipped(repeated(tanh_op), 3)).flipped, 0);
}

TEST_CASE("a zero has no sign that could tell which units were flipped") {
  const auto network = [](float sign) {
    Graph graph;
    const Value x = graph.input("x", {"batch", 2});
    const Value hidden =
        tanh_op(matmul(x, graph.parameter("w", Tensor::f32({2, 2}, {0, 1, sign * 0.5F, 2}))) +
                graph.parameter("b", Tensor::f32({2}, {sign, 1})));
    graph.output("y", matmul(hidden, graph.parameter("v", Tensor::f32({2, 1}, {sign, 3}))));
    return graph;
  };
  CHECK(digest(canonical(network(1)).graph) == digest(canonical(network(-1)).graph));
}

TEST_CASE("the pieces of a maxout and its units are ordered together") {
  std::mt19937 random(6);
  Graph graph;
  const Value x = graph.input("x", {"batch", 3});
  const Value pieces = matmul(x, graph.parameter("w", noise({3, 12}, random)));
  const Value h = reduce_max(reshape(pieces, {"batch", 4, 3}), {2});
  graph.output("y", matmul(h, graph.parameter("v", noise({4, 2}, random))));
  const Canonical form = canonical(graph);
  CHECK(output_difference(graph, form.graph, 8) < 1e-5);
  for (uint32_t member = 0; member < 6; ++member)
    CHECK(digest(canonical(moved(graph, member)).graph) == digest(form.graph));
}

TEST_CASE("with real factors the greatest parameter of each unit is 1, and members agree up to rounding") {
  const Graph graph = layers(7);
  const ScalingGroup group = scaling_group(graph);
  std::vector<double> t;
  for (int k = 0; k < group.dimension(); ++k) t.push_back(0.37 * (k % 5) - 0.8);
  const Graph form = canonical(graph, {.real = true}).graph,
              other = canonical(rescaled(graph, group, t), {.real = true}).graph;
  for (const NodeId id : form.parameters()) {
    const Tensor &one = form.node(id).value, &two = other.node(id).value;
    for (int64_t i = 0; i < one.count(); ++i) CHECK(one.at(i) == doctest::Approx(two.at(i)).epsilon(1e-6));
  }
  const Tensor w = form.find("w1").node().value, b = form.find("b1").node().value;
  for (int64_t unit = 0; unit < 5; ++unit) {
    double greatest = std::abs(b.at(unit));
    for (int64_t i = 0; i < 3; ++i) greatest = std::max(greatest, std::abs(w.at(i * 5 + unit)));
    CHECK(greatest == 1);
  }
}
