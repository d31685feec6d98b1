#include "graph/analysis/regions.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <random>

#include "graph/analysis/exact.h"
#include "graph/analysis/regions/segments.h"
#include "graph/error.h"
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

/// inputs -> width -> width -> 1, with relus and biases.
Graph random_network(std::mt19937& random, int64_t inputs, int64_t width) {
  Graph graph;
  Value h = reshape(graph.input("x", {inputs}), {1, inputs});
  for (const int layer : {1, 2}) {
    const std::string name = std::to_string(layer);
    h = matmul(h, graph.parameter("w" + name, normal(random, {h.shape()[1].size(), width})));
    h = relu(h + graph.parameter("b" + name, normal(random, {width})));
  }
  graph.output("y", matmul(h, graph.parameter("w3", normal(random, {width, 1}))));
  return graph;
}

AffineFunction plane(std::vector<Rational> slope, Rational offset) {
  return {std::move(slope), std::move(offset)};
}

}  // namespace

TEST_CASE("a linear program ends at its optimum, a ray or Farkas multipliers, and shows why") {
  const std::vector<LinearConstraint> square{{{1, 0}, 1}, {{-1, 0}, 1}, {{0, 1}, 1}, {{0, -1}, 1}};
  const LpResult best = maximise({2, 3}, square);
  CHECK(best.status == LpStatus::Optimal);
  CHECK(best.value == Rational(5));
  CHECK((best.x == Point{1, 1}));
  Rational bound;
  for (size_t i = 0; i < square.size(); ++i) bound += best.duals[i] * square[i].b;
  CHECK(bound == best.value);

  CHECK(maximise({1, 0}, {{{0, 1}, 1}}).status == LpStatus::Unbounded);
  const LpResult half = maximise({1, 1}, {{{1, -1}, 0}});
  CHECK(half.status == LpStatus::Unbounded);
  CHECK((half.ray[0] + half.ray[1]).sign() > 0);
  CHECK((half.ray[0] - half.ray[1]).sign() <= 0);

  const LpResult none = maximise({0}, {{{1}, -1}, {{-1}, -1}});  // x <= -1 and x >= 1
  CHECK(none.status == LpStatus::Infeasible);
  CHECK((none.duals[0] - none.duals[1]).is_zero());
  CHECK((-none.duals[0] - none.duals[1]).sign() < 0);
  CHECK_THROWS_AS(maximise({1, 2}, {{{1}, 0}}), Error);
}

TEST_CASE("random linear programs: feasible points, dual bounds and multipliers hold exactly") {
  std::mt19937 random(3);
  std::uniform_int_distribution<int> small(-4, 4);
  for (int round = 0; round < 300; ++round) {
    CAPTURE(round);
    const size_t n = 1 + static_cast<size_t>(round % 3), m = 2 + static_cast<size_t>(round % 7);
    std::vector<LinearConstraint> constraints(m);
    for (auto& [a, b] : constraints) {
      for (size_t j = 0; j < n; ++j) a.emplace_back(small(random), round % 2 == 0 ? 1 : 3 + 4 * (round % 5));
      b = small(random) + 1;
    }
    std::vector<Rational> c;
    for (size_t j = 0; j < n; ++j) c.emplace_back(small(random));
    const LpResult result = maximise(c, constraints);
    const bool infeasible = result.status == LpStatus::Infeasible;
    Rational bound;
    std::vector<Rational> combined(n, 0);
    for (size_t i = 0; i < m; ++i) {
      if (!infeasible) CHECK(plane(constraints[i].a, 0).at(result.x) <= constraints[i].b);
      if (result.status == LpStatus::Unbounded) {
        CHECK(plane(constraints[i].a, 0).at(result.ray).sign() <= 0);
        continue;
      }
      CHECK(result.duals[i].sign() >= 0);
      bound += result.duals[i] * constraints[i].b;
      for (size_t j = 0; j < n; ++j) combined[j] += result.duals[i] * constraints[i].a[j];
    }
    if (infeasible) {
      CHECK(combined == std::vector<Rational>(n, 0));
      CHECK(bound.sign() < 0);
    } else if (result.status == LpStatus::Optimal) {
      CHECK(combined == c);
      CHECK(bound == result.value);
      CHECK(plane(c, 0).at(result.x) == result.value);
    } else {
      CHECK(plane(c, 0).at(result.ray).sign() > 0);
    }
  }
}

