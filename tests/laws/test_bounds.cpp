// Laws of bounds over networks of all kinds: no value at a point of the box lies outside of its interval, and
// no unit that is called dead is alive.
#include <doctest/doctest.h>

#include <random>

#include "frontends/crease.h"
#include "graph/analysis/bounds/range.h"
#include "graph/analysis/bounds/units.h"
#include "graph/analysis/check.h"
#include "graph/evaluate.h"

using namespace crease;

namespace {

Tensor random_tensor(std::vector<int64_t> sizes, std::mt19937& random, double low = -1, double high = 1) {
  Tensor tensor(Type::f64, std::move(sizes));
  std::uniform_real_distribution<double> uniform(low, high);
  for (int64_t i = 0; i < tensor.count(); ++i) tensor.set(i, uniform(random));
  return tensor;
}

Value random_parameter(Graph& graph, const std::string& name, std::vector<int64_t> sizes,
                       std::mt19937& random) {
  return graph.parameter(name, random_tensor(std::move(sizes), random));
}

/// Compiled intervals of nodes, in their order.
std::vector<TensorBounds> compiled_bounds(const Graph& graph, const std::vector<Value>& nodes, double low,
                                          double high) {
  BoundsOptions options{.compile = {.optimisation = 0}};
  for (const Value& node : nodes) options.wanted.push_back({fmt::format("n{}", node.id()), node.id()});
  Boxes boxes;
  for (const NodeId id : graph.inputs()) {
    TensorBounds box{Tensor(Type::f64, sizes_of(graph.node(id).shape)), {}};
    for (int64_t i = 0; i < box.low.count(); ++i) box.low.set(i, low);
    box.high = box.low;
    for (int64_t i = 0; i < box.low.count(); ++i) box.high.set(i, high);
    boxes.emplace(graph.node(id).name, box);
  }
  const Boxes bounds = BoundsProgram(graph, options)(boxes);
  std::vector<TensorBounds> result;
  for (const Output& output : options.wanted) result.push_back(bounds.at(output.name));
  return result;
}

/// All floating nodes at random points of the box lie in their intervals, compiled ones too, and lines are no
/// weaker than intervals.
void check_sound(const Graph& graph, double low, double high, std::mt19937& random, int samples = 60) {
  const BoxAnalysis box(graph, {.all = Interval{low, high}});
  std::vector<Value> wanted;
  for (const NodeId id : box.nodes())
    if (is_floating(graph.node(id).type)) wanted.push_back(graph.value(id));
  const std::vector<TensorBounds> compiled = compiled_bounds(graph, wanted, low, high);
  for (int sample = 0; sample < samples; ++sample) {
    Bindings inputs;
    for (const NodeId id : graph.inputs()) {
      Tensor point = random_tensor(sizes_of(graph.node(id).shape), random, low, high);
      if (sample % 3 == 0)
        for (int64_t i = 0; i < point.count(); ++i) point.set(i, random() % 2 == 0 ? low : high);
      inputs[graph.node(id).name] = point;
    }
    const std::vector<Tensor> values = evaluate(graph, inputs, wanted);
    for (size_t k = 0; k < values.size(); ++k)
      for (int64_t i = 0; i < values[k].count(); ++i) {
        const double value = values[k].at(i), slack = 1e-9 * (1 + std::abs(value));
        const Interval plain = box.by_intervals(wanted[k].id(), i), lines = box.by_lines(wanted[k].id(), i);
        CAPTURE(describe(graph, wanted[k].id()));
        REQUIRE(lines.low <= value + slack);
        REQUIRE(value - slack <= lines.high);
        REQUIRE(compiled[k].low.at(i) <= value + slack);
        REQUIRE(value - slack <= compiled[k].high.at(i));
        REQUIRE(plain.low <= lines.low);
        REQUIRE(lines.high <= plain.high);
      }
  }
}

}  // namespace

TEST_CASE("bounds hold in convolutions, pools, residual sums and concatenations") {
  std::mt19937 random(3);
  Graph graph;
  const Value x = graph.input("x", {1, 2, 6, 6}, Type::f64);
  const Value kernel = random_parameter(graph, "kernel", {4, 1, 3, 3}, random);
  const Value features = relu(conv2d(x, kernel, {.padding = {1}, .groups = 2}));
  const Value pooled = max_pool2d(features, {.window = {2}});
  const Value smooth = average_pool2d(features, {.window = {2}});
  const Value joined = concat({pooled, tanh(smooth), pooled + smooth}, 1);
  const Value flat = reshape(joined, {1, 108});
  const Value hidden = leaky_relu(0.1)(matmul(flat, random_parameter(graph, "w", {108, 5}, random)));
  graph.output("y",
               abs(matmul(hidden, random_parameter(graph, "v", {5, 3}, random)) - slice(hidden, 1, 1, 4)));
  check_sound(graph, -1, 1, random);
}

TEST_CASE("bounds hold for smooth, clipped, gated and normalised values") {
  std::mt19937 random(5);
  Graph graph;
  const Value x = graph.input("x", {1, 4}, Type::f64);
  const Value a = matmul(x, random_parameter(graph, "a", {4, 6}, random));
  const Value b = matmul(x, random_parameter(graph, "b", {4, 6}, random));
  const Value gate = sigmoid(a) * gelu(b);
  const Value centred = gate - mean(gate, {1}, true);
  const Value normal = centred / sqrt(mean(square(centred), {1}, true) + 0.01);
  const Value weights = softmax(matmul(normal, random_parameter(graph, "c", {6, 6}, random)));
  const Value bends = maxout(matmul(weights, random_parameter(graph, "d", {6, 6}, random)), 2);
  graph.output("y",
               relu6(bends) + min(bends, hard_sigmoid(bends)) + step(bends) + elu(bends) * softplus(bends));
  check_sound(graph, -1.5, 0.5, random);
}

