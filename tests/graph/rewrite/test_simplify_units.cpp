// Law of simplification: on the box the smaller network is the same function, exactly in rationals, or within
// what its certificate claims.
#include "graph/rewrite/simplify_units.h"

#include <doctest/doctest.h>

#include <random>
#include <set>

#include "graph/analysis/check.h"
#include "graph/analysis/digest.h"
#include "graph/analysis/equivalence/box_equivalence.h"
#include "graph/analysis/exact.h"
#include "graph/evaluate.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"
#include "graph/text.h"
#include "tests/graph/analysis/mutants.h"

using namespace crease;
using nlohmann::json;

namespace {

/// Parameters of random networks: multiples of 1/8 (few digits) or any float.
class Weights {
 public:
  Weights(Graph& graph, uint32_t seed, bool few_digits) : graph_(graph), random_(seed), few_(few_digits) {}

  Value operator()(const std::string& name, std::vector<int64_t> sizes, double low = -1, double high = 1) {
    Tensor tensor(Type::f32, std::move(sizes));
    std::uniform_real_distribution<double> uniform(low, high);
    for (int64_t i = 0; i < tensor.count(); ++i) {
      const double value = uniform(random_);
      tensor.set(i, few_ ? std::round(value * 8) / 8 : value);
    }
    return graph_.parameter(name, std::move(tensor));
  }

 private:
  Graph& graph_;
  std::mt19937 random_;
  bool few_;
};

using Build = Value (*)(const Value& x, Weights& weights);

Value layers(const Value& x, Weights& weights) {
  Value h = relu(matmul(x, weights("w0", {3, 6})) + weights("b0", {6}, -3, 3));
  h = relu(matmul(h, weights("w1", {6, 6})) + weights("b1", {6}, -6, 6));
  return matmul(h, weights("w2", {6, 2})) + weights("b2", {2});
}

Value leaky(const Value& x, Weights& weights) {
  Value h = leaky_relu(0.25)(matmul(x, weights("w0", {3, 5})) + weights("b0", {5}, -4, 4));
  h = abs_op(matmul(h, weights("w1", {5, 4})) + weights("b1", {4}, 5, 9));
  return matmul(h, weights("w2", {4, 2}));
}

Value maxed(const Value& x, Weights& weights) {
  Value h = maxout(matmul(x, weights("w0", {3, 8})) + weights("b0", {8}, -3, 3), 2);
  h = relu(matmul(h, weights("w1", {4, 6})) + weights("b1", {6}, -5, 3));
  return matmul(h, weights("w2", {6, 2}));
}

Value images(const Value& x, Weights& weights) {
  Value h =
      relu(conv2d(x, weights("k0", {4, 2, 3, 3}), {.padding = {1}}) + weights("b0", {4, 1, 1}, -20, 12));
  h = max_pool2d(h);
  h = relu(conv2d(h, weights("k1", {3, 4, 2, 2})) + weights("b1", {3, 1, 1}, -20, 20));
  return matmul(flatten(h), weights("w", {3, 2})) + weights("b", {2});
}

Value residual(const Value& x, Weights& weights) {
  const Value first = conv2d(x, weights("k0", {4, 2, 1, 1})) + weights("b0", {4, 1, 1});
  const Value inner =
      relu(conv2d(first, weights("k1", {5, 4, 3, 3}), {.padding = {1}}) + weights("b1", {5, 1, 1}, -40, 25));
  const Value sum = first + conv2d(inner, weights("k2", {4, 5, 1, 1}));
  const Value joined = concat({relu(sum + weights("b2", {4, 1, 1}, -300, 300)), inner}, 1);
  return matmul(flatten(joined), weights("w", {9 * 16, 2}));
}

/// As batch normalisation is saved: x - mean over the root of the variance, times scale, plus shift.
Value normalised(const Value& x, Weights& weights) {
  const auto norm = [&](const Value& h, const std::string& name, int64_t channels) {
    const std::vector<int64_t> sizes{channels, 1, 1};
    const Value variance = weights(name + ".variance", sizes, 0.5, 2);
    const Value centred = h - weights(name + ".mean", sizes);
    return centred / sqrt_op(variance + 0.0009765625) * weights(name + ".scale", sizes) +
           weights(name + ".shift", sizes, -9, 9);
  };
  Value h = relu(norm(conv2d(x, weights("k0", {4, 2, 3, 3})), "n0", 4));
  h = relu(norm(conv2d(h, weights("k1", {3, 4, 2, 2})), "n1", 3));
  return matmul(flatten(h), weights("w", {3, 2}));
}

Graph network(Build build, uint32_t seed, bool few_digits) {
  Graph graph;
  Weights weights(graph, seed, few_digits);
  const bool flat = build == layers || build == leaky || build == maxed;
  const Value x = graph.input("x", flat ? Shape{"batch", 3} : Shape{"batch", 2, 4, 4});
  graph.output("y", build(x, weights));
  return graph;
}

ExactValues at(const Graph& graph, const ExactValues& point) {
  const NodeId y = graph.outputs()[0].node;
  const auto values = evaluate_exactly(graph, {{graph.inputs()[0], point}}, std::span(&y, 1));
  REQUIRE(values);
  return values->at(y);
}

/// Corners of the box, and points inside.
ExactValues point_of(const Graph& graph, std::mt19937& random, bool corner) {
  ExactValues point;
  int64_t count = 1;
  for (const Dim& dim : graph.node(graph.inputs()[0]).shape) count *= dim.is_symbol() ? 1 : dim.size();
  for (int64_t i = 0; i < count; ++i)
    point.push_back(corner ? Rational(random() % 2 == 0 ? -1 : 1)
                           : Rational(static_cast<int64_t>(random() % 33) - 16, 16));
  return point;
}

int64_t parameter_count(const Graph& graph) {
  int64_t count = 0;
  for (const NodeId id : graph.parameters()) count += graph.node(id).value.count();
  return count;
}

const InputBox box{.all = Interval{-1, 1}};

void check_text(const Graph& graph) { CHECK(equal(parse(to_string(graph)), graph)); }

struct Counts {
  int64_t deleted = 0, linearised = 0;
  void add(const SimplifiedNetwork& smaller) {
    for (const SimplifiedUnits& layer : smaller.layers) {
      deleted += layer.deleted;
      linearised += layer.linearised;
    }
  }
};

}  // namespace

