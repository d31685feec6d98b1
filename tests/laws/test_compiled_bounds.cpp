// Laws of compiled bounds: no value at a point of a box lies outside of its interval, for every operation, in
// exact arithmetic where there is any, with and without embedded rounding.
#include <doctest/doctest.h>

#include <limits>
#include <random>

#include "frontends/crease.h"
#include "graph/analysis/bounds/linear_bounds.h"
#include "graph/analysis/bounds/node_bounds.h"
#include "graph/analysis/exact.h"
#include "jit/bounds_program.h"
#include "tests/laws/subjects.h"

using namespace crease;

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

/// Native, and without AVX-512 where the processor has both.
std::vector<MachineLevel> levels() {
  std::vector<MachineLevel> result{MachineLevel::Native};
  const auto highest = level_of(host_machine());
  for (const MachineLevel level : {MachineLevel::V2, MachineLevel::V3})
    if (highest && *highest >= level) result.push_back(level);
  return result;
}

/// A box around numbers: every third side is a point, the others are up to 1 wide.
TensorBounds box_around(const Tensor& center, std::mt19937& random) {
  TensorBounds box{center.converted(Type::f64), center.converted(Type::f64)};
  for (int64_t i = 0; i < center.count(); ++i) {
    const double width = random() % 3 == 0 ? 0 : static_cast<double>(random() % 1024) / 1024;
    box.high.set(i, box.low.at(i) + width);
  }
  return box;
}

Boxes boxes_for(const Graph& graph, const Bindings& centers, std::mt19937& random) {
  Boxes boxes;
  for (const NodeId id : graph.inputs())
    if (is_floating(graph.node(id).type))
      boxes.emplace(graph.node(id).name, box_around(centers.at(graph.node(id).name), random));
  return boxes;
}

/// A corner of the box, or a point inside that f32 has too.
Tensor point_of(const TensorBounds& box, bool corner, std::mt19937& random) {
  Tensor point = box.low;
  for (int64_t i = 0; i < point.count(); ++i) {
    const double low = box.low.at(i), high = box.high.at(i);
    const double inside = low + (high - low) * (static_cast<double>(random() % 1025) / 1024);
    const double value = corner ? (random() % 2 == 0 ? low : high) : inside;
    point.set(i, std::clamp(value, low, high));
  }
  return point;
}

Bindings integers_of(const Graph& graph, const Bindings& all) {
  Bindings result;
  for (const NodeId id : graph.inputs())
    if (!is_floating(graph.node(id).type)) result.emplace(graph.node(id).name, all.at(graph.node(id).name));
  return result;
}

std::map<NodeId, ExactValues> exact_inputs(const Graph& graph, const Bindings& inputs) {
  std::map<NodeId, ExactValues> result;
  for (const NodeId id : graph.inputs()) result.emplace(id, *exact_values(inputs.at(graph.node(id).name)));
  return result;
}

/// Every value at points of the boxes lies in its interval: exactly, where values are rational.
/// Returns whether they were.
bool check_sound(const Graph& graph, const Boxes& boxes, const Bindings& integers, const Boxes& bounds,
                 int points, std::mt19937& random) {
  bool rational = true;
  for (int k = 0; k < points; ++k) {
    Bindings inputs = integers;
    for (const auto& [name, box] : boxes) inputs.emplace(name, point_of(box, k % 2 == 0, random));
    const NodeId node = graph.outputs()[0].node;
    const TensorBounds& bound = bounds.at(graph.outputs()[0].name);
    const auto exact = evaluate_exactly(graph, exact_inputs(graph, inputs), std::vector<NodeId>{node});
    rational = rational && exact.has_value();
    const Tensor value = exact ? Tensor() : evaluate(graph, inputs).at(graph.outputs()[0].name);
    for (int64_t i = 0; i < bound.low.count(); ++i) {
      const double low = bound.low.at(i), high = bound.high.at(i);
      CAPTURE(i);
      CAPTURE(low);
      CAPTURE(high);
      REQUIRE(low <= high);
      if (exact) {
        const Rational& truth = exact->at(node)[static_cast<size_t>(i)];
        if (std::isfinite(low)) REQUIRE(Rational::of(low) <= truth);
        if (std::isfinite(high)) REQUIRE(truth <= Rational::of(high));
        continue;
      }
      const double number = value.at(i), slack = 1e-13 * (1 + std::abs(number));
      if (std::isnan(number)) continue;
      REQUIRE(low <= number + slack);
      REQUIRE(number - slack <= high);
    }
  }
  return rational;
}

}  // namespace

