#include "frontends/layers/random.h"

#include "frontends/training/runner.h"
#include "graph/ops/activation.h"
#include "tests/frontends/layers/checks.h"
#include "tests/frontends/thrown.h"

namespace crease {
namespace {

using test::irregular;

/// What a layer gives for ones in three training steps.
std::vector<Tensor> three_steps(const Layer& layer, bool interpret, const Tensor& input) {
  Graph graph;
  const Value y = layer(graph.input("x", {"batch", 100}), Mode::Training);
  graph.output("y", y);
  Runner runner(graph, {.interpret = interpret});
  std::vector<Tensor> results;
  for (int step = 0; step < 3; ++step) results.push_back(runner({{"x", input}}).at("y"));
  return results;
}

TEST_CASE("dropout sets elements to 0 and keeps the mean, with other elements in each step") {
  Tensor ones(Type::f32, {50, 100});
  for (int64_t i = 0; i < ones.count(); ++i) ones.set(i, 1);
  const auto steps = three_steps(dropout(0.25), false, ones);
  for (const Tensor& y : steps) {
    double dropped = 0;
    for (int64_t i = 0; i < y.count(); ++i) {
      const double value = y.at(i);
      CHECK((value == 0 || std::abs(value - 1 / 0.75) < 1e-6));
      dropped += value == 0 ? 1 : 0;
    }
    // Binomial with 5000 trials: deviation sqrt(5000 / 4 * 3 / 4) = 31, so 150 is almost 5 deviations.
    CHECK(std::abs(dropped - 1250) < 150);
  }
  CHECK_FALSE(steps[0] == steps[1]);
  CHECK_FALSE(steps[1] == steps[2]);
}

TEST_CASE(
    "dropout draws the same numbers compiled and interpreted, in every run, and others for another seed") {
  const Tensor input = irregular(Type::f32, {3, 100});
  const auto compiled = three_steps(dropout(0.5), false, input);
  CHECK(compiled == three_steps(dropout(0.5), true, input));
  CHECK(compiled == three_steps(dropout(0.5), false, input));
  CHECK_FALSE(compiled == three_steps(dropout(0.5).seeded(1), false, input));
}

TEST_CASE("dropout in evaluation, or with rate 0, is its argument") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  CHECK(dropout(0.5)(x).id() == x.id());
  CHECK(dropout(0)(x, Mode::Training).id() == x.id());
}

TEST_CASE("a randomised relu has slopes in its range in training, their mean in evaluation") {
  Tensor input(Type::f32, {20, 100});
  for (int64_t i = 0; i < input.count(); ++i) input.set(i, i % 2 == 0 ? -1 : 2);
  double total = 0;
  const auto y = three_steps(randomised_relu(), false, input);
  for (int64_t i = 0; i < input.count(); ++i) {
    const double value = y[0].at(i);
    if (i % 2 == 1) CHECK(value == 2);
    if (i % 2 == 1) continue;
    CHECK(-value >= 1.0F / 8);
    CHECK(-value < 1.0 / 3 + 1e-6);
    total -= value;
  }
  // 1000 uniform numbers over 5/24: deviation of the mean 5/24 / sqrt(12 * 1000) = 0.0019.
  CHECK(std::abs(total / 1000 - 11.0 / 48) < 0.008);
  Graph graph;
  const Value x = graph.constant(Tensor::f64({2}, {-48, 3}));
  test::check_close(evaluate(randomised_relu()(x)), {-11, 3}, 1e-14);
}

TEST_CASE("a parametric relu learns one slope a channel") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2, 2}, Type::f64);
  const Value y = parametric_relu(2)(x);
  graph.set_parameter("parametric_relu.slope", Tensor::f64({2}, {0.5, -3}));
  CHECK(evaluate(y, {{"x", Tensor::f64({1, 2, 2}, {-2, 4, -2, 4})}}) ==
        Tensor::f64({1, 2, 2}, {-1, 4, 6, 4}));
  test::check_layer([] { return parametric_relu(3, {.axis = -1}); }, {"batch", 3}, {4, 3});
}

TEST_CASE("random layers have right gradients and compile to the same numbers") {
  test::check_layer([] { return dropout(0.5); }, {"batch", 4}, {3, 4}, Mode::Training);
  test::check_layer([] { return randomised_relu(); }, {"batch", 4}, {3, 4}, Mode::Training);
}

TEST_CASE("random layers say what does not fit") {
  CHECK(test::holds(test::thrown_by([] { dropout(1); }), "below 1: got 1"));
  CHECK(test::holds(test::thrown_by([] { randomised_relu({.low = 1, .high = 0}); }),
                    "low <= high: got 1 and 0"));
  Graph graph;
  CHECK(test::holds(test::thrown_by([&] { parametric_relu(3)(graph.input("x", {"batch", 2})); }),
                    "with 3 along axis 1"));
}

}  // namespace
}  // namespace crease
