#include "frontends/optimizers.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "frontends/layers.h"
#include "frontends/losses.h"
#include "graph/error.h"
#include "graph/evaluate.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"
#include "jit/program.h"
#include "tests/frontends/thrown.h"

namespace crease {
namespace {

// The loss (p - 3)^2 / 2 of one f64 parameter has gradient p - 3.
Graph quadratic_step(const Optimizer& optimizer) {
  Graph graph;
  const Value p = graph.parameter("p", Tensor::scalar(Type::f64, 1));
  return train_step(square(p - 3) * 0.5, optimizer);
}

std::vector<double> three_steps(const Optimizer& optimizer) {
  Graph step = quadratic_step(optimizer);
  std::vector<double> result;
  for (int i = 0; i < 3; ++i) {
    const auto values = evaluate(step, Bindings{});
    for (const NodeId id : step.parameters()) {
      const std::string& name = step.node(id).name;
      if (values.contains(name)) step.set_parameter(name, values.at(name));
    }
    result.push_back(step.find("p").node().value.item());
  }
  return result;
}

// The learning rate and the step count are f32 scalars, all else is f64: relative error a few f32 roundings
// of the update.
void check_close(const std::vector<double>& found, const std::vector<double>& expected,
                 double tolerance = 1e-6) {
  REQUIRE(found.size() == expected.size());
  for (size_t i = 0; i < found.size(); ++i) CHECK(std::abs(found[i] - expected[i]) < tolerance);
}

TEST_CASE("sgd equals its closed form on three steps") {
  // p - 3 shrinks by 1 - r each step.
  check_close(three_steps(sgd({.learning_rate = 0.25})), {3 - 2 * 0.75, 3 - 2 * 0.5625, 3 - 2 * 0.421875});
  // With decay d: p <- p - r (p - 3 + d p).
  std::vector<double> expected;
  for (double p = 1; expected.size() < 3;) expected.push_back(p -= 0.25 * (p - 3 + 0.5 * p));
  check_close(three_steps(sgd({.learning_rate = 0.25, .weight_decay = 0.5})), expected);
}

TEST_CASE("momentum equals its closed form on three steps, plain and Nesterov") {
  for (const bool nesterov : {false, true}) {
    std::vector<double> expected;
    double v = 0;
    for (double p = 1; expected.size() < 3;) {
      const double g = p - 3;
      v = 0.9 * v + g;
      expected.push_back(p -= 0.1 * (nesterov ? g + 0.9 * v : v));
    }
    check_close(three_steps(momentum({.learning_rate = 0.1, .momentum = 0.9, .nesterov = nesterov})),
                expected);
  }
}

TEST_CASE("adam equals its closed form on three steps, with and without decay") {
  for (const double decay : {0.0, 0.1}) {
    std::vector<double> expected;
    double m = 0, v = 0, p = 1;
    for (int t = 1; t <= 3; ++t) {
      const double g = p - 3;
      m = 0.9 * m + 0.1 * g;
      v = 0.999 * v + 0.001 * g * g;
      p -= 0.01 * (m / (1 - std::pow(0.9, t)) / (std::sqrt(v / (1 - std::pow(0.999, t))) + 1e-8) + decay * p);
      expected.push_back(p);
    }
    check_close(three_steps(adam({.learning_rate = 0.01, .weight_decay = decay})), expected);
  }
}

TEST_CASE("adagrad, rmsprop, nesterov and adamw equal their closed forms on three steps") {
  std::vector<double> expected;
  double s = 0;
  for (double p = 1; expected.size() < 3;) {
    const double g = p - 3 + 0.1 * p;
    s += g * g;
    expected.push_back(p -= 0.5 * g / (std::sqrt(s) + 1e-10));
  }
  check_close(three_steps(adagrad({.learning_rate = 0.5, .weight_decay = 0.1})), expected);
  for (const double momentum : {0.0, 0.5}) {
    expected.clear();
    double v = 0, u = 0;
    for (double p = 1; expected.size() < 3;) {
      const double g = p - 3;
      v = 0.9 * v + 0.1 * g * g;
      u = momentum * u + g / (std::sqrt(v) + 1e-8);
      expected.push_back(p -= 0.1 * u);
    }
    check_close(three_steps(rmsprop({.learning_rate = 0.1, .momentum = momentum})), expected);
  }
  CHECK(three_steps(nesterov({.momentum = 0.5})) ==
        three_steps(momentum({.momentum = 0.5, .nesterov = true})));
  CHECK(three_steps(adamw()) == three_steps(adam({.weight_decay = 0.01})));
}

TEST_CASE("gradients are scaled down to a norm and cut off at a value") {
  // Gradients of 3 a + 4 b: 3 and 4, norm 5.
  const auto moves = [](const GradientClip& clip) {
    Graph graph;
    const Value a = graph.parameter("a", Tensor::scalar(Type::f32, 0)), b = graph.parameter("b", Tensor());
    const auto values =
        evaluate(train_step(a * 3 + b * 4, sgd({.learning_rate = 1}), {.clip = clip}), Bindings{});
    return std::pair(values.at("a").item(), values.at("b").item());
  };
  CHECK(moves({}) == std::pair(-3.0, -4.0));
  CHECK(moves({.norm = 5}) == std::pair(-3.0, -4.0));
  CHECK(moves({.norm = 2.5}) == std::pair(-1.5, -2.0));
  CHECK(moves({.value = 3.5}) == std::pair(-3.0, -3.5));
  CHECK(moves({.norm = 2.5, .value = 1.75}) == std::pair(-1.5, -1.75));
  CHECK_THROWS_WITH_AS(moves({.norm = -1}), doctest::Contains("got norm -1, value 0"), Error);
}

TEST_CASE("gradients whose squares overflow are scaled down to a norm") {
  Graph graph;
  const Value a = graph.parameter("a", Tensor::f32({2}, {0, 0}));
  const Value loss = sum(a * graph.constant(Tensor::f32({2}, {3e30F, 4e30F})));
  const Graph step = train_step(loss, sgd({.learning_rate = 1}), {.clip = {.norm = 5}});
  Program program = compile(step);
  program({});
  for (const auto& values : {evaluate(step, Bindings{}), program.parameters()}) {
    CHECK(values.at("a").at(0) == doctest::Approx(-3));
    CHECK(values.at("a").at(1) == doctest::Approx(-4));
  }
}

TEST_CASE("gradients of different types are scaled down together, each in its own type") {
  Graph graph;
  const Value a = graph.parameter("a", Tensor::scalar(Type::f64, 0)),
              b = graph.parameter("b", Tensor::scalar(Type::f32, 0));
  for (const Optimizer& optimizer : {sgd({.learning_rate = 1}), adam()}) {
    const Graph step = train_step(a * 3 + b * 4, optimizer, {.clip = {.norm = 2.5}});
    Program program = compile(step);
    program.bind({});
    program.run();
    for (const auto& values : {evaluate(step, Bindings{}), program.parameters()}) {
      CHECK(values.at("a").type() == Type::f64);
      CHECK(values.at("b").type() == Type::f32);
      if (optimizer.name != "sgd") continue;
      CHECK(values.at("a").item() == -1.5);
      CHECK(values.at("b").item() == -2.0);
    }
  }
}

TEST_CASE("the first step of adam has the size of the learning rate whatever the gradient") {
  CHECK(three_steps(adam({.learning_rate = 0.5})).front() == doctest::Approx(1.5));
}

TEST_CASE("the learning rate is a parameter of the step: a schedule needs no new graph") {
  Graph step = quadratic_step(sgd({.learning_rate = 0.5}));
  CHECK(evaluate(step, Bindings{}).at("p").item() == 2);
  step.set_parameter(learning_rate_name, Tensor::scalar(Type::f32, 0.25));
  CHECK(evaluate(step, Bindings{}).at("p").item() == 1.5);
}

TEST_CASE(
    "a training step holds loss, extra outputs, and an update for every parameter, and leaves its source") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  const Value label = graph.input("label", {"batch"}, Type::i32);
  const Value unused = graph.input("unused", {"batch"});
  const auto net = sequential(linear(2, 3), relu, linear(3, 2));
  const Value logits = net(x);
  const Value loss = mean(softmax_cross_entropy(logits, label));
  const int size = graph.size();
  const Graph step = train_step(loss, adam(), {.outputs = {{"logits", logits}}});
  CHECK(graph.size() == size);
  CHECK(step.outputs().size() == 2);
  CHECK(step.inputs().size() == 2);
  CHECK(step.updates().size() == 4 * 3 + 1);
  CHECK_NOTHROW(step.find("adam.m/0.weight"));
  CHECK_NOTHROW(step.find("optimizer.step"));
  CHECK(unused.valid());
}

TEST_CASE("only the chosen parameters are trained") {
  Graph graph;
  const Value a = graph.parameter("a", Tensor::scalar(Type::f32, 1));
  const Value b = graph.parameter("b", Tensor::scalar(Type::f32, 1));
  const Graph step = train_step(square(a * b), sgd(), {.parameters = {b}});
  REQUIRE(step.updates().size() == 1);
  CHECK(step.node(step.updates().front().parameter).name == "b");
}

TEST_CASE("the tie of a step decides its gradients") {
  Graph graph;
  const Value p = graph.parameter("p", Tensor::scalar(Type::f32, 0));
  const auto after = [&](const Tie& tie) {
    return evaluate(train_step(relu(p), sgd({.learning_rate = 1}), {.tie = tie}), Bindings{}).at("p").item();
  };
  CHECK(after(Tie::left) == 0);
  CHECK(after(Tie::right) == -1);
  CHECK(after(Tie::mid) == -0.5);
}

TEST_CASE("extract takes the ancestors of its outputs and nothing else") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  const Value label = graph.input("label", {"batch"}, Type::i32);
  const Value logits = linear(2, 2)(x);
  const Value loss = mean(softmax_cross_entropy(logits, label));
  CHECK(loss.valid());
  graph.set_tie(Tie::right);
  const Graph inference = extract({{"logits", logits}});
  CHECK(inference.inputs().size() == 1);
  CHECK(inference.tie() == Tie::right);
  CHECK(inference.result("logits").shape() == Shape{"batch", 2});
  CHECK_THROWS_WITH_AS(extract({}), "[extract] wants at least one output", Error);
  Graph other;
  CHECK_THROWS_WITH_AS(extract({{"logits", logits}, {"other", other.input("x", {1})}}),
                       "[extract] output 'other' belongs to another graph", Error);
}