namespace {

/// Returns how many values were rational.
int check_subjects(Type type, unsigned seed) {
  std::mt19937 random(seed);
  int rational = 0;
  for (const laws::Subject& subject : laws::subjects(3)) {
    CAPTURE(subject.name);
    Graph graph;
    graph.output("y", subject.build(graph));
    const std::vector<MachineLevel> all = levels();
    const MachineLevel level = all[random() % all.size()];
    CAPTURE(to_string(level));
    BoundsProgram program(graph, {.type = type, .compile = {.level = level, .optimisation = 0}});
    for (const Bindings& centers : {laws::halves(graph), laws::irregular(graph)}) {
      const Boxes boxes = boxes_for(graph, centers, random);
      const Bindings integers = integers_of(graph, centers);
      rational += check_sound(graph, boxes, integers, program(boxes, integers), 12, random) ? 1 : 0;
    }
  }
  return rational;
}

}  // namespace

TEST_CASE("compiled bounds of every operation hold in f64") { CHECK(check_subjects(Type::f64, 1) > 50); }

TEST_CASE("compiled bounds of every operation hold in f32") { CHECK(check_subjects(Type::f32, 2) > 50); }

TEST_CASE("compiled bounds are those of the interpreter, but for the last digits") {
  std::mt19937 random(2);
  // Known to be wider: functions that turn inside of the box, and products over a loop.
  const std::set<std::string> wider{"product",   "sin",  "cos",  "gelu",
                                    "gelu_tanh", "silu", "mish", "hard_swish"};
  for (const laws::Subject& subject : laws::subjects(3)) {
    if (wider.contains(subject.name)) continue;
    CAPTURE(subject.name);
    Graph graph;
    graph.output("y", subject.build(graph));
    const Bindings centers = laws::irregular(graph);
    if (!integers_of(graph, centers).empty()) continue;
    const Boxes boxes = boxes_for(graph, centers, random);
    InputBox box;
    for (const auto& [name, ends] : boxes)
      for (int64_t i = 0; i < ends.low.count(); ++i)
        box.inputs[name].push_back({ends.low.at(i), ends.high.at(i)});
    const NodeId node = graph.outputs()[0].node;
    const NodeBounds want = node_bounds(graph, box, {node})[static_cast<size_t>(node)];
    const TensorBounds got = BoundsProgram(graph, {.compile = {.optimisation = 0}})(boxes).at("y");
    for (int64_t i = 0; i < got.low.count(); ++i) {
      const Interval interval = want.at(i);
      CAPTURE(i);
      CAPTURE(interval.low);
      CAPTURE(interval.high);
      CAPTURE(got.low.at(i));
      CAPTURE(got.high.at(i));
      if (std::isfinite(interval.low))
        CHECK(got.low.at(i) >= interval.low - 1e-13 * (1 + std::abs(interval.low)));
      if (std::isfinite(interval.high))
        CHECK(got.high.at(i) <= interval.high + 1e-13 * (1 + std::abs(interval.high)));
    }
  }
}

namespace {

/// Grows graphs of rational operations over [2, 4] tensors with stored weights.
class Grower {
 public:
  explicit Grower(unsigned seed) : random_(seed) {
    values_.push_back(graph.input("x", {2, 4}, Type::f64));
    values_.push_back(graph.input("z", {2, 4}, seed % 2 == 0 ? Type::f64 : Type::f32));
  }

  void grow(int nodes) {
    for (int i = 0; i < nodes; ++i) values_.push_back(next());
    graph.output("y", values_.back() + values_[values_.size() - 2]);
  }

  Graph graph;

 private:
  Value any() { return values_[random_() % values_.size()]; }
  Value weights(std::vector<int64_t> sizes) {
    Tensor tensor(Type::f32, std::move(sizes));
    for (int64_t i = 0; i < tensor.count(); ++i)
      tensor.set(i, random_() % 5 == 0 ? 0 : static_cast<double>(random_() % 2000) / 1000 - 1);
    return graph.parameter("w" + std::to_string(graph.size()), tensor);
  }