TEST_CASE("without merging, a simplified network is the same on the box, exactly") {
  for (const Build build : {layers, leaky, maxed, images, residual}) {
    std::mt19937 random(4);
    Counts counts;
    for (uint32_t seed = 0; seed < 6; ++seed) {
      CAPTURE(seed);
      const Graph graph = network(build, seed, true);
      const SimplifiedNetwork smaller = simplify_units(graph, box, {.collapse = false});
      counts.add(smaller);
      CHECK_FALSE(smaller.rounded);
      CHECK(parameter_count(smaller.graph) <= parameter_count(graph));
      check_text(smaller.graph);
      for (int sample = 0; sample < 6; ++sample) {
        const ExactValues point = point_of(graph, random, sample % 2 == 0);
        CHECK(at(smaller.graph, point) == at(graph, point));
      }
    }
    CHECK(counts.deleted + counts.linearised > 5);
  }
}

TEST_CASE("beyond the limit of work, which all rounds share, lines decide, and the certificate holds") {
  Counts exact, by_lines;
  for (uint32_t seed = 0; seed < 4; ++seed) {
    const Graph graph = network(layers, seed, true);
    exact.add(simplify_units(graph, box));
    const SimplifiedNetwork smaller = simplify_units(graph, box, {.box = {.work_limit = 1}});
    by_lines.add(smaller);
    const BoxEquivalence proof = box_equivalence(graph, smaller.graph, box);
    REQUIRE(proof.certificate);
    CHECK(check(proof.certificate->json, graph, smaller.graph).accepted);
  }
  CHECK(by_lines.deleted > 0);
  CHECK(by_lines.deleted + by_lines.linearised <= exact.deleted + exact.linearised);
}

TEST_CASE("two networks on a box may take the work of both normal forms, and the reason says the limit") {
  Graph graph;
  graph.output("y", relu(graph.input("x", {2}, Type::f64) * 3.0));
  CHECK(box_equivalence(graph, graph, {.all = Interval{-1, 1}}).certificate);
  CHECK_EQ(box_equivalence(graph, graph, {.all = Interval{-1, 1}}, {.form_limit = 2}).reason,
           "too large: more than 2 operations on rational numbers");
  CHECK_EQ(BoxEquivalenceOptions().form_limit, 2 * NormalFormOptions().work_limit);
}