TEST_CASE("extract keeps the input that says how many rows a constant has") {
  Graph graph;
  graph.input("label", {"batch"}, Type::i32);
  const Value x = graph.input("x", {"rows", 2});
  const Value same = broadcast_to(graph.constant(Tensor::f32({1, 2}, {3, 4})), x.shape());
  const Graph extracted = extract({{"same", same}});
  REQUIRE(extracted.inputs().size() == 1);
  CHECK(extracted.node(extracted.inputs()[0]).name == "x");
  CHECK(evaluate(extracted, {{"x", Tensor(Type::f32, {5, 2})}}).at("same").sizes() ==
        std::vector<int64_t>{5, 2});
}

TEST_CASE("impossible training steps are refused") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH_AS(sgd({.learning_rate = 0}),
                       "[sgd] the learning rate must be positive and finite: got 0", Error);
  CHECK_THROWS_WITH_AS(adam({.learning_rate = nan}),
                       "[adam] the learning rate must be positive and finite: got nan", Error);
  CHECK_THROWS_WITH_AS(momentum({.momentum = 1}), "[momentum] momentum must be at least 0 and below 1: got 1",
                       Error);
  CHECK_THROWS_WITH_AS(adam({.beta2 = -1}), "[adam] beta2 must be at least 0 and below 1: got -1", Error);
  CHECK_THROWS_WITH_AS(adam({.epsilon = 0}), "[adam] epsilon must be positive and finite: got 0", Error);
  CHECK_THROWS_WITH_AS(sgd({.weight_decay = -1}),
                       "[sgd] weight decay must be at least 0 and below inf: got -1", Error);
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  CHECK_THROWS_WITH_AS(train_step(x, sgd()),
                       doctest::Contains("the loss must be a floating scalar: got f32 [batch, 2]"), Error);
  CHECK_THROWS_WITH_AS(train_step(Value(), sgd()), doctest::Contains("got an empty value"), Error);
  CHECK_THROWS_WITH_AS(train_step(mean(x), sgd()), doctest::Contains("depends on no floating parameter"),
                       Error);
  const Value p = graph.parameter("p", Tensor()), q = graph.parameter("q", Tensor());
  const Value count = graph.state("count", Tensor());
  CHECK_THROWS_WITH_AS(train_step(p, Optimizer{.name = "mine"}),
                       doctest::Contains("[train_step] the optimizer 'mine' has no rule"), Error);
  const auto refused = [&](const Value& chosen) {
    return test::thrown_by([&] { train_step(p * mean(x) * count, sgd(), {.parameters = {chosen}}); });
  };
  CHECK(test::holds(refused(x), "cannot train node %0 'x' (test_optimizers.cpp:"));
  CHECK(test::holds(refused(x), "want a floating parameter, got an input"));
  CHECK(test::holds(refused(count), "got state, which no optimizer changes"));
  CHECK(test::holds(refused(q), "the loss does not depend on the parameter to train, node %"));
  CHECK(test::holds(refused(Value()), "belongs to another graph than the loss"));
  Graph other;  // a parameter of the same name
  CHECK(test::holds(refused(other.parameter("p", Tensor())), "belongs to another graph than the loss"));
}

