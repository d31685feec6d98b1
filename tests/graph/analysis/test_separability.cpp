#include "graph/analysis/separability.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "tests/files.h"
#include "tests/graph/analysis/oracle_facts.h"

using namespace crease;
using Json = nlohmann::json;

TEST_CASE("XOR is not separable at the input, and is behind the relus of the oracle's network") {
  const auto file = test::shared_file("oracles/analyses.json");
  if (!file) return;
  const Json oracle = test::read_oracle(*file);
  for (const Json& description : oracle["networks"]) {
    const Json& expected = description["expected"];
    if (!expected.contains("extra") || !expected["extra"].contains("labels")) continue;
    const test::OracleNetwork network = test::build_network(description);
    Json tensors = expected["extra"];
    tensors.erase("labels");
    for (const auto& failure :
         test::check_separable(network, description["data"], expected["extra"]["labels"], tensors))
      FAIL_CHECK(failure);
  }
}

TEST_CASE("every answer about random points is shown by a hyperplane or by multipliers") {
  std::mt19937 random(1);
  std::uniform_int_distribution<int> small(-9, 9);
  int separable = 0, inseparable = 0;
  for (int round = 0; round < 60; ++round) {
    std::vector<LabelledPoint> points;
    for (int k = 0; k < 4 + round % 5; ++k)
      points.push_back({{Rational(small(random)), Rational(small(random), 3)}, k % 2 == 0 ? 1 : -1});
    const Separability found = separability(points, {.perceptron_epochs = round % 2 * 50});
    CHECK(found.plane.has_value() != found.multipliers.has_value());
    if (found.plane) CHECK(separates(*found.plane, points));
    if (found.multipliers) CHECK(refutes(*found.multipliers, points));
    ++(found.plane ? separable : inseparable);
  }
  CHECK(separable > 5);
  CHECK(inseparable > 5);
}

TEST_CASE("changed hyperplanes and multipliers are refused") {
  const std::vector<LabelledPoint> line{{{0}, -1}, {{1}, 1}}, mixed{{{0}, 1}, {{1}, -1}, {{2}, 1}};
  CHECK(separates({{2}, -1}, line));
  CHECK_FALSE(separates({{2}, -2}, line));  // the second point lies on it
  CHECK_FALSE(separates({{-2}, 1}, line));
  const std::vector<Rational> good{Rational(1, 4), Rational(1, 2), Rational(1, 4)};
  CHECK(refutes(good, mixed));
  CHECK_FALSE(refutes({Rational(1, 4), Rational(1, 4), Rational(1, 2)}, mixed));
  CHECK_FALSE(refutes({0, 0, 0}, mixed));
  CHECK_FALSE(refutes({-1, -2, -1}, mixed));
  CHECK_FALSE(refutes({1, 1}, mixed));
}

TEST_CASE("a large set that the perceptron does not part is unknown, not refused") {
  std::vector<LabelledPoint> points;
  for (int k = 0; k < 100; ++k) points.push_back({{Rational(k)}, k % 2 == 0 ? 1 : -1});
  const Separability found = separability(points, {.perceptron_epochs = 5, .lp_entries = 10});
  CHECK_FALSE(found.plane);
  CHECK_FALSE(found.multipliers);
}

TEST_CASE("labels and lengths that cannot be are errors") {
  CHECK_THROWS_WITH_AS(separability({}), "[separability] no points", Error);
  CHECK_THROWS_AS(separability({{{1}, 2}}), Error);
  CHECK_THROWS_AS(separability({{{1}, 1}, {{1, 2}, -1}}), Error);
}

TEST_CASE("points are taken at any tensor of a network") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  const Value h = relu(x);
  graph.output("y", h);
  Tensor samples(Type::f32, {2, 2});
  samples.set(0, -1);
  samples.set(3, 3);
  const auto points = labelled_points(h, "x", samples, {-1, 1});
  REQUIRE(points.size() == 2);
  CHECK((points[0].x == std::vector<Rational>{0, 0}));
  CHECK((points[1].x == std::vector<Rational>{0, 3}));
  CHECK(separability_finding("h", points).verdict == Verdict::Proved);
  CHECK_THROWS_AS(labelled_points(h, "x", samples, {1}), Error);
}
