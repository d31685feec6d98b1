#include "frontends/model.h"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <limits>

#include "frontends/file.h"
#include "frontends/models.h"
#include "frontends/optimizers.h"
#include "frontends/safetensors.h"
#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/reduction.h"
#include "graph/text.h"
#include "tests/files.h"
#include "tests/frontends/thrown.h"

namespace crease {
namespace {

Model some_model() {
  ModelInfo info{
      .data = "csv:iris.csv",
      .label = "kind",
      .classes = {"setosa", "a \"quoted\" name"},
      .standardisation =
          Standardisation{.mean = Tensor::f32({3}, {1, 0.1F, -2}), .deviation = Tensor::f32({3}, {1, 2, 3})},
      .targets = Standardisation{.mean = Tensor::f32({1}, {2e5F}), .deviation = Tensor::f32({1}, {3e4F})},
      .training = {{"--epochs", "3"}},
      .metrics = {{"test accuracy", 0.96875}}};
  return {.network = network(mlp({3, 4, 2}, relu), 3), .info = info};
}

void put(const std::filesystem::path& path, const std::string& text) { std::ofstream(path) << text; }

TEST_CASE("a model.json that is not right is named with the place in our words") {
  const test::TemporaryFolder folder;
  save_model(folder.path(), some_model());
  const auto path = folder / "model.json";
  const std::string whole = read_file(path);
  const auto said_of = [&](const std::string& from, const std::string& to) {
    std::string text = whole;
    text.replace(text.find(from), from.size(), to);
    put(path, text);
    const std::string message = test::thrown_by([&] { load_model(folder.path()); });
    CAPTURE(message);
    CHECK(message.starts_with("[load] " + path.string() + ": "));
    CHECK(message.ends_with("; `crease train --save` writes it anew, or take it from a copy of the folder"));
    CHECK_FALSE(test::holds(message, "json.exception"));
    return message;
  };
  CHECK(test::holds(said_of(whole, ""), ": line 1, column 1: no JSON: the text ends too early;"));
  CHECK(test::holds(said_of("\"version\": 1", "\"version\" 1"), ": line 3, column 13: no JSON: got '1';"));
  CHECK(test::holds(said_of(whole, "[]"), ": got array, want an object with the fields of a model;"));
  CHECK(test::holds(said_of("\"data\"", "\"dato\""), ": field 'data' is missing: want a text;"));
  CHECK(test::holds(said_of("\"setosa\"", "7"), ": field 'classes' is not a list of texts;"));
  CHECK(test::holds(said_of("0.96875", "[]"), ": field 'metrics' is not an object of numbers;"));
  CHECK(test::holds(said_of("\"deviation\"", "\"divination\""), "mean and deviation;"));
  CHECK(
      test::holds(said_of("\"version\": 1", "\"version\": 2"), "version 2 is not 'crease model' version 1"));
}

TEST_CASE("a model that is saved and loaded is the same") {
  const test::TemporaryFolder folder;
  const Model model = some_model();
  save_model(folder / "a/b", model);
  const Model loaded = load_model(folder / "a/b");
  CHECK(equal(loaded.network, model.network));
  CHECK(parameters_of(loaded.network) == parameters_of(model.network));
  CHECK(loaded.info.data == model.info.data);
  CHECK(loaded.info.classes == model.info.classes);
  CHECK(loaded.info.label == model.info.label);
  CHECK(loaded.info.standardisation->mean == model.info.standardisation->mean);
  CHECK(loaded.info.standardisation->deviation == model.info.standardisation->deviation);
  CHECK(loaded.info.targets->mean == model.info.targets->mean);
  CHECK(loaded.info.targets->deviation == model.info.targets->deviation);
  CHECK(loaded.info.training == model.info.training);
  CHECK(loaded.info.metrics == model.info.metrics);
}

TEST_CASE("a graph takes what it has of a training step's parameters") {
  Graph graph;
  const Value w = graph.parameter("w", Tensor::f32({2}, {1, 2}));
  graph.parameter("beside", Tensor::scalar(Type::f32, 7));
  const Graph step = train_step(sum(square(w)), adam());
  auto learned = parameters_of(step);
  learned.at("w") = Tensor::f32({2}, {3, 4});
  take_parameters(graph, learned);
  CHECK(parameters_of(graph) ==
        std::map<std::string, Tensor>{{"beside", Tensor::scalar(Type::f32, 7)}, {"w", learned.at("w")}});
  CHECK_THROWS_WITH_AS(take_parameters(graph, {{"v", Tensor()}}),
                       "[take_parameters] none of the graph's parameters is among the values: it has beside, "
                       "w, they are v",
                       Error);
  const std::map<std::string, Tensor> other{{"beside", Tensor::scalar(Type::f32, 1)}, {"w", Tensor()}};
  CHECK_THROWS_WITH_AS(take_parameters(graph, other), doctest::Contains("f32[2]"), Error);
  CHECK(graph.find("beside").node().value.item() == 7);
  CHECK_THROWS_WITH_AS(set_parameters(graph, learned),
                       doctest::Contains("take_parameters passes over what the graph lacks"), Error);
  Graph none;
  take_parameters(none, learned);
}

TEST_CASE(
    "metrics and losses that are not finite are read as they were written, or as NaN where JSON had none") {
  const test::TemporaryFolder folder;
  constexpr double infinity = std::numeric_limits<double>::infinity(),
                   nan = std::numeric_limits<double>::quiet_NaN();
  Model model = some_model();
  model.info.metrics = {{"a", infinity}, {"b", -infinity}, {"c", nan}};
  save_model(folder.path(), model);
  const auto metrics = load_model(folder.path()).info.metrics;
  CHECK(metrics.at("a") == infinity);
  CHECK(metrics.at("b") == -infinity);
  CHECK(std::isnan(metrics.at("c")));
  save_checkpoint(folder.path(), {.losses = {1, infinity, nan}, .best = Best{.validation_loss = infinity}});
  const Checkpoint checkpoint = load_checkpoint(folder.path());
  REQUIRE(checkpoint.losses.size() == 3);
  CHECK(checkpoint.losses[1] == infinity);
  CHECK(std::isnan(checkpoint.losses[2]));
  CHECK(checkpoint.best->validation_loss == infinity);
  const auto with_metric = [&](const char* value) {
    put(folder / "model.json",
        fmt::format(R"({{"format": "crease model", "version": 1, "data": "", "classes": [],
        "training": {{}}, "metrics": {{"loss": {}}}}})",
                    value));
    return load_model(folder.path()).info.metrics.at("loss");
  };
  CHECK(std::isnan(with_metric("null")));
  CHECK_THROWS_WITH_AS(with_metric("\"good\""), doctest::Contains("got 'good', want a number, or 'inf'"),
                       Error);
}

