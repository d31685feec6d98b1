#include "graph/analysis/separability.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "graph/analysis/check.h"
#include "graph/analysis/separability_certificate.h"
#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "tests/files.h"
#include "tests/graph/analysis/mutants.h"
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

namespace {

/// XOR: labels 1 are not separable at x, and are at the relus h. A third class sits far off.
struct Xor {
  Graph graph;
  std::vector<std::vector<Rational>> points{{0, 0}, {1, 1}, {0, 1}, {1, 0}, {5, 5}};
  std::vector<int64_t> labels{0, 0, 1, 1, 7};
  std::vector<std::vector<Rational>> hidden{{0, 0}, {2, 1}, {1, 0}, {1, 0}, {10, 9}};

  Xor() {
    const Value sum =
        matmul(graph.input("x", {"batch", 2}), graph.parameter("w", Tensor::f32({2, 2}, {1, 1, 1, 1})));
    const Value h = relu(sum + graph.parameter("b", Tensor::f32({2}, {0, -1})));
    graph.set_name(h, "h");
    graph.output("y", h);
  }

  SeparableTensor at(NodeId node, const std::vector<std::vector<Rational>>& values) const {
    SeparableTensor tensor{node, {}};
    for (const int64_t label : {0, 1, 7}) {
      std::vector<LabelledPoint> labelled;
      for (size_t k = 0; k < values.size(); ++k) labelled.push_back({values[k], labels[k] == label ? 1 : -1});
      tensor.labels.push_back({label, separability(labelled)});
    }
    return tensor;
  }
};

Rational number(const Json& text) { return Rational::parse(text.get<std::string>()); }

/// Whether what a changed certificate claims is proved by what it says, by this file's own arithmetic.
bool holds(const Json& json, const Xor& given) {
  for (const auto& [node, verdicts] : json["claim"].items())
    for (const auto& [label, verdict] : verdicts.items()) {
      const Json& proof = json["proofs"][node][label];
      std::vector<LabelledPoint> points;
      for (size_t k = 0; k < json["points"].size(); ++k) {
        std::vector<Rational> x{number(json["points"][k][0]), number(json["points"][k][1])};
        const Rational sum = x[0] + x[1];
        if (node != "x") x = {std::max(sum, Rational(0)), std::max(sum - 1, Rational(0))};
        points.push_back({x, std::to_string(json["labels"][k].get<int64_t>()) == label ? 1 : -1});
      }
      std::vector<Rational> numbers;
      for (const Json& text : proof[verdict == "separable" ? "w" : "multipliers"])
        numbers.push_back(number(text));
      if (verdict == "separable" ? !separates({numbers, number(proof["b"])}, points)
                                 : !refutes(numbers, points))
        return false;
    }
  return !json["claim"].empty() && given.labels.size() == json["labels"].size();
}

}  // namespace

TEST_CASE("certificates of separability are checked, and changed ones hold or are refused") {
  const Xor given;
  const NodeId x = given.graph.inputs()[0], h = given.graph.outputs()[0].node;
  const Certificate certificate = separability_certificate(
      given.graph, given.points, given.labels, {given.at(x, given.points), given.at(h, given.hidden)});
  const CheckResult result = check(certificate, given.graph);
  CHECK_MESSAGE(result.accepted, result.reason);
  CHECK(result.reason.find("at x 1 of 3 labels") != std::string::npos);
  int refused = 0, accepted = 0;
  for (const test::Mutant& mutant : test::mutants(Json::parse(certificate.json))) {
    CAPTURE(mutant.change);
    const bool passes = check(mutant.json.dump(), given.graph).accepted;
    ++(passes ? accepted : refused);
    if (passes) CHECK(holds(mutant.json, given));
  }
  CHECK(refused > 4 * accepted);
}

TEST_CASE("hyperplanes and multipliers that prove nothing are refused with the reason") {
  const Xor given;
  const NodeId x = given.graph.inputs()[0];
  const auto reason = [&](const Separability& answer) {
    const Certificate certificate =
        separability_certificate(given.graph, given.points, given.labels, {{x, {{1, answer}}}});
    return check(certificate, given.graph).reason;
  };
  const auto says = [&](const Separability& answer, const char* part) {
    const std::string text = reason(answer);
    CHECK_MESSAGE(text.find(part) != std::string::npos, text);
  };
  says({Hyperplane{{1, 1}, 0}, {}}, "is not on its side");
  says({Hyperplane{{1}, 0}, {}}, "w has 1 numbers");
  says({{}, std::vector<Rational>{0, 0, 0, 0, 0}}, "all multipliers are 0");
  says({{}, std::vector<Rational>{1, 1, 1, 1}}, "4 multipliers for 5 points");
  says({{}, std::vector<Rational>{-1, -1, -1, -1, 0}}, "is negative");
  says({{}, std::vector<Rational>{1, 1, 1, 0, 0}}, "do not cancel");
  says({{}, std::vector<Rational>{1, 1, 1, 1, 0}}, "at x 0 of 1 labels");
}