TEST_CASE("merged and rounded, its outputs are within what the certificate claims") {
  for (const Build build : {layers, leaky, maxed, images, residual}) {
    std::mt19937 random(5);
    for (uint32_t seed = 0; seed < 4; ++seed) {
      CAPTURE(seed);
      const Graph graph = network(build, seed, false);
      const SimplifiedNetwork smaller = simplify_units(graph, box);
      const BoxEquivalence proof = box_equivalence(graph, smaller.graph, box);
      INFO(proof.reason);
      REQUIRE(proof.certificate);
      const CheckResult result = check(proof.certificate->json, graph, smaller.graph);
      INFO(result.reason);
      CHECK(result.accepted);
      const Rational bound = proof.difference.at("y");
      CHECK(bound < Rational(1, 1000));
      CHECK((smaller.rounded || bound.is_zero()));
      for (int sample = 0; sample < 6; ++sample) {
        const ExactValues point = point_of(graph, random, sample % 2 == 0);
        const ExactValues want = at(graph, point), got = at(smaller.graph, point);
        for (size_t o = 0; o < want.size(); ++o) CHECK((got[o] - want[o]).abs() <= bound);
      }
    }
  }
}

TEST_CASE("batch normalisation merges into the convolution before it, with a proved bound") {
  for (uint32_t seed = 0; seed < 3; ++seed) {
    CAPTURE(seed);
    const Graph graph = network(normalised, seed, false);
    const SimplifiedNetwork smaller = simplify_units(graph, box);
    for (NodeId id = 0; id < smaller.graph.size(); ++id)
      if (smaller.graph.node(id).role == Role::Apply) CHECK(smaller.graph.node(id).op->name != "sqrt");
    const BoxEquivalence proof = box_equivalence(graph, smaller.graph, box);
    INFO(proof.reason);
    REQUIRE(proof.certificate);
    const CheckResult result = check(proof.certificate->json, graph, smaller.graph);
    INFO(result.reason);
    CHECK(result.accepted);
    CHECK(proof.difference.at("y") < Rational(1, 1000));
  }
}

TEST_CASE(
    "a dead channel goes from its convolution, through pooling, from the next one and from flattened rows") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 1, 4, 4});
  // Channel 1 is dead on [-1, 1], channel 0 and 2 are not.
  const Value first = relu(conv2d(x, graph.parameter("k", Tensor::f32({3, 1, 1, 1}, {1, 1, -1}))) +
                           graph.parameter("b", Tensor::f32({3, 1, 1}, {0, -1, 0})));
  const Value pooled = max_pool2d(first);
  Tensor rows(Type::f32, {12, 2});
  for (int64_t i = 0; i < rows.count(); ++i) rows.set(i, static_cast<double>(i + 1));
  graph.output("y", matmul(flatten(pooled), graph.parameter("w", rows)));
  const SimplifiedNetwork smaller = simplify_units(graph, box);
  CHECK(smaller.graph.find("k").shape() == Shape{2, 1, 1, 1});
  CHECK(smaller.graph.find("b").shape() == Shape{2, 1, 1});
  CHECK(smaller.graph.find("w").shape() == Shape{8, 2});
  REQUIRE(smaller.layers.size() == 1);
  CHECK(smaller.layers[0].deleted == 16);
  CHECK(smaller.layers[0].kept == 32);
  check_text(smaller.graph);
}

TEST_CASE("weights of 0 take their channel with them, without any box") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  const Value hidden = tanh(matmul(x, graph.parameter("w", Tensor::f32({2, 3}, {1, 2, 3, 4, 5, 6}))));
  graph.output("y", matmul(hidden, graph.parameter("v", Tensor::f32({3, 1}, {1, 0, 2}))));
  const SimplifiedNetwork smaller = simplify_units(graph, {});
  CHECK(smaller.graph.find("w").shape() == Shape{2, 2});
  CHECK(smaller.graph.find("v").shape() == Shape{2, 1});
}

TEST_CASE("a saturated unit becomes part of the bias") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 1});
  const Value hidden = relu6(matmul(x, graph.parameter("w", Tensor::f32({1, 2}, {1, 1}))) +
                             graph.parameter("b", Tensor::f32({2}, {9, 0})));
  graph.output("y", matmul(hidden, graph.parameter("v", Tensor::f32({2, 1}, {0.5f, 1}))));
  const SimplifiedNetwork smaller = simplify_units(graph, box);
  CHECK(smaller.graph.find("v").shape() == Shape{1, 1});
  CHECK(at(smaller.graph, {Rational(1, 2)}) == ExactValues{Rational(7, 2)});
  CHECK(at(smaller.graph, {-1}) == ExactValues{3});
}