TEST_CASE("two optimizers train two networks in one program, each at its own rate") {
  Graph graph;
  const Value a = graph.parameter("a.w", Tensor::scalar(Type::f32, 1));
  const Value b = graph.parameter("b.w", Tensor::scalar(Type::f32, 2));
  const Value first = a * b, second = square(b) * a;
  const Graph one = train_step(first, sgd({.learning_rate = 0.5}),
                               {.outputs = {{"second", second}}, .parameters = parameters_under(graph, "a")});
  const TrainStepOptions options{
      .outputs = {{"first", one.result("loss")}}, .parameters = parameters_under(one, "b"), .prefix = "b."};
  const Graph both = train_step(one.result("second"), sgd({.learning_rate = 0.25}), options);
  CHECK(both.updates().size() == 2);
  const auto after = evaluate(both, Bindings{});
  CHECK(after.at("first").item() == 2);
  CHECK(after.at("loss").item() == 4);
  CHECK(after.at("a.w").item() == 1 - 0.5 * 2);         // d(ab)/da = b
  CHECK(after.at("b.w").item() == 2 - 0.25 * (2 * 2));  // d(b^2 a)/db = 2ab, at the old a
  CHECK(both.find("b.optimizer.learning_rate").node().value.item() == 0.25);
  CHECK(both.find(learning_rate_name).node().value.item() == 0.5);
  CHECK_THROWS_WITH_AS(
      train_step(one.result("second"), sgd(), {.parameters = parameters_under(one, "b")}),
      doctest::Contains("holds a training step with the prefix '' already: give this one another"), Error);
}

}  // namespace
}  // namespace crease
