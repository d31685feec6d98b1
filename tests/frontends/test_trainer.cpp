#include "frontends/trainer.h"

#include "frontends/data/text.h"
#include "frontends/layers/combine.h"
#include "frontends/layers/normalisation.h"
#include "frontends/layers/random.h"
#include "frontends/layers/recurrent.h"
#include "frontends/losses.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "frontends/models.h"
#include "frontends/report.h"
#include "frontends/training/diagnose.h"
#include "frontends/training/regression.h"
#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"

namespace crease {
namespace {

/// Two classes on either side of the line x0 = x1, seeded.
Dataset two_classes(int64_t count, uint64_t seed) {
  Dataset data{.x = uniform(-1, 1)({.sizes = {count, 2}, .seed = seed}),
               .y = Tensor(Type::i32, {count}),
               .classes = 2};
  data.name = "two classes";
  for (int64_t i = 0; i < count; ++i) data.y.set(i, data.x.at(2 * i) > data.x.at(2 * i + 1) ? 1 : 0);
  return data;
}

Split small_split() { return {.train = two_classes(100, 1), .test = two_classes(40, 2)}; }

TrainOptions small_options(int64_t epochs = 4) {
  return {.epochs = epochs,
          .batch = 16,
          .optimizer = sgd({.learning_rate = 0.5}),
          .run = {.compile = {}, .interpret = true}};
}

Graph small_network() { return network(mlp({2, 8, 2}, relu), 2); }

TEST_CASE("training learns, and reports each epoch once") {
  TrainOptions options = small_options(10);
  std::vector<EpochMetrics> seen;
  options.on_epoch = [&](const EpochMetrics& metrics, const Checkpoint& checkpoint) {
    CHECK(checkpoint.epochs_done == metrics.epoch);
    seen.push_back(metrics);
    return true;
  };
  const TrainResult result = train(small_network(), small_split(), options);
  REQUIRE(result.epochs.size() == 10);
  CHECK(seen.size() == 10);
  CHECK_FALSE(result.stopped);
  CHECK(result.epochs.back().loss < result.epochs.front().loss);
  CHECK(*result.epochs.back().test_accuracy >= 0.9);
  CHECK(*result.epochs.back().accuracy >= 0.9);
  CHECK(result.checkpoint.epochs_done == 10);
}

TEST_CASE("equal seeds give equal parameters to the bit, other seeds do not") {
  const auto parameters = [](uint64_t seed) {
    TrainOptions options = small_options();
    options.seed = seed;
    return train(small_network(), small_split(), options).checkpoint.parameters;
  };
  const auto first = parameters(1);
  CHECK(first == parameters(1));
  CHECK_FALSE(first == parameters(2));
}

TEST_CASE("the compiled step trains as the interpreted one does") {
  TrainOptions options = small_options(4);
  for (const Optimizer& optimizer : {sgd({.learning_rate = 0.5}), momentum({.learning_rate = 0.1}), adam()}) {
    options.optimizer = optimizer;
    options.run.interpret = true;
    const TrainResult interpreted = train(small_network(), small_split(), options);
    options.run.interpret = false;
    const TrainResult compiled = train(small_network(), small_split(), options);
    CAPTURE(optimizer.name);
    // 28 steps, each adding some ten roundings of 2^-24 to numbers of size 1; 64 allows for what later steps
    // make of earlier roundings.
    const double tolerance = 28 * 10 * 0x1p-24 * 64;
    for (const auto& [name, tensor] : interpreted.checkpoint.parameters) {
      CAPTURE(name);
      const Tensor& other = compiled.checkpoint.parameters.at(name);
      for (int64_t i = 0; i < tensor.count(); ++i) CHECK(std::abs(tensor.at(i) - other.at(i)) < tolerance);
    }
  }
}

TEST_CASE("a training that is stopped in an epoch and resumed equals one that was not, to the bit") {
  TrainOptions options = small_options();
  options.optimizer = adam({.learning_rate = 0.01});
  const TrainResult whole = train(small_network(), small_split(), options);
  for (const int stop_after : {1, 7, 10, 26}) {
    int steps = 0;
    options.resume.reset();
    options.should_stop = [&] { return ++steps == stop_after; };
    const TrainResult part = train(small_network(), small_split(), options);
    CHECK(part.stopped);
    options.should_stop = {};
    options.resume = part.checkpoint;
    const TrainResult rest = train(small_network(), small_split(), options);
    CHECK(rest.checkpoint.parameters == whole.checkpoint.parameters);
    CHECK(rest.checkpoint.epochs_done == 4);
  }
}

TEST_CASE("a resumed training has the learning rate it is given, and that of no schedule before") {
  TrainOptions options = small_options(1);
  options.schedule = [](const ScheduleTime&) { return 1e-3; };
  const Checkpoint decayed = train(small_network(), small_split(), options).checkpoint;
  options.epochs = 2;
  options.schedule = {};
  const auto resumed = [&](double rate) {
    options.resume = decayed;
    options.optimizer = sgd({.learning_rate = rate});
    return train(small_network(), small_split(), options).checkpoint.parameters;
  };
  for (const double rate : {0.5, 0.0625}) {
    const auto parameters = resumed(rate);
    CHECK(parameters.at(learning_rate_name).item() == rate);
    CHECK_FALSE(parameters.at("0.weight") == decayed.parameters.at("0.weight"));
  }
  CHECK_FALSE(resumed(0.5) == resumed(0.0625));
}

TEST_CASE("a resumed training keeps a learning rate that the optimizer itself moves") {
  TrainOptions options = small_options(2);
  const auto rule = [](UpdateScope& scope, const Value& p, const Value& g) {
    if (p.node().name == "0.bias") scope.update(scope.learning_rate(), scope.learning_rate() * 0.75);
    return p - scope.learning_rate() * g;
  };
  options.optimizer = {.name = "slowing", .learning_rate = 0.5, .rule = rule};
  const TrainResult whole = train(small_network(), small_split(), options);
  options.epochs = 1;
  options.resume = train(small_network(), small_split(), options).checkpoint;
  options.epochs = 2;
  CHECK(train(small_network(), small_split(), options).checkpoint.parameters == whole.checkpoint.parameters);
}

TEST_CASE("an epoch does not go on with batches of another size, the next one may") {
  TrainOptions options = small_options();
  int steps = 0;
  options.should_stop = [&] { return ++steps == 3; };
  const TrainResult part = train(small_network(), small_split(), options);
  const int64_t batch = options.batch;
  options.should_stop = {};
  options.resume = part.checkpoint;
  options.batch = 2 * batch;
  CHECK_THROWS_WITH_AS(
      train(small_network(), small_split(), options),
      doctest::Contains(fmt::format("got {}, the checkpoint has 3 steps of {}", 2 * batch, batch).c_str()),
      Error);
  options.resume->steps_done = 0;
  options.resume->sums.clear();
  CHECK_NOTHROW(train(small_network(), small_split(), options));
}

TEST_CASE("the step counts the units that are off, interpreted and compiled, and trains the same") {
  TrainOptions options = small_options(2);
  const TrainResult plain = train(small_network(), small_split(), options);
  options.sparsity = SparsityOptions{};
  const TrainResult interpreted = train(small_network(), small_split(), options);
  options.run.interpret = false;
  const TrainResult compiled = train(small_network(), small_split(), options);
  CHECK_FALSE(plain.epochs[0].sparsity);
  REQUIRE(interpreted.epochs[0].sparsity);
  const LayerSparsity& layer = interpreted.epochs[0].sparsity->layers.at(0);
  CHECK(layer.samples == 100);
  CHECK(layer.zeros.size() == 8);
  CHECK(layer.off() > 0);
  CHECK(layer.off() < 800);
  CHECK(compiled.epochs[0].sparsity->layers.at(0).zeros == layer.zeros);
  CHECK(interpreted.epochs[1].loss == plain.epochs[1].loss);
  CHECK(json_line(interpreted.epochs[0]).find("\"zeros_by_layer\"") != std::string::npos);
  CHECK(sparsity_line(*interpreted.epochs[0].sparsity).starts_with("zeros "));
  CHECK_THROWS_AS(train(network(mlp({2, 8, 2}, tanh_op), 2), small_split(), options), Error);
  options.sparsity->threshold = 0.1;
  CHECK(train(network(mlp({2, 8, 2}, tanh_op), 2), small_split(), options).epochs[0].sparsity->units() == 8);
}

TEST_CASE("a callback ends training after its epoch") {
  TrainOptions options = small_options();
  options.on_epoch = [](const EpochMetrics& metrics, const Checkpoint&) { return metrics.epoch < 2; };
  const TrainResult result = train(small_network(), small_split(), options);
  CHECK(result.stopped);
  CHECK(result.epochs.size() == 2);
}

TEST_CASE("a schedule sets the learning rate of each epoch") {
  TrainOptions options = small_options(2);
  options.schedule = [](const ScheduleTime& time) { return time.epoch < 1 ? 1.0 : 0.0; };
  std::vector<std::map<std::string, Tensor>> parameters;
  options.on_epoch = [&](const EpochMetrics&, const Checkpoint& checkpoint) {
    parameters.push_back(checkpoint.parameters);
    return true;
  };
  train(small_network(), small_split(), options);
  REQUIRE(parameters.size() == 2);
  CHECK(parameters[0].at("0.weight") == parameters[1].at("0.weight"));
}

TEST_CASE("a network with dropout and batch norm trains in one mode and is measured in the other") {
  const auto layers = sequential(linear(2, 8), batch_norm(8), relu, dropout(0.2), linear(8, 2));
  const auto in_mode = [&](Mode mode) {
    Graph graph;
    graph.output("logits", layers(graph.input("x", {"batch", 2}), mode));
    return graph;
  };
  TrainOptions options = small_options(4);
  options.schedule = reduce_on_plateau({.factor = 0.5, .patience = 0});
  options.training_network = in_mode(Mode::Training);
  const Graph network = in_mode(Mode::Evaluation);
  std::vector<Checkpoint> checkpoints;
  options.on_epoch = [&](const EpochMetrics&, const Checkpoint& checkpoint) {
    checkpoints.push_back(checkpoint);
    return true;
  };
  const TrainResult whole = train(network, small_split(), options);
  CHECK(whole.checkpoint.parameters.at("3.counter").item() > 0);
  CHECK_FALSE(whole.checkpoint.parameters.at("1.running_mean").at(0) == 0);
  const Graph trained = trained_network(network, whole.checkpoint);
  CHECK(evaluate_on(trained, small_split().test, options).loss == *whole.epochs.back().test_loss);
  options.resume = checkpoints[1];
  options.on_epoch = {};
  const TrainResult resumed = train(network, small_split(), options);
  CHECK(resumed.checkpoint.parameters == whole.checkpoint.parameters);
  CHECK(resumed.checkpoint.losses == whole.checkpoint.losses);
}

TEST_CASE("numbers are fitted by their mean square") {
  Dataset data{
      .x = uniform(-1, 1)({.sizes = {64, 2}, .seed = 1}), .y = Tensor(Type::f32, {64, 1}), .classes = 0};
  for (int64_t i = 0; i < 64; ++i) data.y.set(i, 2 * data.x.at(2 * i) - data.x.at(2 * i + 1));
  const Graph line = network(linear(2, 1), 2);
  TrainOptions options = small_options(30);
  const TrainResult result = train(line, {.train = data, .test = data}, options);
  CHECK(*result.epochs.back().test_loss < 1e-6);
  CHECK_FALSE(result.epochs.back().accuracy.has_value());
  const Graph fitted = trained_network(line, result.checkpoint);
  CHECK(fitted.find("linear.weight").node().value.at(0) == doctest::Approx(2).epsilon(1e-3));
  CHECK(evaluate_on(fitted, data, options).loss == *result.epochs.back().test_loss);
}

TEST_CASE("a column of logits fits a list of numbers") {
  Dataset data{
      .x = uniform(-1, 1)({.sizes = {64, 2}, .seed = 1}), .y = Tensor(Type::f32, {64}), .classes = 0};
  for (int64_t i = 0; i < 64; ++i) data.y.set(i, data.x.at(2 * i));
  const TrainResult result =
      train(network(linear(2, 1), 2), {.train = data, .test = data}, small_options(30));
  CHECK(*result.epochs.back().test_loss < 1e-6);
}

TEST_CASE("large targets are fitted in their own units, by shares of their variance") {
  Dataset data{.x = uniform(-1, 1)({.sizes = {64, 2}, .seed = 1}), .y = Tensor(Type::f32, {64})};
  for (int64_t i = 0; i < 64; ++i) data.y.set(i, 4e5 + 1e5 * (2 * data.x.at(2 * i) - data.x.at(2 * i + 1)));
  const Standardisation targets = measure_targets(data);
  const Graph start = network(sequential(linear(2, 1), unstandardise(targets)), 2);
  TrainOptions options = small_options(30);
  options.loss = mse_in_deviations(targets);
  const TrainResult result = train(start, {.train = data, .test = data}, options);
  CHECK(*result.epochs.back().test_loss < 1e-6);
  const Graph fitted = trained_network(start, result.checkpoint);
  const std::vector<ColumnFit> fit = regression_fit(fitted, data);
  REQUIRE_EQ(fit.size(), 1);
  CHECK(fit[0].rmse < 1e-3 * 1e5);
  CHECK(*fit[0].r_squared > 0.999);
  // The loss is the share of the variance that is not explained.
  CHECK(*result.epochs.back().test_loss == doctest::Approx(1 - *fit[0].r_squared).epsilon(0.02));
}

TEST_CASE("without a test part training is not measured, and a schedule reads the training loss") {
  Split data = small_split();
  const TrainResult measured = train(small_network(), data, small_options(3));
  data.test = {};
  const TrainResult plain = train(small_network(), data, small_options(3));
  REQUIRE(plain.epochs.size() == 3);
  CHECK_FALSE(plain.epochs.back().test_loss);
  CHECK_FALSE(plain.epochs.back().test_accuracy);
  CHECK(plain.checkpoint.parameters == measured.checkpoint.parameters);
  CHECK(plain.checkpoint.losses.back() == plain.epochs.back().loss);
  CHECK(epoch_line(plain.epochs.back()).find("test") == std::string::npos);
}

TEST_CASE("a training that is resumed when all its epochs are done gives its checkpoint back") {
  TrainOptions options = small_options(3);
  options.resume = train(small_network(), small_split(), options).checkpoint;
  options.epochs = 2;
  const TrainResult result = train(small_network(), small_split(), options);
  CHECK(result.epochs.empty());
  CHECK(result.checkpoint.epochs_done == 3);
  CHECK(result.checkpoint.parameters == options.resume->parameters);
}

TEST_CASE("evaluate_on counts every sample once, the last small batch too") {
  const Dataset data = two_classes(300, 3);
  const TrainResult result = train(small_network(), {.train = data, .test = data}, small_options());
  const Evaluation found =
      evaluate_on(trained_network(small_network(), result.checkpoint), data, small_options());
  CHECK(found.samples == 300);
  CHECK(*found.accuracy == *result.epochs.back().test_accuracy);
}

TEST_CASE("a network that does not look at its input is evaluated and analyzed") {
  Graph constant;
  const Value x = constant.input("x", {"batch", 2});
  constant.output("logits", broadcast_to(constant.constant(Tensor::f32({1, 2}, {-1, 1})), x.shape()));
  const Dataset data = two_classes(300, 3);
  double ones = 0;
  for (int64_t i = 0; i < data.size(); ++i) ones += data.y.at(i);
  for (const bool interpret : {true, false}) {
    const Evaluation found = evaluate_on(constant, data, {.run = {.compile = {}, .interpret = interpret}});
    CHECK(*found.accuracy == doctest::Approx(ones / 300));
  }
  const Batch batch = *data.batches(20, {.shuffle = false}).begin();
  AnalyzeOptions options{.samples = {{{"x", batch.x}}}, .labels = std::vector<int64_t>(20, 1)};
  options.labels[0] = 0;
  CHECK(analyze(constant, options).graph.inputs().size() == 1);
  constant = Graph();
  constant.output("y", constant.constant(Tensor::f32({2}, {1, 2})) + 1);
  CHECK(analyze(constant, options).graph.inputs().empty());
}

TEST_CASE("a loss that is not finite names epoch, step, the first node and its source line") {
  TrainOptions options = small_options();
  options.optimizer = sgd({.learning_rate = 1e30});
  try {
    train(small_network(), small_split(), options);
    FAIL("a learning rate of 1e30 must not go through");
  } catch (const Error& error) {
    const std::string text = error.what();
    CAPTURE(text);
    CHECK(text.starts_with("[train] the loss stopped being finite at epoch 1, step "));
    CHECK(text.find("test_trainer.cpp:") != std::string::npos);
    CHECK(text.find("greatest magnitude in %") != std::string::npos);
    CHECK(text.find("try a learning rate below 1e+30") != std::string::npos);
  }
}

TEST_CASE("the first node that is not finite is found, not one that follows from it") {
  Graph graph;
  const Value x = graph.input("x", {2});
  const Value logarithm = log(x);
  graph.output("y", relu(logarithm * 2));
  const auto found = find_non_finite(graph, {{"x", Tensor::f32({2}, {1, 0})}});
  REQUIRE(found.has_value());
  CAPTURE(found->text);
  CHECK(found->node == logarithm.id());
  CHECK(found->element == 1);
  CHECK(found->value == -std::numeric_limits<double>::infinity());
  CHECK(found->text.starts_with("log %"));
  CHECK_FALSE(find_non_finite(graph, {{"x", Tensor::f32({2}, {1, 2})}}).has_value());
}

template <class Change>
void check_refused(const std::string& message, Change change) {
  Split data = small_split();
  TrainOptions options = small_options();
  change(data, options);
  CHECK_THROWS_WITH_AS(train(small_network(), data, options), doctest::Contains(message.c_str()), Error);
}

TEST_CASE("impossible trainings are refused before they start") {
  check_refused("epochs must be at least 1: got 0", [](Split&, TrainOptions& o) { o.epochs = 0; });
  check_refused("batch must be at least 1: got 0", [](Split&, TrainOptions& o) { o.batch = 0; });
  check_refused("batch is larger than the data: got 101, want at most the 100 training samples",
                [](Split&, TrainOptions& o) { o.batch = 101; });
  check_refused("row 7 has label 2: want 0 to 1 for 2 classes",
                [](Split& d, TrainOptions&) { d.train.y.set(7, 2); });
  check_refused("row 3 has label -1", [](Split& d, TrainOptions&) { d.test.y.set(3, -1); });
  check_refused("row 5, feature 1 is nan",
                [](Split& d, TrainOptions&) { d.train.x.set(11, std::numeric_limits<double>::quiet_NaN()); });
  check_refused("the schedule gives the factor nan in epoch 1", [](Split&, TrainOptions& o) {
    o.schedule = [](const ScheduleTime&) { return std::numeric_limits<double>::quiet_NaN(); };
  });
  check_refused("the optimizer has no rule", [](Split&, TrainOptions& o) { o.optimizer = {}; });
}

TEST_CASE("a loss that is no number a sample is refused") {
  const auto with = [](const LossFunction& loss) {
    TrainOptions options = small_options();
    options.loss = loss;
    return options;
  };
  const TrainOptions reduced = with(
      [](const Value& output, const Value& label) { return mean(softmax_cross_entropy(output, label)); });
  CHECK_THROWS_WITH_AS(train(small_network(), small_split(), reduced),
                       doctest::Contains("[train] the loss gives f32 []: want one number a sample, floating "
                                         "[batch]; the mean over the samples is taken later"),
                       Error);
  CHECK_THROWS_AS(evaluate_on(small_network(), small_split().test, reduced), Error);
  const TrainOptions by_class = with([](const Value& output, const Value&) { return sum(output, 0); });
  CHECK_THROWS_WITH_AS(train(small_network(), small_split(), by_class),
                       doctest::Contains("[train] the loss gives f32 [2]"), Error);
}

TEST_CASE("sequences of labels are learned without a loss of one's own, which is their mean over steps") {
  const CharacterText text = character_text("abcabcabcabcabcabcabcabcabcabcabcabcabc");
  const Dataset data = windows(text, {.length = 4, .stride = 1});
  const Graph start = network(sequential(embedding(3, 4), rnn(4, 8), linear(8, 3)), 4, Type::i32);
  const TrainResult result =
      train(start, {.train = data}, {.epochs = 40, .batch = 8, .optimizer = adam({.learning_rate = 0.02})});
  CHECK(result.epochs.front().loss > 0.7);  // log 3 = 1.1 for guessing
  CHECK(result.epochs.back().loss < 0.05);
  const Graph trained = trained_network(start, result.checkpoint);
  const TrainOptions by_hand{.loss = [](const Value& output, const Value& label) {
    return mean(softmax_cross_entropy(output, label), 1);
  }};
  CHECK(evaluate_on(trained, data).loss == doctest::Approx(evaluate_on(trained, data, by_hand).loss));
  const Graph four = network(sequential(embedding(3, 4), linear(4, 4)), 4, Type::i32);
  CHECK_THROWS_WITH_AS(train(four, {.train = data}, {.batch = 8}),
                       doctest::Contains("the network has 4 logits but the data 3 classes"), Error);
}

TEST_CASE("data that does not fit the network is refused with both shapes") {
  const Graph three_features = network(mlp({3, 2}, relu), 3);
  CHECK_THROWS_WITH_AS(
      train(three_features, small_split(), small_options()),
      doctest::Contains("the data does not fit the network: got samples f32 [100, 2], want f32 [batch, 3]"),
      Error);
  const Graph three_classes = network(mlp({2, 3}, relu), 2);
  CHECK_THROWS_WITH_AS(train(three_classes, small_split(), small_options()),
                       doctest::Contains("the network has 3 logits but the data 2 classes"), Error);
  Graph two_outputs = small_network();
  two_outputs.output("again", two_outputs.result("logits"));
  CHECK_THROWS_WITH_AS(train(two_outputs, small_split(), small_options()),
                       doctest::Contains("a network has one input and one output: got 1 and 2"), Error);
}

TEST_CASE("a checkpoint of another network is refused with a table of differences") {
  TrainOptions options = small_options(1);
  options.resume = train(small_network(), small_split(), options).checkpoint;
  options.epochs = 2;
  const Graph wider = network(mlp({2, 9, 2}, relu), 2);
  CHECK_THROWS_WITH_AS(train(wider, small_split(), options), doctest::Contains("0.weight"), Error);
  options.optimizer = adam();
  CHECK_THROWS_WITH_AS(train(small_network(), small_split(), options), doctest::Contains("resume with sgd"),
                       Error);
}

}  // namespace
}  // namespace crease