TEST_CASE("a box that kills everything leaves a constant for each sample") {
  for (const Build build : {layers, images}) {
    const Graph graph = network(build, 1, true);
    Graph shifted = graph;
    shifted.set_parameter("b1", build == layers ? Tensor::f32({6}, std::vector<float>(6, -1000))
                                                : Tensor::f32({3, 1, 1}, std::vector<float>(3, -1000)));
    const SimplifiedNetwork constant = simplify_units(shifted, box);
    CHECK(parameter_count(constant.graph) == 0);
    CHECK(constant.graph.inputs().size() == 1);
    check_text(constant.graph);
    std::mt19937 random(1);
    const ExactValues point = point_of(graph, random, true);
    CHECK(at(constant.graph, point) == at(shifted, point));
    const BoxEquivalence proof = box_equivalence(shifted, constant.graph, box);
    REQUIRE(proof.certificate);
    CHECK(proof.difference.at("y").is_zero());
    const CheckResult result = check(proof.certificate->json, shifted, constant.graph);
    CHECK_MESSAGE(result.accepted, result.reason);
  }
}

TEST_CASE("one point as a box, and one where every unit is active") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  const Value hidden = relu(matmul(x, graph.parameter("w", Tensor::f32({2, 2}, {1, 0, 0, 1}))) +
                            graph.parameter("b", Tensor::f32({2}, {-3, -3})));
  graph.output("y", matmul(hidden, graph.parameter("v", Tensor::f32({2, 1}, {5, 7}))));
  const SimplifiedNetwork linear = simplify_units(graph, {.all = Interval{4, 5}});
  CHECK(linear.layers[0].linearised == 2);
  CHECK(at(linear.graph, {4, 5}) == at(graph, {4, 5}));
  for (NodeId id = 0; id < linear.graph.size(); ++id)
    if (linear.graph.node(id).role == Role::Apply) CHECK(linear.graph.node(id).op->name != "relu");
  const SimplifiedNetwork point = simplify_units(graph, {.all = Interval{4, 4}});
  CHECK(parameter_count(point.graph) == 0);
  CHECK(at(point.graph, {4, 4}) == ExactValues{12});
  // Without the input that its result no longer depends on, too.
  Graph without;
  without.output("y", broadcast_to(without.constant(Tensor::f32({1, 1}, {12})), {"batch", 1}));
  const InputBox there{.all = Interval{4, 4}};
  const BoxEquivalence proof = box_equivalence(graph, without, there);
  REQUIRE(proof.certificate);
  CHECK(check(proof.certificate->json, graph, without).accepted);
}

TEST_CASE("units that something else reads stay, and the report says what holds them") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  const Value hidden = relu(x + graph.parameter("b", Tensor::f32({2}, {-3, 0})));
  graph.output("y", hidden + x);
  const SimplifiedNetwork same = simplify_units(graph, box);
  REQUIRE(same.kept.size() == 1);
  CHECK(same.kept[0].find("1 dead units stay: x is an input") != std::string::npos);
  CHECK(at(same.graph, {1, -1}) == at(graph, {1, -1}));
  Graph sums;
  const Value z = sums.input("x", {"batch", 2});
  const auto weight = [&](const char* name, std::vector<float> values) {
    return sums.parameter(name, Tensor::f32({2, 2}, std::move(values)));
  };
  const Value first = matmul(z, weight("w", {1, 2, 3, 4}));
  const Value second = relu(first + sums.parameter("b", Tensor::f32({2}, {-30, 0})));
  sums.output("y", matmul(first + second, weight("v", {1, 1, 1, 1})));
  const SimplifiedNetwork held = simplify_units(sums, box, {.collapse = false});
  REQUIRE(held.kept.size() == 1);
  CHECK(held.kept[0].find("1 dead units stay: not all of what") != std::string::npos);
}

TEST_CASE("a network that trains is refused") {
  Graph graph;
  const Value w = graph.parameter("w", Tensor::f32({1}, {1}));
  graph.output("y", graph.input("x", {1}) * w);
  graph.update(w, w * 0.5);
  CHECK_THROWS_WITH_AS(simplify_units(graph, box), doctest::Contains("trains 1 parameters"), Error);
}