TEST_CASE("a path that is not UTF-8 does not keep a model from being saved") {
  const test::TemporaryFolder folder;
  Model model = some_model();
  model.info.data = "csv:gr\xfcn.csv";
  save_model(folder.path(), model);
  CHECK(load_model(folder.path()).info.data == "csv:gr\ufffdn.csv");
}

TEST_CASE("saving again replaces the model and leaves other files alone") {
  const test::TemporaryFolder folder;
  save_model(folder.path(), some_model());
  put(folder / "notes.txt", "mine");
  Model other = some_model();
  other.network.set_parameter("0.bias", Tensor::f32({4}, {1, 2, 3, 4}));
  save_model(folder.path(), other);
  CHECK(load_model(folder.path()).network.find("0.bias").node().value.at(3) == 4);
  CHECK(std::filesystem::exists(folder / "notes.txt"));
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 4);
}

TEST_CASE("parameters that do not fit are refused with every difference, and nothing changes") {
  Graph graph = some_model().network;
  auto values = parameters_of(graph);
  const Tensor before = values.at("2.weight");
  values["0.weight"] = Tensor::f32({3, 5}, std::vector<float>(15));
  values["extra"] = Tensor::scalar(Type::f64, 1);
  values["2.weight"] = Tensor::f32({4, 2}, std::vector<float>(8));
  values.erase("2.bias");
  try {
    set_parameters(graph, values);
    FAIL("must be refused");
  } catch (const Error& error) {
    const std::string text = error.what();
    CAPTURE(text);
    CHECK(text.starts_with("[load] the parameters do not fit the graph:"));
    CHECK(text.find("0.weight                 f32[3, 4]            f32[3, 5]") != std::string::npos);
    CHECK(text.find("2.bias                   f32[2]               missing") != std::string::npos);
    CHECK(text.find("extra                    missing              f64[]") != std::string::npos);
    CHECK(text.find("2.weight") == std::string::npos);
  }
  CHECK(graph.find("2.weight").node().value == before);
}

