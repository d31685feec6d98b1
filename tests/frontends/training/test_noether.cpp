#include "frontends/training/noether.h"

#include <doctest/doctest.h>

#include "frontends/layers/normalisation.h"
#include "frontends/losses.h"
#include "frontends/models.h"
#include "frontends/trainer.h"
#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/hold.h"
#include "graph/ops/reduction.h"

namespace crease {
namespace {

/// Two classes on either side of the line x0 = x1.
Dataset two_classes(int64_t count, uint64_t seed) {
  Dataset data{.x = uniform(-1, 1)({.sizes = {count, 2}, .seed = seed}),
               .y = Tensor(Type::i32, {count}),
               .classes = 2};
  for (int64_t i = 0; i < count; ++i) data.y.set(i, data.x.at(2 * i) > data.x.at(2 * i + 1) ? 1 : 0);
  return data;
}

TrainResult train_tested(const LossFunction& training_loss, double rate = 0.3) {
  const Split split{.train = two_classes(60, 1), .test = two_classes(20, 2)};
  TrainOptions options{.epochs = 2, .batch = 15, .optimizer = sgd({.learning_rate = rate})};
  options.run.interpret = true;
  options.noether = true;
  options.training_loss = training_loss;
  return train(network(mlp({2, 8, 2}, relu), 2), split, options);
}

TEST_CASE("the Noether test passes through a training, and its worst sum is told") {
  const TrainResult result = train_tested({});
  REQUIRE_EQ(result.epochs.size(), 2u);
  for (const EpochMetrics& metrics : result.epochs) {
    REQUIRE(metrics.noether);
    CHECK_GT(*metrics.noether, 0);
    CHECK_LT(*metrics.noether, 1e-4);
    CHECK_NE(json_line(metrics).find("\"noether\""), std::string::npos);
  }
}

TEST_CASE("a network that cannot be rescaled has no Noether test") {
  const Split split{.train = two_classes(60, 1), .test = two_classes(20, 2)};
  TrainOptions options{.epochs = 1, .batch = 15};
  options.run.interpret = true;
  options.noether = true;
  CHECK_THROWS_WITH_AS(train(network(mlp({2, 8, 2}, tanh_op), 2), split, options),
                       doctest::Contains("[noether] no rescaling of the network was found"), Error);
}

TEST_CASE("a network that holds a part constant has no Noether test") {
  const Split split{.train = two_classes(60, 1), .test = two_classes(20, 2)};
  TrainOptions options{.epochs = 1, .batch = 15};
  options.run.interpret = true;
  options.noether = true;
  CHECK_THROWS_WITH_AS(
      train(network(sequential(linear(2, 8), relu, stop_gradient, linear(8, 2)), 2), split, options),
      doctest::Contains("[noether] stop_gradient holds node"), Error);
}

TEST_CASE("products in bf16 are no wrong derivatives") {
  const Split split{.train = two_classes(60, 1), .test = two_classes(20, 2)};
  TrainOptions options{.epochs = 2, .batch = 15, .optimizer = sgd({.learning_rate = 0.3})};
  options.run.interpret = true;
  options.run.compile.contraction = Precision::Bf16;
  options.noether = true;
  const TrainResult result = train(network(mlp({2, 8, 2}, relu), 2), split, options);
  for (const EpochMetrics& metrics : result.epochs) CHECK_LT(metrics.noether.value_or(1), 1e-4);
}

TEST_CASE("conserved quantities drift with the square of the rate, and nearly not at all at small rates") {
  const auto drift = [](double rate) {
    const TrainResult result = train_tested({}, rate);
    CHECK_NE(json_line(result.epochs[0]).find("\"conserved_drift\""), std::string::npos);
    return result.epochs[0].conserved_drift.value();
  };
  // One epoch has four steps, each adds eta^2/2 sum E g^2; at these rates the gradients hardly change.
  const double small = drift(0.01), twice = drift(0.02);
  CHECK_GT(small, 0);
  CHECK_LT(small, 1e-3);
  CHECK_GT(twice / small, 3.5);
  CHECK_LT(twice / small, 4.5);
}

TEST_CASE("running moments that stand still do not count as moved quantities") {
  const Graph start = [] {
    Graph graph = network(sequential(linear(2, 8), batch_norm(8), relu, linear(8, 2)), 2);
    graph.set_parameter("1.running_mean", filled(0.5)({.sizes = {8}}));
    return graph;
  }();
  const auto drift = [&](double rate) {
    TrainOptions options{.epochs = 1, .batch = 15, .optimizer = sgd({.learning_rate = rate})};
    options.run.interpret = true;
    options.noether = true;
    return train(start, {.train = two_classes(60, 1)}, options).epochs[0].conserved_drift.value();
  };
  // As above: with the square of the rate. Rescalings of the mean along with the first layer would give a
  // drift in proportion to it.
  const double small = drift(0.01), twice = drift(0.02);
  CHECK_GT(twice / small, 3.5);
  CHECK_LT(twice / small, 4.5);
}

TEST_CASE("a loss that sees the weights elsewhere fails the Noether test, and training ends") {
  const LossFunction leaking = [](const Value& output, const Value& label) {
    return softmax_cross_entropy(output, label) + sum(square(output.graph().find("0.weight")));
  };
  CHECK_THROWS_WITH_AS(train_tested(leaking), doctest::Contains("[noether] at epoch 1, step 1"), Error);
}

}  // namespace
}  // namespace crease