TEST_CASE("every changed certificate of a simplification is refused, and so is every changed network") {
  for (const Build build : {layers, leaky, normalised}) {
    const Graph graph = network(build, 3, build == leaky);
    const SimplifiedNetwork smaller = simplify_units(graph, box);
    const BoxEquivalence proof = box_equivalence(graph, smaller.graph, box);
    REQUIRE(proof.certificate);
    REQUIRE(check(proof.certificate->json, graph, smaller.graph).accepted);
    const json original = json::parse(proof.certificate->json);
    std::vector<test::Mutant> mutants = test::mutants(original);
    std::mt19937 random(6);
    std::ranges::shuffle(mutants, random);
    mutants.resize(std::min<size_t>(mutants.size(), 60));
    for (const test::Mutant& mutant : mutants) {
      // A claim about another box may be as true.
      if (mutant.change.starts_with("/box/x/")) continue;
      CAPTURE(mutant.change);
      CHECK_FALSE(check(mutant.json.dump(), graph, smaller.graph).accepted);
    }
    for (const NodeId id : smaller.graph.parameters()) {
      Graph changed = smaller.graph;
      Tensor value = changed.node(id).value;
      value.set(0, value.at(0) + 0.125);
      changed.set_parameter(changed.node(id).name, value);
      CHECK_FALSE(check(original.dump(), graph, changed).accepted);
      json forged = original;
      forged["other"] = digest(changed);
      CAPTURE(changed.node(id).name);
      CHECK_FALSE(check(forged.dump(), graph, changed).accepted);
    }
  }
}

TEST_CASE("channels go through depthwise convolutions, and with their whole group through grouped ones") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 1, 3, 3});
  // Channels 1, 2 and 3 are dead.
  const Value first = relu(conv2d(x, graph.parameter("k", Tensor::f32({4, 1, 1, 1}, {1, 1, 1, -1}))) +
                           graph.parameter("b", Tensor::f32({4, 1, 1}, {0, -1, -2, -3})));
  const Value by_channel =
      conv2d(first, graph.parameter("d", Tensor::f32({4, 1, 1, 1}, {1, 2, 3, 4})), {.groups = 4});
  const Value grouped =
      conv2d(first, graph.parameter("g", Tensor::f32({4, 2, 1, 1}, {1, 2, 3, 4, 5, 6, 7, 8})), {.groups = 2});
  const Value ones = graph.parameter("w", Tensor::f32({2, 4, 1, 1}, {1, 2, 3, 4, 5, 6, 7, 8}));
  SUBCASE("depthwise") {
    graph.output("y", conv2d(by_channel, ones));
    const SimplifiedNetwork smaller = simplify_units(graph, box, {.collapse = false});
    CHECK(smaller.graph.find("k").shape() == Shape{1, 1, 1, 1});
    CHECK(smaller.graph.find("d").shape() == Shape{1, 1, 1, 1});
    CHECK(smaller.graph.find("w").shape() == Shape{2, 1, 1, 1});
    const ExactValues point(9, Rational(1, 2));
    CHECK(at(smaller.graph, point) == at(graph, point));
    check_text(smaller.graph);
  }
  SUBCASE("grouped") {
    // First the second group; what is left is a plain convolution, from which channel 1 goes.
    graph.output("y", conv2d(grouped, ones));
    const SimplifiedNetwork smaller = simplify_units(graph, box, {.collapse = false});
    CHECK(smaller.graph.find("k").shape() == Shape{1, 1, 1, 1});
    CHECK(smaller.graph.find("g").shape() == Shape{2, 1, 1, 1});
    CHECK(smaller.graph.find("w").shape() == Shape{2, 2, 1, 1});
    const ExactValues point(9, Rational(1, 2));
    CHECK(at(smaller.graph, point) == at(graph, point));
  }
}

TEST_CASE("the part of a state that is kept is state") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  const Value mean = graph.state("mean", Tensor::f32({3}, {0, 5, 0}));  // unit 1 is dead
  const Value h = relu(matmul(x, graph.parameter("v", Tensor::f32({2, 3}, {1, 1, 1, 1, 1, -1}))) - mean);
  graph.output("y", matmul(h, graph.parameter("w", Tensor::f32({3, 1}, {1, 2, 3}))));
  const SimplifiedNetwork smaller = simplify_units(graph, box, {.collapse = false});
  CHECK(smaller.graph.find("mean").shape() == Shape{2});
  CHECK(smaller.graph.find("mean").node().state);
  CHECK_FALSE(smaller.graph.find("v").node().state);
}

TEST_CASE("tensors without elements stay so") {
  Graph graph;
  const Value x = graph.input("x", {1, 2}), none = graph.constant(Tensor(Type::f32, {0}));
  graph.output("y", relu(x - 5));
  graph.output("empty", relu(none * sum(x)) + 1);
  const SimplifiedNetwork found = simplify_units(graph, {.all = Interval{-1, 1}});
  CHECK(evaluate(found.graph, {{"x", Tensor::f32({1, 2}, {0, 1})}}).at("empty").count() == 0);
}
