#include "graph/analysis/balance/balance.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "graph/analysis/balance/orbit.h"
#include "graph/analysis/balance/range.h"
#include "graph/analysis/conserved.h"
#include "graph/error.h"
#include "graph/evaluate.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/reduction.h"
#include "tests/graph/analysis/read_over_time.h"

using namespace crease;

namespace {

Tensor noise(std::vector<int64_t> sizes, uint32_t seed, double size = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<double> number(0, size);
  Tensor tensor(Type::f32, std::move(sizes));
  for (int64_t i = 0; i < tensor.count(); ++i) tensor.set(i, number(random));
  return tensor;
}

/// A residual network with a gate: laws of two and of three factors.
Graph network(uint32_t seed) {
  Graph graph;
  uint32_t next = 100 * seed;
  const auto weight = [&](const std::string& name, std::vector<int64_t> sizes, double size) {
    return graph.parameter(name, noise(std::move(sizes), ++next, size));
  };
  const Value x = graph.input("x", {"batch", 3});
  const Value stream = relu(matmul(x, weight("w1", {3, 4}, 4)) + weight("b1", {4}, 1));
  const Value block =
      stream + matmul(relu(matmul(stream, weight("w2", {4, 5}, 0.1))), weight("w3", {5, 4}, 7));
  const Value gate =
      squared_relu(matmul(block, weight("w4", {4, 2}, 3))) * matmul(block, weight("w5", {4, 2}, 0.2));
  graph.output("y", matmul(gate, weight("w6", {2, 3}, 0.5)));
  return graph;
}

double greatest(const std::vector<double>& numbers) {
  double result = 0;
  for (const double number : numbers) result = std::max(result, std::abs(number));
  return result;
}

}  // namespace

TEST_CASE("balanced by real factors, every conserved quantity is 0 and the sum is the least") {
  for (uint32_t seed = 1; seed <= 5; ++seed) {
    CAPTURE(seed);
    const Graph graph = network(seed);
    const ScalingGroup group = scaling_group(graph);
    const Balance found = balance(graph, group, {.powers_of_two = false});
    REQUIRE(found.attained);
    CHECK_EQ(found.squares_after, doctest::Approx(found.squares_least).epsilon(1e-9));
    CHECK_LE(found.squares_after, found.squares_before);
    const Graph balanced = rescaled(graph, group, found.t);
    // Parameters are rounded to 24 bits: each Q is a sum of about 20 squares of them.
    CHECK_LT(worst(conserved_quantities(balanced, group)), 1e-5);
    CHECK_LT(output_difference(graph, balanced, 32), 1e-4);
    // Any other member of the orbit is larger.
    std::mt19937 random(seed);
    std::normal_distribution<double> number(0, 0.3);
    std::vector<double> t = found.t;
    for (double& coordinate : t) coordinate += number(random);
    double squares = 0;
    const Graph other = rescaled(graph, group, t);
    for (const OrbitValues& sizes : parameter_sizes(other))
      for (const double size : sizes.sizes) squares += size * size;
    CHECK_GT(squares, found.squares_least);
  }
}

TEST_CASE("powers of two change no bit of the outputs, and no single further step helps") {
  for (uint32_t seed = 1; seed <= 5; ++seed) {
    CAPTURE(seed);
    const Graph graph = network(seed);
    const ScalingGroup group = scaling_group(graph);
    const Balance found = balance(graph, group);
    const Graph balanced = rescaled(graph, group, found.t);
    CHECK(same_outputs(graph, balanced, 64));
    CHECK_GE(found.squares_after, found.squares_least);
    CHECK_LT(found.squares_after, found.squares_before);
    for (const double t : found.t) CHECK_EQ(t, std::round(t));
    const Balance again = balance(balanced, group);
    CHECK_EQ(greatest(again.t), 0);
    CHECK_EQ(again.squares_after, doctest::Approx(found.squares_after).epsilon(1e-12));
  }
}

TEST_CASE("the least sum of a network with a loop over time is one over rescalings outside of the loop") {
  const Graph a = test::read_over_time(1), b = test::read_over_time(8);
  const Balance least = balance(a, scaling_group(a)), other = balance(b, scaling_group(b));
  CHECK(least.squares_before < other.squares_before / 4);
  CHECK(least.squares_least == doctest::Approx(other.squares_least).epsilon(1e-9));
  CHECK(least.squares_least < least.squares_before);
  const std::string sentence = balance_findings(a).back().sentences.front();
  CHECK_MESSAGE(sentence.find("least of all networks equal by rescaling outside of the loop over time,") !=
                    std::string::npos,
                sentence);
}

