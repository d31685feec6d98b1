#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "frontends/models.h"
#include "frontends/progress.h"
#include "frontends/trainer.h"
#include "graph/ops/activation.h"

namespace crease {
namespace {

/// Samples of which every second one is 0: without biases all hidden units sit at 0 there.
Dataset half_zeros(int64_t count) {
  Dataset data{.x = Tensor(Type::f32, {count, 2}), .y = Tensor(Type::i32, {count}), .classes = 2};
  data.name = "half zeros";
  for (int64_t i = 1; i < count; i += 2) {
    data.x.set(2 * i, 1);
    data.x.set(2 * i + 1, i % 4 == 1 ? 1 : -1);
    data.y.set(i, i % 4 == 1 ? 1 : 0);
  }
  return data;
}

TrainResult trained(bool census, bool interpret) {
  const Graph net = network(mlp({2, 8, 2}, relu, {.bias = false}), 2);
  return train(net, {.train = half_zeros(40), .test = half_zeros(8)},
               {.epochs = 2,
                .batch = 8,
                .optimizer = sgd(),
                .census = census,
                .run = {.compile = {}, .interpret = interpret}});
}

TEST_CASE("a census adds up over the steps of an epoch, by node, and stands in the log") {
  for (const bool interpret : {true, false}) {
    const TrainResult result = trained(true, interpret);
    REQUIRE(result.epochs.size() == 2);
    for (const EpochMetrics& epoch : result.epochs) {
      REQUIRE(epoch.kinks.size() >= 1);
      const KinkCounts& first = epoch.kinks.front();
      CHECK(first.operation == "relu");
      CHECK(first.elements == 40 * 8);
      CHECK(first.hits == 20 * 8);
      CHECK(first.live == 20 * 8);
      CHECK(first.jumps == 0);
      const auto json = nlohmann::json::parse(json_line(epoch));
      CHECK(json.at("kinks").at(0).at("hits") == 20 * 8);
      CHECK(json.at("kinks").at(0).at("node") == first.node);
      CHECK(json.at("kinks").at(0).at("line").get<std::string>().find(':') != std::string::npos);
    }
  }
}

TEST_CASE("without a census nothing is counted, logged, or trained otherwise") {
  const TrainResult plain = trained(false, true), counted = trained(true, true);
  CHECK(plain.epochs.back().kinks.empty());
  CHECK(!nlohmann::json::parse(json_line(plain.epochs.back())).contains("kinks"));
  CHECK(plain.epochs.back().loss == counted.epochs.back().loss);
  CHECK(plain.epochs.back().test_loss == counted.epochs.back().test_loss);
}

}  // namespace
}  // namespace crease
