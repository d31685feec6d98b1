#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <random>

#include "graph/analysis/path_norm.h"
#include "graph/analysis/regions.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/movement.h"
#include "tests/files.h"
#include "tests/graph/analysis/oracle_facts.h"

using namespace crease;
using Json = nlohmann::json;

namespace {

Tensor normal(std::mt19937& random, std::vector<int64_t> sizes) {
  Tensor tensor(Type::f32, std::move(sizes));
  std::normal_distribution<double> distribution;
  for (int64_t i = 0; i < tensor.count(); ++i) tensor.set(i, std::round(distribution(random) * 64) / 64);
  return tensor;
}

Graph network(std::mt19937& random, const Op& activation) {
  Graph graph;
  Value h = reshape(graph.input("x", {2}), {1, 2});
  for (const int layer : {1, 2}) {
    const std::string name = std::to_string(layer);
    h = matmul(h, graph.parameter("w" + name, normal(random, {h.shape()[1].size(), 3})));
    h = activation(h + graph.parameter("b" + name, normal(random, {3})));
  }
  graph.output("y", matmul(h, graph.parameter("w3", normal(random, {3, 1}))));
  return graph;
}

}  // namespace

TEST_CASE("path norms of the oracle's networks, exactly") {
  const auto file = test::shared_file("oracles/analyses.json");
  if (!file) return;
  const Json oracle = test::read_oracle(*file);
  for (const Json& description : oracle["networks"]) {
    if (!description["expected"].contains("path_norm")) continue;
    CAPTURE(description["id"].get<std::string>());
    const test::OracleNetwork built = test::build_network(description);
    for (const auto& failure : test::check_path_norm(built, description["expected"]["path_norm"]))
      FAIL_CHECK(failure);
  }
}

TEST_CASE("rounding upwards gives no less than the exact path norm, and hardly more") {
  std::mt19937 random(1);
  for (int round = 0; round < 20; ++round) {
    const Graph graph = network(random, relu);
    const PathNorm exact = path_norm(graph), rounded = path_norm(graph, {.exact_points = 0});
    REQUIRE(exact.exact_l1);
    CHECK_FALSE(rounded.exact_l1);
    CHECK(Rational::of(rounded.l1) >= *exact.exact_l1);
    CHECK(Rational::of(rounded.l2_squared) >= *exact.exact_l2_squared);
    CHECK(rounded.l1 <= exact.l1 * (1 + 1e-12));
  }
}

TEST_CASE("no exact Lipschitz constant exceeds the bound by paths") {
  std::mt19937 random(2);
  for (const Op& activation : {relu, hard_tanh, abs_op})
    for (int round = 0; round < 3; ++round) {
      const Graph graph = network(random, activation);
      const LipschitzBound bound = lipschitz_bound(graph);
      CAPTURE(bound.reason);
      REQUIRE(bound.exact);
      const auto exact = lipschitz(regions(graph));
      REQUIRE(exact);
      CHECK(*exact <= *bound.exact);
      CHECK(lipschitz_bound(graph, {.exact_points = 0}).bound >= bound.exact->to_double());
    }
}

TEST_CASE("rescaling a unit changes no path norm") {
  Graph before, after;
  for (const auto& [graph, factor] : {std::pair{&before, 1.0}, std::pair{&after, 8.0}}) {
    Tensor into(Type::f32, {1, 1}), out(Type::f32, {1, 1});
    into.set(0, 3 * factor);
    out.set(0, -5 / factor);
    const Value h = relu(matmul(graph->input("x", {1, 1}), graph->parameter("w", into)));
    graph->output("y", matmul(h, graph->parameter("v", out)));
  }
  CHECK(path_norm(before).exact_l1 == Rational(15));
  CHECK(path_norm(after).exact_l1 == Rational(15));
  CHECK(path_norm(before).exact_l2_squared == Rational(225));
}

TEST_CASE("what is no sum of paths is named") {
  Graph graph;
  const Value x = graph.input("x", {2});
  graph.output("y", tanh_op(x));
  CHECK(path_norm(graph).reason.find("tanh") != std::string::npos);
  CHECK(path_norm_findings(graph)[0].verdict == Verdict::Unknown);
  graph.clear_outputs();
  graph.output("z", x * relu(x));
  CHECK(lipschitz_bound(graph).reason.find("multiplies two values") != std::string::npos);
  graph.clear_outputs();
  graph.output("u", relu(x));
  CHECK(path_norm(graph, {.point_limit = 1}).reason.find("more than the limit") != std::string::npos);
}

TEST_CASE("irrational weights, such as those of batch normalisation, have bounds of both norms") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  const Value h = matmul(x, graph.parameter("w", Tensor::f32({2, 1}, {3, -1})));
  const Value deviation = sqrt_op(graph.parameter("variance", Tensor::f32({1}, {2})));
  graph.output("y", relu(h / deviation) * graph.parameter("scale", Tensor::f32({1}, {-5})));
  const double exact = 4 * 5 / std::sqrt(2.0);
  const LipschitzBound bound = lipschitz_bound(graph);
  REQUIRE_MESSAGE(bound.reason.empty(), bound.reason);
  CHECK_FALSE(bound.exact.has_value());
  CHECK(bound.bound >= exact * (1 - 0x1p-50));  // the test's own rounding
  CHECK(bound.bound <= exact * (1 + 0x1p-45));  // a dozen roundings upwards
  const PathNorm norm = path_norm(graph);
  REQUIRE_MESSAGE(norm.reason.empty(), norm.reason);
  CHECK(norm.l1 >= exact * (1 - 0x1p-50));
  CHECK(norm.l1 <= exact * (1 + 0x1p-45));
  CHECK(norm.l2_squared >= 10 * 25 / 2.0);
  CHECK(norm.l2_squared <= 10 * 25 / 2.0 * (1 + 0x1p-45));
}
