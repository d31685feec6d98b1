#include "graph/analysis/sparsity.h"

#include <doctest/doctest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "tests/files.h"
#include "tests/graph/analysis/oracle_facts.h"

using namespace crease;
using Json = nlohmann::json;

namespace {

Tensor tensor(const std::vector<float>& values, std::vector<int64_t> sizes) {
  Tensor result(Type::f32, std::move(sizes));
  for (size_t i = 0; i < values.size(); ++i) result.set(static_cast<int64_t>(i), values[i]);
  return result;
}

}  // namespace

TEST_CASE("zeros, dead and always active units on the data of the oracle's networks") {
  const auto file = test::shared_file("oracles/analyses.json");
  if (!file) return;
  int checked = 0;
  const Json oracle = test::read_oracle(*file);
  for (const Json& description : oracle["networks"]) {
    if (!description["expected"].contains("data")) continue;
    CAPTURE(description["id"].get<std::string>());
    const test::OracleNetwork network = test::build_network(description);
    for (const auto& failure :
         test::check_data(network, description["data"], description["expected"]["data"]))
      FAIL_CHECK(failure);
    ++checked;
  }
  CHECK(checked > 0);
}

TEST_CASE("a batch counts as its samples, alone or in parts") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 3});
  graph.output("y", relu(relu(x) - 1));
  const Bindings all{{"x", tensor({-1, 2, 3, 4, -5, 6}, {2, 3})}};
  const Sparsity found = sparsity(graph, {all});
  REQUIRE(found.layers.size() == 2);
  CHECK((found.layers[0].zeros == std::vector<int64_t>{1, 1, 0}));
  CHECK(found.layers[0].samples == 2);
  CHECK((found.layers[0].always_on() == std::vector<int64_t>{2}));
  CHECK(found.layers[0].dead().empty());
  CHECK(found.zero_share() == doctest::Approx(4.0 / 12));
  CHECK(found.active_paths() == doctest::Approx((4.0 / 6) * (4.0 / 6)));
  const Sparsity parts =
      sparsity(graph, {{{"x", tensor({-1, 2, 3}, {1, 3})}}, {{"x", tensor({4, -5, 6}, {1, 3})}}});
  CHECK(parts.layers[1].zeros == found.layers[1].zeros);
  CHECK(parts.layers[1].samples == 2);
}

TEST_CASE("smooth units are looked at with a threshold only, and NaN is not off") {
  Graph graph;
  const Value x = graph.input("x", {4});
  graph.output("y", tanh_op(x));
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<Bindings> samples{{{"x", tensor({0, 0.05F, 3, nan}, {4})}}};
  CHECK(sparsity(graph, samples).layers.empty());
  CHECK(sparsity_findings(sparsity(graph, samples)).empty());
  const Sparsity found = sparsity(graph, samples, {.threshold = 0.1});
  REQUIRE(found.layers.size() == 1);
  CHECK((found.layers[0].zeros == std::vector<int64_t>{1, 1, 0, 0}));
  CHECK_THROWS_AS(sparsity(graph, samples, {.threshold = -1}), Error);
}
