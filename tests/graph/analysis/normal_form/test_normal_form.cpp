#include "graph/analysis/normal_form/normal_form.h"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "graph/analysis/check.h"
#include "graph/analysis/normal_form/residue.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/lookup.h"
#include "graph/ops/reduction.h"
#include "tests/files.h"
#include "tests/graph/analysis/deep_network.h"
#include "tests/graph/analysis/oracle_network.h"

using namespace crease;
using nlohmann::json;

TEST_CASE(
    "normal forms of the oracle's networks: affine outputs, live relus and curvature are no worse than it "
    "says") {
  const auto file = test::shared_file("oracles/analyses.json");
  if (!file) return;
  const json oracle = test::read_oracle(file->string());
  int proved = 0;
  for (const json& description : oracle.at("networks")) {
    CAPTURE(description.at("id").get<std::string>());
    const Graph graph = test::build_network(description).graph;
    const json& expected = description.at("expected").at("class");
    for (const Finding& finding : normal_form_findings(graph)) {
      if (!finding.certificate) continue;
      const CheckResult result = check(*finding.certificate, graph);
      CHECK_MESSAGE(result.accepted, result.reason);
      ++proved;
    }
    if (expected.at("output_affine_by_crnf").is_null()) continue;
    const NormalForm normal = normal_form(graph);
    CHECK_LE(normal.live_relus(graph), expected.at("crnf_live_atoms").get<int64_t>());
    for (const Output& output : graph.outputs()) {
      const auto shapes = shapes_of(normal, output.node);
      const bool affine = std::ranges::all_of(
          shapes, [](FormShape shape) { return shape == FormShape::Affine || shape == FormShape::Constant; });
      CHECK_EQ(affine, expected.at("output_affine_by_crnf").at(output.name).get<bool>());
      const json& curvature = expected.at("crnf_output_curvature").at(output.name);
      REQUIRE_EQ(shapes.size(), curvature.size());
      for (size_t i = 0; i < shapes.size(); ++i)
        if (shapes[i] != FormShape::Constant && curvature[i] != "unknown")
          CHECK_EQ(to_string(shapes[i]), curvature[i].get<std::string>());
    }
  }
  CHECK(proved > 8);
}

TEST_CASE("an argmax behind a relu is not called affine, relu(z) - relu(-z) is") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 3});
  graph.output("where", argmax(relu(x), 1));
  graph.output("same", relu(x) - relu(-x));
  std::vector<std::string> affine;
  for (const Finding& finding : normal_form_findings(graph))
    if (finding.id == "affine") affine.push_back(finding.subject);
  CHECK(affine == std::vector<std::string>{"same"});
}

TEST_CASE("a table that is looked up is a leaf; an output that is an input is not said to lose relus") {
  Graph graph;
  const Value tokens = graph.input("tokens", {"batch", 2}, Type::i64);
  const Value table = graph.parameter("table", Tensor::f32({3, 2}, {1, 2, 3, 4, 5, 6}));
  graph.output("y", relu(gather(table, tokens)));
  CHECK(normal_form_findings(graph).empty());
  Graph same;
  same.output("y", same.input("x", {"batch", 2}));
  CHECK(normal_form_findings(same).empty());
}

TEST_CASE("forms of forty layers are made although their numbers have thousands of bits") {
  const Graph graph = test::deep_network(40, [](const Value& z) { return leaky_relu(0.25)(z); });
  const NormalForm normal = normal_form(graph);
  CHECK(normal.reason.empty());
  CHECK_EQ(normal.live_relus(graph), 160);
}

TEST_CASE("forms that take too much work are not made, and the report says so") {
  const Graph graph = test::deep_network(12, [](const Value& z) { return leaky_relu(0.25)(z); });
  CHECK_EQ(normal_form(graph).reason, "");
  const std::string reason = "too large: more than 2000 operations on rational numbers";
  CHECK_EQ(normal_form(graph, {.work_limit = 2000}).reason, reason);
  const Finding finding = normal_form_findings(graph, {.work_limit = 2000}).front();
  CHECK_EQ(finding.verdict, Verdict::Unknown);
  CHECK_EQ(finding.sentences.front(), "the normal form was not made: " + reason);
}