TEST_CASE("a folder that holds no sound model is refused, naming the file") {
  const test::TemporaryFolder folder;
  CHECK_THROWS_WITH_AS(load_model(folder / "none"), doctest::Contains("is not a folder"), Error);
  CHECK_THROWS_WITH_AS(load_model(folder.path()), doctest::Contains("graph.txt"), Error);
  const auto refuses = [&](const std::string& file, const std::string& text, const char* message) {
    save_model(folder.path(), some_model());
    put(folder / file, text);
    CHECK_THROWS_WITH_AS(load_model(folder.path()), doctest::Contains(message), Error);
  };
  refuses("graph.txt", "input %0 x: f32[batch, 3]\n%1: f32[batch, 3] = rule(%0)\n", "graph.txt");
  refuses("model.json", "{\"format\": \"crease model\"", "model.json");
  refuses("model.json", "{\"format\": \"other\", \"version\": 1}",
          "format 'other' version 1 is not 'crease model'");
  refuses(
      "model.json",
      R"({"format": "crease model", "version": 1, "data": "digits", "classes": [], "training": {}, "metrics": {},
              "standardisation": {"mean": [1, 2], "deviation": [1]}})",
      "2 means but 1 deviations");
  refuses("parameters.safetensors", "short", "parameters.safetensors");
}

TEST_CASE("a checkpoint that is saved and loaded is the same, and another file is none") {
  const test::TemporaryFolder folder;
  const Checkpoint checkpoint{.parameters = {{"adam.m/0.weight", Tensor::f32({2}, {1, 2})}},
                              .epochs_done = 7,
                              .steps_done = 11,
                              .losses = {0.1, 1.0 / 3, 1e-300}};
  save_checkpoint(folder.path(), checkpoint);
  const Checkpoint loaded = load_checkpoint(folder.path());
  CHECK(loaded.parameters == checkpoint.parameters);
  CHECK(loaded.epochs_done == 7);
  CHECK(loaded.steps_done == 11);
  CHECK(loaded.losses == std::vector<double>{0.1, 1.0 / 3, 1e-300});
  save_model(folder.path(), some_model());
  std::filesystem::rename(folder / "parameters.safetensors", folder / "checkpoint.safetensors");
  CHECK_THROWS_WITH_AS(load_checkpoint(folder.path()), doctest::Contains("is no checkpoint"), Error);
}

TEST_CASE("a checkpoint whose progress is no count is refused") {
  const test::TemporaryFolder folder;
  write_safetensors(folder / "checkpoint.safetensors", {},
                    {{"crease.epochs_done", "three"}, {"crease.steps_done", "0"}});
  CHECK_THROWS_WITH_AS(load_checkpoint(folder.path()),
                       doctest::Contains("'crease.epochs_done' is 'three', want a count"), Error);
}

TEST_CASE("a folder that cannot be made is an error with the reason") {
  const test::TemporaryFolder folder;
  put(folder / "file", "");
  CHECK_THROWS_WITH_AS(save_model(folder / "file/model", some_model()),
                       doctest::Contains("cannot make the folder"), Error);
}

}  // namespace
}  // namespace crease