  Value next() {
    switch (random_() % 14) {
      case 0: return any() + any();
      case 1: return any() - weights({4});
      case 2: return any() * any() * 0.125;
      case 3: return relu(any());
      case 4: return abs(any()) - 0.3;
      case 5: return max(any(), any());
      case 6: return matmul(any(), weights({4, 4}));
      case 7: return leaky_relu(0.1)(matmul_transposed(any(), weights({4, 4})));
      case 8: return maxout(concat({any(), any()}, 1), 2);
      case 9: return any() / (abs(any()) + 1.5);
      case 10: return where(any() < any(), any(), any());
      case 11: return clip(-1, 0.7)(reverse(any(), 1));
      case 12: return matmul(matmul(any(), transpose(any())) * 0.1, any());
      default: return prelu(any(), weights({4})) + reduce_max(any(), {1}, true);
    }
  }

  std::mt19937 random_;
  std::vector<Value> values_;
};

}  // namespace

TEST_CASE("compiled bounds of random graphs contain their exact values") {
  for (unsigned seed = 0; seed < 36; ++seed) {
    CAPTURE(seed);
    std::mt19937 random(seed);
    Grower grower(seed);
    grower.grow(2 + static_cast<int>(seed % 7));
    CAPTURE(to_string(grower.graph));
    const Boxes boxes = boxes_for(grower.graph, laws::irregular(grower.graph), random);
    const std::vector<MachineLevel> all = levels();
    BoundsProgram program(grower.graph,
                          {.type = seed % 3 == 0 ? Type::f32 : Type::f64,
                           .compile = {.level = all[seed % all.size()], .fuse = seed % 5 != 0}});
    CHECK(check_sound(grower.graph, boxes, {}, program(boxes), 10, random));
  }
}

TEST_CASE("products of what is known exactly are rounded outward, and scale lines") {
  std::mt19937 random(6);
  Graph graph;
  const Value x = graph.input("x", {"batch", 2}, Type::f64);
  const Value w = graph.parameter("w", Tensor::f64({2}, {0.1, -0.7})),
              v = graph.parameter("v", Tensor::f64({2}, {0.3, 0.9}));
  graph.output("y", relu(x * (w * v)) + w * v - x * w);
  for (const LineUse lines : {LineUse::None, LineUse::Wanted, LineUse::Everywhere}) {
    const TensorBounds box{Tensor::f64({1, 2}, {-1, 0.2}), Tensor::f64({1, 2}, {0.5, 0.3})};
    const Boxes bounds = BoundsProgram(graph, {.lines = lines})({{"x", box}});
    CHECK(check_sound(graph, {{"x", box}}, {}, bounds, 60, random));
  }
}

TEST_CASE("compiled lines are no wider than intervals, and see what cancels") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 1}, Type::f64);
  const Value h = relu(matmul(x, graph.parameter("w", Tensor::f64({1, 2}, {1, -1}))) +
                       graph.parameter("b", Tensor::f64({2}, {2, 2})));
  graph.output("y", matmul(h, graph.parameter("v", Tensor::f64({2, 1}, {1, 1}))));
  const Boxes box{{"x", {Tensor::f64({2, 1}, {-1, -3}), Tensor::f64({2, 1}, {1, 0.5})}}};
  const TensorBounds plain = BoundsProgram(graph)(box).at("y");
  const TensorBounds lines = BoundsProgram(graph, {.lines = LineUse::Wanted})(box).at("y");
  // Without embedded rounding each operation may add a step.
  const auto is_just = [](const TensorBounds& bounds, double low, double high) {
    CHECK(bounds.low.at(0) <= low);
    CHECK(bounds.low.at(0) == doctest::Approx(low).epsilon(1e-14));
    CHECK(bounds.high.at(0) >= high);
    CHECK(bounds.high.at(0) == doctest::Approx(high).epsilon(1e-14));
  };
  is_just(plain, 2, 6);
  is_just(lines, 4, 4);  // x + 2 - x + 2
  CHECK(lines.low.at(1) >= plain.low.at(1));
  CHECK(lines.high.at(1) < plain.high.at(1));
}