TEST_CASE("a unit without outgoing weights has no least scale, and its parameters do not grow") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  const Value hidden = relu(matmul(x, graph.parameter("w", Tensor::f32({2, 2}, {1, 2, 3, 4}))));
  graph.output("y", matmul(hidden, graph.parameter("v", Tensor::f32({2, 1}, {100, 0}))));
  const ScalingGroup group = scaling_group(graph);
  const Balance found = balance(graph, group);
  CHECK_FALSE(found.attained);
  CHECK_EQ(found.squares_before, doctest::Approx(1 + 4 + 9 + 16 + 10000));
  CHECK_EQ(found.squares_least, doctest::Approx(2 * std::sqrt(10.0) * 100));
  REQUIRE_EQ(found.escaping.size(), 1);
  CHECK_FALSE(found.escaping[0].grows);
  CHECK_NE(escape_sentence(graph, found.escaping[0]).find("[1] has no outgoing weight"), std::string::npos);
  CHECK_LE(found.squares_after, found.squares_before);
  CHECK(same_outputs(graph, rescaled(graph, group, found.t), 16));
  CHECK_NE(balance_findings(graph)[1].sentences[0].find("infimum, not reached"), std::string::npos);
}

TEST_CASE("units that feed each other around zeros only have no least scale either") {
  // h0 feeds g0 alone and g0 feeds nothing; no unit by itself has only one kind of weight.
  Graph graph;
  const Value x = graph.input("x", {"batch", 1});
  const Value h = relu(matmul(x, graph.parameter("a", Tensor::f32({1, 2}, {1, 1}))));
  const Value g = relu(matmul(h, graph.parameter("b", Tensor::f32({2, 2}, {1, 0, 0, 1}))));
  graph.output("y", matmul(g, graph.parameter("c", Tensor::f32({2, 1}, {0, 1}))));
  const Balance found = balance(graph, scaling_group(graph));
  CHECK_FALSE(found.attained);
  CHECK_EQ(found.squares_least, doctest::Approx(3));
}

TEST_CASE("even ranges give int8 more steps and keep half precision from overflowing") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  const Value h =
      relu(matmul(x, graph.parameter("w", Tensor::f32({2, 3}, {90000, 0.01f, 2, 70000, 0.02f, 3}))));
  graph.output("y", matmul(h, graph.parameter("v", Tensor::f32({3, 1}, {0.001f, 50, 1}))));
  const ScalingGroup group = scaling_group(graph);
  const Balance found = balance(graph, group, {.goal = BalanceGoal::Range, .samples = 8});
  const Graph even = rescaled(graph, group, found.t);
  CHECK(same_outputs(graph, even, 16));
  CHECK_GT(range_fit(even, NarrowFormat::Int8).steps, 4 * range_fit(graph, NarrowFormat::Int8).steps);
  CHECK_EQ(range_fit(graph, NarrowFormat::Fp16).too_large, 2);
  CHECK_FALSE(range_fit(graph, NarrowFormat::Fp16, 8).overflowing.empty());
  const RangeFit fit = range_fit(even, NarrowFormat::Fp16, 8);
  CHECK_EQ(fit.too_large, 0);
  CHECK_EQ(fit.too_small, 0);
  CHECK(fit.overflowing.empty());
  CHECK_EQ(parse_narrow_format("bf16"), NarrowFormat::Bf16);
  CHECK_THROWS_WITH_AS(parse_narrow_format("fp8"), doctest::Contains("want fp16, bf16 or int8"), Error);
}

TEST_CASE(
    "ranges are evened out by proved bounds: nothing overflows on the box, or what stands in the way is "
    "named") {
  const auto network = [](float last) {
    Graph graph;
    const Value x = graph.input("x", {"batch", 2});
    const Value h = relu(matmul(x, graph.parameter("w", Tensor::f32({2, 2}, {30000, 10000, 40000, -5000}))));
    graph.output("y", matmul(h, graph.parameter("v", Tensor::f32({2, 1}, {last, last}))));
    return graph;
  };
  const InputBox box{.all = Interval{-1, 1}};
  for (const float last : {1e-3f, 1.0f}) {
    const Graph graph = network(last);
    const ScalingGroup group = scaling_group(graph);
    const BoxFit before = box_fit(graph, NarrowFormat::Fp16, box, 8);
    REQUIRE_FALSE(before.overflowing.empty());
    CHECK_EQ(before.overflowing.front().reached, 70000);
    const Balance found = balance(graph, group, {.goal = BalanceGoal::Range, .box = box});
    const Graph even = rescaled(graph, group, found.t);
    CHECK(same_outputs(graph, even, 16));
    const BoxFit after = box_fit(even, NarrowFormat::Fp16, box, 8);
    if (last < 1) {
      CHECK(after.overflowing.empty());
      CHECK_LE(after.bound, 65504);
      continue;
    }
    REQUIRE_EQ(after.overflowing.size(), 1);
    CHECK_EQ(after.overflowing[0].tensor, even.outputs()[0].node);
    CHECK_EQ(after.overflowing[0].reached, 75000);
    CHECK(group.exponents(after.overflowing[0].tensor)[0].empty());
  }
  CHECK_THROWS_WITH_AS(box_fit(network(1), NarrowFormat::Int8, box, 0), doctest::Contains("got int8"), Error);
}