TEST_CASE("bounds hold in attention, a product of varying matrices") {
  std::mt19937 random(11);
  Graph graph;
  const Value x = graph.input("x", {3, 2}, Type::f64);
  const Value q = matmul(x, random_parameter(graph, "q", {2, 2}, random));
  const Value k = matmul(x, random_parameter(graph, "k", {2, 2}, random));
  const Value v = matmul(x, random_parameter(graph, "v", {2, 2}, random));
  graph.output("y", matmul(softmax(matmul(q, transpose(k, {1, 0}))), v));
  check_sound(graph, -1, 1, random);
}

TEST_CASE("rows of softmax are shares: each is between 0 and 1, also where its logits are wide") {
  Graph graph;
  const Value x = graph.input("x", {1, 3}, Type::f64);
  graph.output("y", softmax(x));
  const BoxAnalysis box(graph, {.all = Interval{-1, 1}});
  const Interval y = box.by_intervals(graph.result("y").id(), 0);
  CHECK(y.low == doctest::Approx(std::exp(-1) / (std::exp(-1) + 2 * std::exp(1))).epsilon(1e-12));
  CHECK(y.high == doctest::Approx(std::exp(1) / (std::exp(1) + 2 * std::exp(-1))).epsilon(1e-12));
}

TEST_CASE("no unit that is called dead or active is not, at a million samples") {
  std::mt19937 random(2);
  int64_t decided = 0;
  for (int network = 0; network < 4; ++network) {
    Graph graph;
    const Value x = graph.input("x", {"batch", 2});
    Value hidden = x;
    for (int layer = 0; layer < 3; ++layer) {
      const int64_t from = layer == 0 ? 2 : 8;
      const Value w =
          graph.parameter(fmt::format("w{}", layer), random_tensor({from, 8}, random).converted(Type::f32));
      const Value b =
          graph.parameter(fmt::format("b{}", layer), random_tensor({8}, random, -2, 1).converted(Type::f32));
      hidden = relu(matmul(hidden, w) + b);
      graph.set_name(hidden, fmt::format("a{}", layer));
    }
    graph.output("y", hidden);
    const BoxAnalysis box(graph, {.all = Interval{-1, 1}});
    Tensor samples(Type::f32, {250'000, 2});
    std::uniform_real_distribution<float> uniform(-1, 1);
    const std::span<float> numbers = samples.write<float>();
    for (float& value : numbers) value = uniform(random);
    for (const UnitNode& node : units_of(box))
      graph.output(fmt::format("z{}", node.operand), graph.value(node.operand));
    const auto values = compile(graph)({{"x", samples}});
    for (const UnitNode& node : units_of(box)) {
      const auto arguments = values.at(fmt::format("z{}", node.operand)).read<float>();
      for (const Unit& unit : node.units) {
        if (unit.state == UnitState::Unstable) continue;
        ++decided;
        int64_t against = 0;
        for (size_t i = static_cast<size_t>(unit.argument); i < arguments.size(); i += 8)
          against += unit.state == UnitState::Dead ? arguments[i] > 1e-5F : arguments[i] < -1e-5F;
        CHECK(against == 0);
      }
    }
    Graph plain = graph;
    plain.clear_outputs();
    plain.output("y", plain.value(hidden.id()));
    const BoxAnalysis again(plain, {.all = Interval{-1, 1}});
    for (const Finding& finding : unit_findings(again)) {
      REQUIRE(finding.certificate);
      const CheckResult result = check(*finding.certificate, plain);
      INFO(result.reason);
      CHECK(result.accepted);
    }
  }
  CHECK(decided > 8);
}

TEST_CASE("an overflow that bounds allow is named, and reached where it happens") {
  Graph graph;
  const Value x = graph.input("x", {1, 1});
  const Value large = matmul(x, graph.parameter("w", Tensor::f32({1, 1}, {60000})));
  graph.set_name(large, "large");
  graph.output("y", large - large * 0.75);
  const BoxAnalysis box(graph, {.all = Interval{-2, 2}});
  CHECK(first_possible_overflow(box, 65504).node == large.id());
  CHECK(first_reached_overflow(box, 65504).node == large.id());
  CHECK(first_possible_overflow(box, 3e38).node == -1);
  CHECK(first_possible_nan(box, 65504).ends_with("inf - inf"));
  CHECK(first_possible_nan(box, 3e38).empty());
}

TEST_CASE("a dead unit of the first layer is dead for ever, one behind trained units only for now") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 1});
  const Value first = relu(matmul(x, graph.parameter("w", Tensor::f32({1, 2}, {1, 1}))) +
                           graph.parameter("b", Tensor::f32({2}, {-3, 1})));
  const Value second = relu(matmul(first, graph.parameter("v", Tensor::f32({2, 2}, {1, 1, -1, 1}))) +
                            graph.parameter("c", Tensor::f32({2}, {-1, 1})));
  graph.output("y", second);
  const std::vector<UnitNode> nodes = units_of(BoxAnalysis(graph, {.all = Interval{-1, 1}}));
  REQUIRE(nodes.size() == 2);
  CHECK(nodes[0].units[0].state == UnitState::Dead);
  CHECK(nodes[0].units[0].permanent);
  CHECK(nodes[1].units[0].state == UnitState::Dead);
  CHECK_FALSE(nodes[1].units[0].permanent);
  CHECK(nodes[1].units[1].state == UnitState::Active);
}