TEST_CASE("compiled lines of a network are those of the interpreter, but for its choices") {
  std::mt19937 random(11);
  Graph graph = network(mlp({4, 12, 12, 3}, relu, {.bias_init = uniform(-0.5, 0.5)}), 4);
  const std::string name = graph.outputs()[0].name, input = graph.node(graph.inputs()[0]).name;
  InputBox box;
  TensorBounds ends{Tensor(Type::f64, {1, 4}), Tensor(Type::f64, {1, 4})};
  for (int64_t i = 0; i < 4; ++i) {
    ends.low.set(i, static_cast<double>(random() % 100) / 100 - 1);
    ends.high.set(i, ends.low.at(i) + 0.3);
    box.inputs[input].push_back({ends.low.at(i), ends.high.at(i)});
  }
  const std::vector<NodeId> wanted{graph.outputs()[0].node};
  const LinearBounds want =
      linear_bounds(stages_of(graph, node_bounds(graph, box, wanted), wanted), wanted, {.choice_limit = 0});
  const auto width = [&](LineUse lines) {
    const TensorBounds got = BoundsProgram(graph, {.lines = lines})({{input, ends}}).at(name);
    double sum = 0;
    for (int64_t i = 0; i < 3; ++i) sum += got.high.at(i) - got.low.at(i);
    CHECK(check_sound(graph, {{input, ends}}, {}, {{name, got}}, 100, random));
    return sum;
  };
  double interpreted = 0;
  for (int64_t i = 0; i < 3; ++i) {
    const auto stage = static_cast<size_t>(want.network.stage_of[static_cast<size_t>(wanted[0])]);
    const Interval it = want.network.stages[stage].bounds[static_cast<size_t>(i)];
    interpreted += it.high - it.low;
  }
  const double none = width(LineUse::None), some = width(LineUse::Wanted), all = width(LineUse::Everywhere);
  CHECK(some < none);
  CHECK(all <= some * (1 + 1e-12));
  // The order in which lines and intervals are intersected differs.
  CHECK(all == doctest::Approx(interpreted).epsilon(0.01));
}

TEST_CASE("a hundred thousand points of a box stay in the compiled bounds of a network") {
  for (const MachineLevel level : levels()) {
    CAPTURE(to_string(level));
    std::mt19937 random(7);
    Graph graph = network(mlp({6, 24, 24, 3}, tanh_op, {.bias_init = uniform(-0.5, 0.5)}), 6);
    const std::string name = graph.outputs()[0].name, input = graph.node(graph.inputs()[0]).name;
    TensorBounds box{Tensor(Type::f64, {1, 6}), Tensor(Type::f64, {1, 6})};
    for (int64_t i = 0; i < 6; ++i) {
      box.low.set(i, -0.1 * static_cast<double>(i));
      box.high.set(i, 0.25);
    }
    const TensorBounds bounds = BoundsProgram(graph, {.compile = {.level = level}})({{input, box}}).at(name);
    constexpr int64_t points = 100'000;
    Tensor samples(Type::f32, {points, 6});
    std::uniform_real_distribution<double> uniform(0, 1);
    for (int64_t i = 0; i < samples.count(); ++i) {
      const double low = box.low.at(i % 6);
      samples.set(i, low + (0.25 - low) * uniform(random));
    }
    const Tensor values = compile(graph)({{input, samples}}).at(name);
    // The network itself is computed in f32.
    int64_t outside = 0;
    for (int64_t i = 0; i < values.count(); ++i)
      outside += values.at(i) < bounds.low.at(i % 3) - 1e-5 || values.at(i) > bounds.high.at(i % 3) + 1e-5;
    CHECK(outside == 0);
  }
}

TEST_CASE("a batch of boxes is bounded as each of them alone") {
  Graph graph = network(mlp({5, 17, 4}, relu, {.bias_init = uniform(-0.5, 0.5)}), 5);
  const std::string name = graph.outputs()[0].name, input = graph.node(graph.inputs()[0]).name;
  BoundsProgram program(graph);
  std::mt19937 random(3);
  Tensor centers(Type::f64, {9, 5});
  for (int64_t i = 0; i < 45; ++i) centers.set(i, static_cast<double>(random() % 100) / 50 - 1);
  const TensorBounds boxes = box_around(centers, random);
  const TensorBounds all = program({{input, boxes}}).at(name);
  for (int64_t row = 0; row < 9; ++row) {
    const TensorBounds one =
        program({{input, {boxes.low.rows(row, row + 1), boxes.high.rows(row, row + 1)}}}).at(name);
    CHECK(one.low == all.low.rows(row, row + 1));
    CHECK(one.high == all.high.rows(row, row + 1));
  }
}

