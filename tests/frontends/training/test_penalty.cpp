#include "frontends/training/penalty.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "frontends/losses.h"
#include "frontends/models.h"
#include "frontends/trainer.h"
#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"

namespace crease {
namespace {

/// Two layers of relu on two inputs.
struct Small {
  Graph graph = network(mlp({2, 3, 3, 2}, relu, {.bias_init = filled(0.25)}), 2);
  Value logits = graph.value(graph.outputs().front().node);
  Tensor x = uniform(-1, 1)({.sizes = {5, 2}, .seed = 4});

  double value_of(const Penalty& penalty) const { return evaluate(penalty(logits), {{"x", x}}).item(); }
};

TEST_CASE("the penalty on activations is their magnitude, summed over units, averaged over samples") {
  const Small small;
  const std::vector<Value> hidden = results_of(small.logits, "relu");
  REQUIRE(hidden.size() == 2);
  double total = 0;
  for (const Value& value : hidden) {
    const Tensor h = evaluate(value, {{"x", small.x}});
    for (int64_t i = 0; i < h.count(); ++i) total += std::abs(h.at(i));
  }
  REQUIRE(total > 0);
  // 30 positive f32 terms: relative error below 30 * 2^-24.
  CHECK(small.value_of(l1_on_activations("relu", 0.5)) == doctest::Approx(0.5 * total / 5).epsilon(2e-6));
}

TEST_CASE("penalties on weights leave biases alone, and add up") {
  const Small small;
  double magnitudes = 0, squares = 0;
  for (const auto& [name, tensor] : parameters_of(small.graph)) {
    if (name.ends_with("bias")) continue;
    for (int64_t i = 0; i < tensor.count(); ++i) {
      magnitudes += std::abs(tensor.at(i));
      squares += tensor.at(i) * tensor.at(i);
    }
  }
  CHECK(small.value_of(l1_on_weights(0.1)) == doctest::Approx(0.1 * magnitudes).epsilon(2e-6));
  CHECK(small.value_of(l2_on_weights(0.1)) == doctest::Approx(0.1 * squares).epsilon(2e-6));
  const Penalty both = sum_of({l1_on_weights(0.1), l2_on_weights(0.2)});
  CHECK(small.value_of(both) == doctest::Approx(0.1 * magnitudes + 0.2 * squares).epsilon(2e-6));
}

TEST_CASE("penalties on weights leave state alone, which no optimizer changes") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  const Value centre = graph.state("centre", Tensor::f32({1, 2}, {3, 4}));
  const Value y = matmul(x - centre, graph.parameter("w", Tensor::f32({2, 1}, {1, 2})));
  CHECK(evaluate(l2_on_weights(1)(y), {{"x", Tensor(Type::f32, {1, 2})}}).item() == 5);
}

TEST_CASE("a penalty that cannot be is refused") {
  const Small small;
  CHECK_THROWS_WITH_AS(l1_on_activations("relu", -1), doctest::Contains("finite and at least 0: got -1"),
                       Error);
  CHECK_THROWS_WITH_AS(l2_on_weights(std::numeric_limits<double>::infinity()), doctest::Contains("got inf"),
                       Error);
  CHECK_THROWS_WITH_AS(l1_on_activations("tanh", 1)(small.logits),
                       doctest::Contains("the network has no operation 'tanh'"), Error);
  CHECK_THROWS_WITH_AS(sum_of({}), doctest::Contains("no penalty is given"), Error);
}

TEST_CASE("training minimises the penalty too, and measures without it") {
  Dataset data{
      .x = uniform(-1, 1)({.sizes = {60, 2}, .seed = 1}), .y = Tensor(Type::i32, {60}), .classes = 2};
  for (int64_t i = 0; i < 60; ++i) data.y.set(i, data.x.at(2 * i) > data.x.at(2 * i + 1) ? 1 : 0);
  const Split parts{.train = data, .test = data};
  const Small small;
  TrainOptions options{.epochs = 20, .batch = 20, .optimizer = sgd({.learning_rate = 0.3})};
  options.run.interpret = true;
  const auto activity = [&](const TrainOptions& chosen, double& test_loss) {
    const TrainResult result = train(small.graph, parts, chosen);
    test_loss = *result.epochs.back().test_loss;
    const Graph trained = trained_network(small.graph, result.checkpoint);
    const Value logits = trained.value(trained.outputs().front().node);
    const double loss = evaluate_on(trained, data, chosen).loss;
    CHECK(loss == test_loss);
    return evaluate(l1_on_activations("relu", 1)(logits), {{"x", data.x}}).item();
  };
  double free_loss = 0, bound_loss = 0;
  const double without = activity(options, free_loss);
  options.penalty = l1_on_activations("relu", 0.1);
  const double with = activity(options, bound_loss);
  CHECK(with < without / 2);
  CHECK(bound_loss > free_loss);
}

TEST_CASE("a loss for training alone is minimised but not measured") {
  Dataset data{.x = Tensor(Type::f32, {4, 2}), .y = Tensor(Type::i32, {4}), .classes = 2};
  for (int64_t i = 0; i < 4; ++i) data.x.set(2 * i, i < 2 ? 1 : -1), data.y.set(i, i < 2 ? 1 : 0);
  const Graph graph = network(linear(2, 2, {.init = zeros}), 2);
  TrainOptions options{.epochs = 200, .batch = 4, .optimizer = sgd({.learning_rate = 1})};
  options.run.interpret = true;
  // Smoothing s = 1/2 moves the least loss from margin infinity to log((1 - s/2) / (s/2)) = log 3.
  options.training_loss = [](const Value& logits, const Value& label) {
    return softmax_cross_entropy(logits, label, {.label_smoothing = 0.5});
  };
  const TrainResult result = train(graph, {.train = data, .test = data}, options);
  CHECK(*result.epochs.back().test_loss == doctest::Approx(std::log(1 + 1.0 / 3)).epsilon(1e-3));
}

}  // namespace
}  // namespace crease