TEST_CASE("regions, exact convexity, ranges and Lipschitz constants of the oracle's networks") {
  const auto file = test::shared_file("oracles/analyses.json");
  if (!file) return;
  const Json oracle = test::read_oracle(*file);
  for (const Json& description : oracle["networks"]) {
    CAPTURE(description["id"].get<std::string>());
    const test::OracleNetwork network = test::build_network(description);
    const Json& truth = description["expected"]["class"]["truth"];
    test::Failures failures;
    const auto add = [&](test::Failures more) { failures.insert(failures.end(), more.begin(), more.end()); };
    if (truth.contains("all_space")) add(test::check_region_truth(network, truth["all_space"]));
    if (truth.contains("box")) {
      Json box = Json::array();
      for (const Json& input : description["inputs"])
        for (const Json& side : description["box"][input["name"].get<std::string>()]) box.push_back(side);
      add(test::check_region_truth(network, truth["box"], box));
    }
    if (description["expected"].contains("region_upper_bound"))
      add(test::check_region_bound(network, description["expected"]["region_upper_bound"]));
    for (const std::string& failure : failures) FAIL_CHECK(failure);
  }
}

TEST_CASE("polygons and linear programs find the same regions of a box") {
  std::mt19937 random(5);
  for (int round = 0; round < 3; ++round) {
    const Graph graph = random_network(random, 2, 3);
    const Regions polygons = regions(graph, {.box = {{-1, 1}, {-1, 1}}});
    REQUIRE(polygons.complete);
    // The box as a third, thin axis would be: the same faces, without corners.
    Cell start = Cell::whole(2);
    const Cell box = Cell::box({{-1, 1}, {-1, 1}});
    for (const AffineFunction& face : box.faces()) start = start.part(face);
    InputSpace space = input_space(graph);
    space.start = start;
    const NodeId y = graph.outputs()[0].node;
    CHECK(static_cast<int64_t>(explore(graph, space, std::array{y}).cells.size()) ==
          polygons.activation_regions);
  }
}

TEST_CASE("a sampled point lies in a cell whose map gives the network's value and is the local map there") {
  std::mt19937 random(9);
  const Graph graph = random_network(random, 3, 3);
  const Regions found = regions(graph);
  REQUIRE(found.complete);
  const NodeId y = graph.outputs()[0].node, x = graph.inputs()[0];
  std::uniform_int_distribution<int> small(-200, 200);
  for (int sample = 0; sample < 20; ++sample) {
    const Point at{Rational(small(random), 64), Rational(small(random), 64), Rational(small(random), 64)};
    const Rational value = evaluate_exactly(graph, {{x, at}}, std::array{y})->at(y)[0];
    int inside = 0;
    for (const AffineCell& cell : found.cells) {
      if (!std::ranges::all_of(cell.cell.faces(),
                               [&](const AffineFunction& face) { return face.at(at).sign() >= 0; }))
        continue;
      ++inside;
      CHECK(cell.values.at(y)[0].at(at) == value);
    }
    CHECK(inside >= 1);
    const auto local = local_map(graph, at);
    REQUIRE(local);
    CHECK(local->outputs[0].at(at) == value);
  }
}

TEST_CASE("the nearest facet of relu(x - 3) seen from 1 is 2 away, and 3 itself is on it") {
  Graph graph;
  graph.output("y", relu(graph.input("x", {1}) - 3));
  const auto local = local_map(graph, {1});
  REQUIRE(local);
  CHECK(local->squared_distance == Rational(4));
  CHECK(local->outputs[0].is_constant());
  CHECK_FALSE(local->on_crease);
  CHECK(local_map(graph, {3})->on_crease);
}

TEST_CASE("regions along a segment are those that the segment passes") {
  Graph graph;
  const Value x = graph.input("x", {2});
  graph.output("y", relu(x) + relu(-x));
  CHECK(regions_along(graph, {-1, -2}, {1, 1}) == 3);
  CHECK(regions_along(graph, {1, 1}, {2, 3}) == 1);
  graph.output("z", tanh_op(x));
  CHECK_FALSE(regions_along(graph, {1, 1}, {2, 3}));
}

