// What surrounds the steps: validation, patience, best parameters, checkpoints, folds, logs, confusion.
#include <doctest/doctest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <sstream>

#include "frontends/data/digits.h"
#include "frontends/file.h"
#include "frontends/losses.h"
#include "frontends/models.h"
#include "frontends/trainer.h"
#include "frontends/training/confusion.h"
#include "frontends/training/predict.h"
#include "frontends/training/train_log.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/reduction.h"
#include "tests/files.h"
#include "tests/frontends/file_size_limit.h"
#include "tests/frontends/thrown.h"

namespace crease {
namespace {

using test::holds;
using test::TemporaryFolder;
using test::thrown_by;

Split small() {
  std::vector<int64_t> rows(200);
  std::iota(rows.begin(), rows.end(), 0);
  return with_validation(split(select(digits(), rows), 0.2), 0.25);
}

TrainOptions options_of(int64_t epochs) {
  return {.epochs = epochs,
          .batch = 16,
          .optimizer = sgd({.learning_rate = 0.5}),
          .run = {.compile = {}, .interpret = true}};
}

Graph small_network() { return network(mlp({64, 4, 10}, relu), 64); }

std::vector<float> values(const std::map<std::string, Tensor>& parameters) {
  std::vector<float> all;
  for (const auto& [name, tensor] : parameters)
    for (int64_t i = 0; i < tensor.count(); ++i) all.push_back(static_cast<float>(tensor.at(i)));
  return all;
}

}  // namespace

TEST_CASE("a validation part is kept from the training part, and the test part stays") {
  const Split whole = split(digits(), 0.2);
  const Split parts = with_validation(whole, 0.25, 7);
  CHECK_EQ(parts.train.size() + parts.validation.size(), whole.train.size());
  CHECK_EQ(parts.test.size(), whole.test.size());
  CHECK(holds(thrown_by([&] { with_validation(whole, 1); }), "share of 1"));
}

TEST_CASE("folds test on every sample once, with classes spread evenly") {
  const Dataset data = digits();
  const auto parts = folds(data, 7, 3);
  REQUIRE_EQ(parts.size(), 7U);
  int64_t tested = 0;
  for (const Split& part : parts) {
    CHECK_EQ(part.train.size() + part.test.size(), data.size());
    std::vector<int> counts(10);
    for (const int32_t label : part.test.y.read<int32_t>()) ++counts[static_cast<size_t>(label)];
    CHECK_LE(*std::ranges::max_element(counts) - *std::ranges::min_element(counts), 3);  // 174 to 183 of each
    tested += part.test.size();
  }
  CHECK_EQ(tested, data.size());
  CHECK(holds(thrown_by([&] { folds(data, 1); }), "1 folds of 1797 samples: want at least 2"));
  CHECK(holds(thrown_by([&] { folds(data, 1798); }), "at most one a sample"));
}

TEST_CASE("the best parameters are those of the epoch with the least validation loss") {
  TrainOptions options = options_of(12);
  std::vector<std::vector<float>> seen;
  options.on_epoch = [&](const EpochMetrics&, const Checkpoint& checkpoint) {
    seen.push_back(values(checkpoint.parameters));
    return true;
  };
  const TrainResult result = train(small_network(), small(), options);
  const auto least = std::ranges::min_element(
      result.epochs, {}, [](const EpochMetrics& metrics) { return *metrics.validation_loss; });
  REQUIRE(result.checkpoint.best);
  CHECK_EQ(result.checkpoint.best->epoch, least->epoch);
  CHECK_EQ(result.checkpoint.best->validation_loss, *least->validation_loss);
  CHECK_EQ(values(result.checkpoint.best->parameters), seen[static_cast<size_t>(least->epoch - 1)]);
  const Graph best = best_network(small_network(), result.checkpoint);
  CHECK_EQ(evaluate_on(best, small().validation, options).loss, doctest::Approx(*least->validation_loss));
}

TEST_CASE("parameters whose validation loss is NaN are never the best") {
  TrainOptions options = options_of(2);
  options.training_loss = [](const Value& output, const Value& label) {
    return softmax_cross_entropy(output, label);
  };
  options.loss = [](const Value& output, const Value& label) {
    return softmax_cross_entropy(output, label) * std::numeric_limits<double>::quiet_NaN();
  };
  const Checkpoint none = train(small_network(), small(), options).checkpoint;
  CHECK_FALSE(none.best);
  options.resume = none;
  options.resume->best = Best{.epoch = 1, .validation_loss = 0.5, .parameters = none.parameters};
  options.epochs = 3;
  const Checkpoint resumed = train(small_network(), small(), options).checkpoint;
  REQUIRE(resumed.best);
  CHECK(resumed.best->validation_loss == 0.5);
}

TEST_CASE("patience ends training so many epochs after the best one") {
  TrainOptions options = options_of(200);
  options.patience = 4;
  const TrainResult result = train(small_network(), small(), options);
  CHECK(result.ran_out_of_patience);
  CHECK_FALSE(result.stopped);
  CHECK_LT(result.epochs.size(), 200U);
  CHECK_EQ(result.epochs.back().epoch, result.checkpoint.best->epoch + 4);
  Split without = small();
  without.validation = {};
  CHECK(
      holds(thrown_by([&] { train(small_network(), without, options); }), "patience needs validation data"));
}

TEST_CASE("training from any checkpoint ends with the same bits, patience and best parameters included") {
  TrainOptions options = options_of(60);
  options.patience = 6;
  options.checkpoint_seconds = 0;
  std::vector<Checkpoint> checkpoints;
  options.on_checkpoint = [&](const Checkpoint& checkpoint) { checkpoints.push_back(checkpoint); };
  const TrainResult whole = train(small_network(), small(), options);
  REQUIRE_GT(checkpoints.size(), 20U);
  options.on_checkpoint = {};
  const TemporaryFolder folder;
  for (size_t i = 0; i < checkpoints.size(); i += 17) {
    CAPTURE(i);
    save_checkpoint(folder.path(), checkpoints[i]);
    options.resume = load_checkpoint(folder.path());
    const TrainResult resumed = train(small_network(), small(), options);
    CHECK_EQ(values(resumed.checkpoint.parameters), values(whole.checkpoint.parameters));
    CHECK_EQ(resumed.checkpoint.epochs_done, whole.checkpoint.epochs_done);
    CHECK_EQ(resumed.checkpoint.best->epoch, whole.checkpoint.best->epoch);
    CHECK_EQ(values(resumed.checkpoint.best->parameters), values(whole.checkpoint.best->parameters));
  }
}

TEST_CASE("metrics of an epoch that was interrupted are those of the whole epoch") {
  TrainOptions options = options_of(3);
  options.sparsity = SparsityOptions{};
  options.census = true;
  const auto figures = [](const EpochMetrics& metrics) {
    auto json = nlohmann::json::parse(json_line(metrics));
    json.erase("seconds");
    json.erase("samples_per_second");
    return json.dump();
  };
  std::vector<std::string> whole;
  for (const EpochMetrics& metrics : train(small_network(), small(), options).epochs)
    whole.push_back(figures(metrics));
  const TemporaryFolder folder;
  options.checkpoint_seconds = 0;
  std::vector<Checkpoint> places;
  options.on_checkpoint = [&](const Checkpoint& checkpoint) { places.push_back(checkpoint); };
  train(small_network(), small(), options);
  REQUIRE(places.size() > 3);
  options.on_checkpoint = {};
  for (const Checkpoint& place : places) {
    save_checkpoint(folder.path(), place);
    options.resume = load_checkpoint(folder.path());
    std::vector<std::string> rest;
    for (const EpochMetrics& metrics : train(small_network(), small(), options).epochs)
      rest.push_back(figures(metrics));
    CHECK_EQ(rest, std::vector<std::string>(whole.begin() + place.epochs_done, whole.end()));
  }
}

TEST_CASE("batches are prepared with their epoch and place, the same after a resume") {
  TrainOptions options = options_of(3);
  const auto prepare = [](Batch batch, int64_t epoch, int64_t first) {
    for (int64_t i = 0; i < batch.x.count(); ++i)
      batch.x.set(i, batch.x.at(i) + static_cast<double>((epoch * 31 + first + i) % 5) / 64);
    return batch;
  };
  const auto plain = values(train(small_network(), small(), options).checkpoint.parameters);
  options.prepare = prepare;
  options.checkpoint_seconds = 0;
  std::optional<Checkpoint> middle;
  options.on_checkpoint = [&](const Checkpoint& checkpoint) {
    if (checkpoint.epochs_done == 1 && checkpoint.steps_done == 3) middle = checkpoint;
  };
  const auto whole = values(train(small_network(), small(), options).checkpoint.parameters);
  CHECK_NE(whole, plain);
  REQUIRE(middle);
  options.resume = middle;
  CHECK_EQ(values(train(small_network(), small(), options).checkpoint.parameters), whole);
}

TEST_CASE("a log has a line an epoch, and after a resume those of an uninterrupted training") {
  const TemporaryFolder folder;
  const auto path = folder / "log.jsonl";
  const auto epochs = [&] {
    std::vector<int64_t> numbers;
    std::istringstream lines(read_file(path));
    for (std::string line; std::getline(lines, line);)
      numbers.push_back(nlohmann::json::parse(line).at("epoch").get<int64_t>());
    return numbers;
  };
  {
    TrainLog log(path);
    for (int64_t epoch = 1; epoch <= 4; ++epoch) log.write({.epoch = epoch, .test_accuracy = 0.5});
  }
  CHECK_EQ(epochs(), std::vector<int64_t>{1, 2, 3, 4});
  write_file_atomically(
      path, read_file(path) + "{\"epoch\": \"5\"}\n{\"epoch\": 5, \"lo");  // a crash within a line
  {
    TrainLog log(path, 2);
    log.write({.epoch = 3});
  }
  CHECK_EQ(epochs(), std::vector<int64_t>{1, 2, 3});
  {
    const TrainLog anew(path);
  }
  CHECK(read_file(path).empty());
  CHECK(holds(thrown_by([&] { TrainLog(folder / "none" / "log.jsonl"); }), "log.jsonl"));
}

TEST_CASE("a log that could not be written has every line once there is room again") {
  const TemporaryFolder folder;
  const std::filesystem::path place = folder / "log.jsonl";
  TrainLog log(place);
  std::string lines;
  for (int64_t epoch = 1; epoch <= 5; ++epoch) {
    const EpochMetrics metrics{.epoch = epoch};
    const std::string before = read_file(place);
    lines += json_line(metrics) + '\n';
    if (epoch == 2 || epoch == 3) {
      const test::FileSizeLimit room_for_half_a_line(before.size() + 20);
      CHECK(thrown_by([&] { log.write(metrics); }) ==
            "[log] cannot write to " + place.string() + "; the next epoch tries again");
      CHECK(read_file(place) == before);
    } else {
      log.write(metrics);
      CHECK(read_file(place) == lines);
    }
  }
}

TEST_CASE("an epoch as a line of JSON has what was measured") {
  const auto json = nlohmann::json::parse(json_line({.epoch = 3, .loss = 0.25, .test_loss = 0.5}));
  CHECK_EQ(json.at("epoch"), 3);
  CHECK_EQ(json.at("loss"), 0.25);
  CHECK_EQ(json.at("test_loss"), 0.5);
  CHECK_FALSE(json.contains("accuracy"));
}

TEST_CASE("a network predicts samples in their order, whatever their number") {
  const Graph same = network(identity, 3);
  for (const int64_t samples : {1, 256, 257, 700}) {
    Tensor x(Type::f32, {samples, 3});
    for (int64_t i = 0; i < x.count(); ++i) x.set(i, static_cast<double>(i * 7 % 11));
    CHECK(predict(same, x) == x);
    CHECK(predict(same, x, {.compile = {}, .interpret = true}) == x);
  }
  CHECK(thrown_by([&] { predict(same, Tensor(Type::f32, {0, 3})); }) ==
        "[predict] got no samples, want at least one");
  CHECK(holds(thrown_by([&] { predict(same, Tensor(Type::f32, {2, 4})); }),
              "[data] the data does not fit the network: got samples f32 [2, 4], want f32 [batch, 3]"));
  Graph total;
  total.output("y", sum(total.input("x", {"batch", 3})));
  CHECK(thrown_by([&] { predict(total, Tensor(Type::f32, {2, 3})); }) ==
        "[predict] an output of a network has a row for each sample: got [] of 2 samples");
  CHECK(decisions(Tensor::f32({3, 2}, {1, 2, 3, 3, 4, -1})) == std::vector<int64_t>{1, 0, 0});
  CHECK(thrown_by([] { decisions(Tensor(Type::f32, {3})); }) ==
        "[decisions] want outputs [n, classes], got [3]");
}

TEST_CASE("a confusion matrix counts each sample under its class and the predicted one") {
  // The network's greatest output is the number of the greatest input.
  const Graph same = network(identity, 3);
  Dataset data{.x = Tensor::f32({5, 3}, {1, 0, 0, 0, 1, 0, 0, 1, 0, 1, 1, 0, 0, 0, 1}),
               .y = Tensor::i32({5}, {0, 1, 2, 1, 2}),
               .classes = 3};
  const Confusion found = confusion(same, data, {.compile = {}, .interpret = true});
  CHECK_EQ(found.counts, std::vector<int64_t>{1, 0, 0, 1, 1, 0, 0, 1, 1});  // a tie goes to the first
  CHECK_EQ(found.accuracy(), doctest::Approx(0.6));
  CHECK_EQ(found.recall(2), doctest::Approx(0.5));
  CHECK_EQ(found.precision(2), doctest::Approx(1));
  CHECK_EQ(found.precision(0), doctest::Approx(0.5));
  CHECK(holds(to_string(found, {"cat", "dog", "fox"}), "fox        0     1     1   50.00 %"));
  // Names are cut and padded by characters, not in the middle of one.
  CHECK(holds(to_string(found, {"cat", "dog", "żółte gęsie jaja"}),
              "\nżółte gęsie             0            1"));
  CHECK(holds(to_string(found, {"cat", "\x1b[2J\ndog", "fox"}), " [2J dog   "));
  data.classes = 100'000;
  CHECK(thrown_by([&] { confusion(same, data); }) ==
        "[confusion] '' has 100000 classes: want at most 4096, for a table of them");
}

}  // namespace crease