TEST_CASE("a sign that lines below two relus prove, one of which reads the other, has a certificate") {
  Graph graph;
  const Value x = graph.input("x", {1}, Type::f64), y = graph.input("y", {1}, Type::f64);
  const Value first = relu(x), second = relu(first + y);
  graph.output("out", relu(first + second - x * 0.5 - y * 0.5));  // >= first / 2 by slopes of 1/2
  const Finding finding = normal_form_findings(graph).front();
  CHECK_EQ(finding.sentences.front().substr(0, 27), "1 of 3 relus are not needed");
  REQUIRE(finding.certificate);
  const CheckResult judged = check(*finding.certificate, graph);
  CHECK_MESSAGE(judged.accepted, judged.reason);
}

TEST_CASE("numbers are counted as the time that they take: short ones once, beyond two words thrice") {
  const auto work = [](int layers) {
    const Graph graph = test::deep_network(layers, [](const Value& z) { return z; });
    int64_t enough = 1;
    while (!normal_form(graph, {.work_limit = enough}).reason.empty()) enough += enough / 16 + 1;
    return enough;
  };
  const int64_t four = work(4), eight = work(8), twelve = work(12);  // layers, of 25 bits or so each
  CHECK_GT(eight - four, four);
  CHECK_GT(twelve - eight, 2 * four);
  // Two layers of 784-256-128 without activation take three seconds.
  CHECK_GT(NormalFormOptions().work_limit, 784 * 256 * 128);
}

TEST_CASE("chains of maxima, which have no sums over loops, are counted") {
  Graph graph;
  Value h = graph.input("x", {1}, Type::f64);
  for (int layer = 0; layer < 20; ++layer) h = max(h * 0.7, h * -1.1 + 0.1);
  graph.output("y", h);
  CHECK_EQ(normal_form(graph).reason, "");
  CHECK_EQ(normal_form(graph, {.work_limit = 100}).reason,
           "too large: more than 100 operations on rational numbers");
}

TEST_CASE("of a network without activations nothing is left to find, and no form is made") {
  const Graph graph = test::deep_network(3, [](const Value& z) { return z; });
  CHECK(normal_form_findings(graph, {.point_limit = 1}).empty());
}

TEST_CASE("a line below a relu whose slope would be too long a fraction is not looked for") {
  Graph graph;
  const Value x = graph.input("x", {1}, Type::f64);
  Value long_multiple = x;
  for (int k = 0; k < 2600; ++k) long_multiple = long_multiple * (1 + std::ldexp(1.0, -52));
  graph.output("y", relu(relu(long_multiple) - x * 0.75));  // not negative with a slope of nearly 3/4
  CHECK_EQ(normal_form(graph).live_relus(graph), 2);
}

TEST_CASE("residues compute as rationals do, and tell their ratios") {
  const Rational a = Rational::parse("-355/113"), b = Rational::dyadic(-3, -200),
                 c = Rational::dyadic(5, 300);
  CHECK_EQ((Residue(a) * Residue(b)).value(), Residue(a * b).value());
  CHECK_EQ((Residue(a) - Residue(c)).value(), Residue(a - c).value());
  CHECK_EQ((Residue(a) * Residue(b).inverse()).value(), Residue(a / b).value());
  CHECK(Residue(0).is_zero());
  CHECK(Residue(0).inverse().is_zero());
  const Rational prime((int64_t{1} << 61) - 1);
  CHECK(Residue(prime).is_zero());
  CHECK(Residue(1 / prime).is_zero());
}

TEST_CASE("what a node without a form had begun is no unit of a proof") {
  // The first slope is 1/4, the second 1/3 and not rational in binary: the node is a leaf after all.
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  const Value slopes = graph.parameter("slopes", Tensor::f32({2}, {0.75, 1})) / 3.0;
  const Value mixed = prelu(x, slopes), rectified = relu(x);
  graph.output("y", sum(mixed, {1}) + sum(rectified * 2.0, {1}));
  for (const Finding& finding : normal_form_findings(graph)) {
    if (!finding.certificate) continue;
    const CheckResult result = check(*finding.certificate, graph);
    CHECK_MESSAGE(result.accepted, result.reason);
  }
}