TEST_CASE("ends that are exact stay exact: a unit that is never positive is dead to the last bit") {
  Graph graph;
  const Value x = graph.input("x", {1, 3}, Type::f64);
  const Value w = graph.parameter("w", Tensor::f64({3, 2}, {-0.1, 0.3, -0.7, 0.1, -0.2, 0.9}));
  graph.output("y", matmul(relu(x), w));
  for (const MachineLevel level : levels()) {
    const TensorBounds y = BoundsProgram(graph, {.compile = {.level = level}})(
                               {{"x", {Tensor::f64({1, 3}, {-1, -1, 0}), Tensor::f64({1, 3}, {0.3, 0, 1})}}})
                               .at("y");
    CHECK(y.high.at(0) == 0);
    CHECK(y.low.at(1) == 0);
  }
}

TEST_CASE("infinite ends give no NaN, and nothing that is not so") {
  Graph graph;
  const Value x = graph.input("x", {1, 2}, Type::f64);
  const Value w = graph.parameter("w", Tensor::f64({2, 2}, {1, 0, 0, 1}));
  graph.output("product", matmul(x, w));
  graph.output("exp", exp(x));
  graph.output("tanh", tanh(x));
  graph.output("log", log(x));
  graph.output("sum", x - x * 2.0);
  graph.output("wave", sin(x));
  const Boxes bounds =
      BoundsProgram(graph)({{"x", {Tensor::f64({1, 2}, {-kInf, 0.5}), Tensor::f64({1, 2}, {1, kInf})}}});
  for (const auto& [name, bound] : bounds) {
    CAPTURE(name);
    for (int64_t i = 0; i < 2; ++i) CHECK(bound.low.at(i) <= bound.high.at(i));  // no NaN
  }
  CHECK(bounds.at("exp").low.at(0) >= 0);
  CHECK(bounds.at("exp").high.at(0) >= std::exp(1.0));
  CHECK(bounds.at("exp").high.at(1) == kInf);
  CHECK(bounds.at("tanh").high.at(1) == 1);
  CHECK(bounds.at("tanh").low.at(0) == -1);
  CHECK(bounds.at("log").low.at(0) == -kInf);
  CHECK(bounds.at("wave").high.at(0) == 1);
  CHECK(bounds.at("sum").low.at(1) == -kInf);
}

TEST_CASE("compiled rows of softmax are shares, each against the others") {
  Graph graph;
  const Value x = graph.input("x", {2, 3}, Type::f64);
  graph.output("y", softmax(x));
  graph.output("z", softmax(x * 40.0));
  const Boxes bounds = BoundsProgram(graph)(
      {{"x", {Tensor::f64({2, 3}, {-1, -1, -1, 0, 0, -20}), Tensor::f64({2, 3}, {1, 1, 1, 0, 0.5, 20})}}});
  const TensorBounds &y = bounds.at("y"), &z = bounds.at("z");
  CHECK(y.low.at(0) == doctest::Approx(std::exp(-1) / (std::exp(-1) + 2 * std::exp(1))).epsilon(1e-12));
  CHECK(y.high.at(0) == doctest::Approx(std::exp(1) / (std::exp(1) + 2 * std::exp(-1))).epsilon(1e-12));
  for (int64_t i = 0; i < 6; ++i) {
    CHECK(z.low.at(i) >= 0);
    CHECK(z.high.at(i) <= 1);
  }
  std::mt19937 random(4);
  Graph one = graph;
  one.clear_outputs();
  one.output("y", one.value(graph.result("y").id()));
  const TensorBounds box{Tensor::f64({2, 3}, {-1, -1, -1, 0, 0, -20}),
                         Tensor::f64({2, 3}, {1, 1, 1, 0, 0.5, 20})};
  check_sound(one, {{"x", box}}, {}, BoundsProgram(one)({{"x", box}}), 300, random);
}