TEST_CASE("a network that has too many inputs or cells says so instead of a number") {
  std::mt19937 random(2);
  CHECK(regions(random_network(random, 5, 2)).reason == "5 input elements, want 1 to 4");
  const Graph graph = random_network(random, 2, 8);
  const Regions few = regions(graph, {.cell_limit = 10});
  CHECK(few.reason == "more than 10 cells");
  CHECK(few.out_of_budget);
  const Regions all = regions(graph), hasty = regions(graph, {.work_limit = 3000});
  CHECK(hasty.reason == "more than 3000 operations on rational numbers");
  for (const Regions& some : {few, hasty}) {
    CHECK_FALSE(some.complete);
    CHECK_GT(some.activation_regions, 0);
    CHECK_LT(some.activation_regions, all.activation_regions);
  }
}

TEST_CASE("what follows from the cells has a limit of work of its own") {
  std::mt19937 random(2);
  Graph graph = random_network(random, 3, 3);
  const Value ends = relu(graph.result("y"));
  for (int k = 0; k < 40; ++k) graph.output(fmt::format("y{}", k), ends);  // the least value of each
  const Regions all = regions(graph);
  REQUIRE(all.complete);
  const int64_t work = explore(graph, input_space(graph), std::array{ends.id()}).work;
  const Regions hasty = regions(graph, {.work_limit = work + 1});
  CHECK_FALSE(hasty.complete);
  CHECK(hasty.out_of_budget);
  CHECK_EQ(hasty.reason, fmt::format("more than {} operations on rational numbers", work + 1));
  CHECK_EQ(hasty.activation_regions, all.activation_regions);
  CHECK(hasty.cells.empty());
}

TEST_CASE("sums of rectifiers with weights of one sign are convex or concave, and with both neither") {
  std::mt19937 random(8);
  for (const int sign : {1, -1, 0}) {
    CAPTURE(sign);
    Graph graph;
    const Value x = graph.input("x", {"batch", 3});
    Tensor last = normal(random, {5, 1});
    for (int64_t i = 0; i < 5; ++i)
      last.set(i, (sign != 0 ? sign : i % 2 == 0 ? 1 : -1) * (std::abs(last.at(i)) + 1));
    const Value h = relu(matmul(x, graph.parameter("w", normal(random, {3, 5}))) +
                         graph.parameter("b", normal(random, {5})));
    graph.output("y", matmul(h, graph.parameter("v", last)));
    const Regions found = regions(graph);
    REQUIRE(found.complete);
    CHECK_EQ(found.activation_regions, 26);  // 1 + 5 + 10 + 10, in general position
    CHECK_EQ(found.outputs[0].convex, sign == 1);
    CHECK_EQ(found.outputs[0].concave, sign == -1);
  }
}

TEST_CASE("the bound by widths is never below the count") {
  std::mt19937 random(4);
  for (int round = 0; round < 5; ++round) {
    const Graph graph = random_network(random, 2, 4);
    const auto bound = region_bound(graph);
    REQUIRE(bound);
    CHECK(Rational(regions(graph, {.box = {{-4, 4}, {-4, 4}}}).activation_regions) <= bound->serra);
    CHECK(bound->serra <= bound->montufar);
  }
}

TEST_CASE("regions between points and the map at the first are reported, with the nearest facet") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 8});
  const Value w = graph.parameter("w", Tensor::f32({8, 1}, {1, 0, 0, 0, 0, 0, 0, 0}));
  const Value z = matmul(x, w);
  graph.output("y", relu(z) + relu(z - 2.0));  // kinks at x[0] = 0 and x[0] = 2
  Point from(8, Rational(0)), to = from;
  from[0] = -1;
  to[0] = 5;
  const auto findings = segment_findings(graph, {from, to, from}, "samples");
  REQUIRE_EQ(findings.size(), 1);
  const Json evidence = Json::parse(findings[0].evidence);
  CHECK(evidence["segments"] == Json({3, 3}));
  CHECK(evidence["local_map"]["nearest_facet"]["squared_distance"] == "1");
  CHECK(evidence["local_map"]["outputs"][0]["slope"][0] == 0);
  CHECK(findings[0].verdict == Verdict::Proved);
  const Json above = Json::parse(segment_findings(graph, {to}, "samples")[0].evidence);
  CHECK(above["local_map"]["outputs"][0]["slope"][0] == 2);
  CHECK(above["local_map"]["outputs"][0]["offset"] == -2);
  CHECK(above["local_map"]["nearest_facet"]["squared_distance"] == "9");
  const auto small = segment_findings(graph, {from, to}, "samples", {.points = 1, .map_points = 1});
  CHECK(small[0].verdict == Verdict::Unknown);
  CHECK(segment_findings(graph, {}, "samples").empty());
  graph.output("root", relu(z * sqrt_op(graph.parameter("v", Tensor::f32({1}, {2})))));
  CHECK(segment_findings(graph, {from, to}, "samples")[0].sentences[0].ends_with("samples"));
}

namespace {

/// x -> 2 x, with a jump of -1 at 1/2, again and again.
Graph doubled(int times, const Shape& shape) {
  Graph graph;
  Value x = graph.input("x", shape);
  for (int k = 0; k < times; ++k) x = where(x > graph.constant(0.5), 2.0 * x - 1.0, 2.0 * x);
  graph.output("y", x);
  return graph;
}

}  // namespace

TEST_CASE("a line through a map with a jump passes 2^n regions, and says so where they are too many") {
  CHECK(regions_along(doubled(6, {}), {0}, {1}) == 64);
  const Graph graph = doubled(40, {});
  const SegmentRegions few = segment_regions(graph, {0}, {1}, {.work = 20'000}),
                       more = segment_regions(graph, {0}, {1}, {.work = 200'000});
  for (const SegmentRegions& found : {few, more}) {
    CHECK_FALSE(found.complete);
    CHECK(found.out_of_budget);
    CHECK_GT(found.count, 0);
  }
  CHECK(few.reason == "more than 20000 operations on rational numbers");
  CHECK_GT(more.count, few.count);
  CHECK_LT(few.work, 40'000);
}

TEST_CASE("the lines of a report share one budget") {
  const std::vector<Point> points{{0}, {1}, {0}, {1}, {0}};
  const auto findings = segment_findings(doubled(60, {}), points, "samples", {.work = 100'000});
  REQUIRE_EQ(findings.size(), 1);
  const Json evidence = Json::parse(findings[0].evidence);
  CHECK(evidence["segments"] == Json({nullptr, nullptr, nullptr, nullptr}));
  for (const Json& count : evidence["segments_at_least"]) CHECK_GT(count.get<int64_t>(), 0);
  CHECK(findings[0].sentences[0].find("at least") != std::string::npos);
  CHECK(findings[0].sentences[0].find("not counted further: more than") != std::string::npos);
}

TEST_CASE("an iterated map has a finding, whatever its depth and shape") {
  for (const int times : {10, 40, 200})
    for (const Shape& shape : {Shape{}, Shape{"batch", 2}}) {
      const auto findings = region_findings(doubled(times, shape), 50);
      REQUIRE_EQ(findings.size(), 1);
      CHECK(findings[0].sentences[0].find("not counted further: more than 50 cells") != std::string::npos);
    }
}

TEST_CASE("an activation that is flat on no side keeps all dimensions for the layers behind it") {
  Graph graph;
  graph.output("y", abs(abs(graph.input("x", {"batch", 1})) - 1.0));
  const auto bound = region_bound(graph);
  REQUIRE(bound);
  CHECK(Rational(regions(graph).activation_regions) <= bound->serra);
}

TEST_CASE("the range of a function that jumps is that of its pieces alone") {
  Graph graph;
  graph.output("y", 1.0 - abs(crease::sign(graph.input("x", {"batch", 1}))));
  const std::vector<std::string> sentences = region_findings(graph).front().sentences;
  CHECK(std::ranges::find(sentences, "y[0] in [0, 0] inside of the pieces; it may jump between") !=
        sentences.end());
}