TEST_CASE("compiled bounds hold in loops over time") {
  std::mt19937 random(5);
  Graph graph;
  const Value x = graph.input("x", {6, 2, 3}, Type::f64);
  Tensor weights(Type::f64, {3, 3});
  for (int64_t i = 0; i < 9; ++i) weights.set(i, static_cast<double>(random() % 100) / 100 - 0.5);
  const Value w = graph.parameter("w", weights);
  const Value start = graph.input("h", {2, 3}, Type::f64), count = graph.constant(0, Type::i64);
  const ScanResult loop = scan({start, count}, {x}, {w}, [](const ScanArguments& a) {
    const Value next = relu(matmul(a.carries[0], a.invariants[0]) + a.elements[0]);
    return ScanStep{.carries = {next, a.carries[1] + 1.0}, .outputs = {next - a.elements[0] * 0.5}};
  });
  graph.output("all", loop.outputs[0]);
  graph.output("last", loop.carries[0]);
  graph.output("steps", loop.carries[1]);
  TensorBounds box{Tensor(Type::f64, {6, 2, 3}), Tensor(Type::f64, {6, 2, 3})};
  for (int64_t i = 0; i < 36; ++i) {
    box.low.set(i, -0.1 * static_cast<double>(i % 5));
    box.high.set(i, 0.05 * static_cast<double>(i % 7));
  }
  const TensorBounds zero{Tensor(Type::f64, {2, 3}), Tensor(Type::f64, {2, 3})};
  const Boxes bounds = BoundsProgram(graph)({{"x", box}, {"h", zero}});
  CHECK(bounds.at("steps").low.at(0) == 6);
  CHECK(bounds.at("steps").high.at(0) == 6);
  for (int sample = 0; sample < 60; ++sample) {
    const auto values = evaluate(graph, {{"x", point_of(box, sample % 2 == 0, random)}, {"h", zero.low}});
    for (const char* name : {"all", "last"})
      for (int64_t i = 0; i < values.at(name).count(); ++i) {
        REQUIRE(bounds.at(name).low.at(i) <= values.at(name).at(i) + 1e-12);
        REQUIRE(bounds.at(name).high.at(i) >= values.at(name).at(i) - 1e-12);
        REQUIRE(std::isfinite(bounds.at(name).high.at(i)));
      }
  }
}

namespace {

std::string refusal(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("boxes that are empty, missing, unknown or not numbers are refused") {
  Graph graph;
  graph.output("y", relu(graph.input("x", {2}, Type::f64)));
  BoundsProgram program(graph);
  const auto message = [&](const char* name, std::vector<double> low, std::vector<double> high) {
    return refusal([&] { program({{name, {Tensor::f64({2}, low), Tensor::f64({2}, high)}}}); });
  };
  CHECK(message("x", {0, 1}, {1, 1}) == "");
  CHECK(message("x", {0, 1}, {1, 0}).find("got [1, 0] at element 1, want numbers low <= high") !=
        std::string::npos);
  CHECK(message("x", {0, std::nan("")}, {1, 2}).find("at element 1") != std::string::npos);
  CHECK(message("x", {kInf, 0}, {kInf, 0}).find("at element 0") != std::string::npos);
  CHECK(message("z", {0, 0}, {1, 1}).find("no floating input 'z' to bound: the graph has x") !=
        std::string::npos);
  CHECK(refusal([&] { program({}); }).find("no box for input 'x'") != std::string::npos);
  CHECK(refusal([&] {
          program({{"x", {Tensor::f64({2}, {0, 0}), Tensor::f64({1}, {0})}}});
        }).find("want one shape") != std::string::npos);
  CHECK(refusal([&] {
          program({{"x", {Tensor::i32({2}, {0, 0}), Tensor::i32({2}, {0, 1})}}});
        }).find("want f64 or f32") != std::string::npos);
  CHECK(refusal([&] { BoundsProgram(graph, {.type = Type::i32}); }).find("want f64 or f32") !=
        std::string::npos);
  Graph empty;
  empty.input("x", {2});
  CHECK(refusal([&] { BoundsProgram{empty}; }).find("nothing to bound") != std::string::npos);
}
