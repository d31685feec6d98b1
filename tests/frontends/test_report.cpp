#include "frontends/report.h"

#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "autodiff/reverse.h"
#include "frontends/models.h"
#include "graph/analysis/check.h"
#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/reduction.h"

using namespace crease;
using nlohmann::json;

namespace {

Graph rectifiers() { return network(mlp({4, 3, 2}, relu, {.bias_init = uniform(-1, 1)}), 4); }
Graph linears() { return network(mlp({4, 3, 2}, identity, {.bias_init = uniform(-1, 1)}), 4); }

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("the report of a network without activations gives W', b' and rank, with checked certificate") {
  const Report report = analyze(linears(), {.title = "linear"});
  const std::string text = to_text(report);
  CHECK(has(text, "AFFINE        logits is affine in x, whatever the parameters are   [proved for all"));
  CHECK(has(text, "logits = W' x + b', exactly"));
  CHECK(has(text, "W' is 2 by 4 of rank 2"));
  CHECK(has(text, "W' = ["));
  CHECK(has(text, "b' = ["));
  CHECK(has(text, "certificate c1 checked"));
  CHECK_FALSE(has(text, "REFUSED"));
  CHECK_FALSE(has(text, "SATURATION"));
}

TEST_CASE("the report of a rectifier network refutes affine-ness and states group and saturation") {
  const std::string text = fmt::format("{}", analyze(rectifiers(), {.title = "digits"}));
  CHECK(has(text, "digits   x[4] -> linear 3 -> relu -> linear 2 = logits   23 parameters   digest "));
  CHECK(has(text, "AFFINE        logits is not affine in x"));
  CHECK(has(text, "RESCALING     3 positive degrees of freedom leave logits unchanged"));
  CHECK(has(text, "unchanged iff a_1 a_2 = 1"));
  CHECK(has(text, "SATURATION    relu: left hard, right none (one-sided)"));
  CHECK(has(text, "STRUCTURE     a chain of"));
  CHECK(has(text, "COST          "));
  CHECK_FALSE(has(text, "REFUSED"));
}

TEST_CASE("the text keeps to its number of lines and counts the rest") {
  const Report report = analyze(rectifiers());
  const std::string all = to_text(report, 0), cut = to_text(report, 5);
  CHECK_EQ(std::ranges::count(cut, '\n'), 4);
  CHECK(has(cut, "more lines"));
  CHECK_LE(std::ranges::count(all, '\n'), 39);
}

TEST_CASE("a text that is cut shows the first line of every section") {
  std::vector<int64_t> sizes(40, 3);
  const Report report = analyze(network(mlp(sizes, relu), 3));
  const std::string cut = to_text(report);
  CHECK_EQ(std::ranges::count(cut, '\n'), 39);
  for (const Finding& finding : report.findings)
    if (!finding.sentences.empty()) CHECK(has(cut, "\n" + std::string(finding.section)));
  CHECK(has(cut, "\nCOST"));
  const Report small = analyze(rectifiers());
  const std::string whole = to_text(small, 0);
  // One line less than with the empty lines between sections.
  const std::string fits = to_text(small, static_cast<int>(std::ranges::count(whole, '\n')));
  CHECK_FALSE(has(fits, "more line"));
  CHECK(has(fits, "\nCOST"));
}

TEST_CASE("JSON has findings with evidence, and certificates that the checker accepts") {
  const Report report = analyze(rectifiers());
  const json parsed = json::parse(to_json(report));
  CHECK_EQ(parsed.at("schema"), "graph-analysis/1");
  CHECK_EQ(parsed.at("graph"), report.digest);
  CHECK_EQ(parsed.at("cost").at("parameters"), 23);
  bool rescaling = false;
  for (const auto& finding : parsed.at("findings"))
    if (finding.at("id") == "rescaling") {
      rescaling = true;
      CHECK_EQ(finding.at("evidence").at("dimension"), 3);
      const json& certificate = parsed.at("certificates").at(finding.at("certificate").get<std::string>());
      CHECK(certificate.at("checked").get<bool>());
      CHECK(check(certificate.at("certificate").dump(), report.graph).accepted);
    }
  CHECK(rescaling);
  CHECK_EQ(parsed.at("nodes").size(), static_cast<size_t>(report.graph.size()));
}

TEST_CASE("the picture colours nodes by class and names the units on edges") {
  const std::string dot = to_dot(analyze(rectifiers()));
  CHECK(has(dot, "saturates left hard, right none"));
  CHECK(has(dot, "fillcolor=\"palegreen\""));
  CHECK(has(dot, "fillcolor=\"lightblue\""));
  CHECK(has(dot, "[label=\"s1..s3\"]"));
}

TEST_CASE("gradients and updates in the graph are not part of the network") {
  Graph graph = rectifiers();
  const Report before = analyze(graph);
  const Value weight = graph.find("0.weight");
  const Value loss = sum(graph.result("logits"));
  graph.update(weight, weight - grad(loss, weight) * 0.1);
  const Report after = analyze(graph);
  CHECK_EQ(after.digest, before.digest);
  CHECK_EQ(to_text(after), to_text(before));
}

TEST_CASE("long fractions are rounded in the text and exact in the evidence") {
  const Report report = analyze(rectifiers());
  CHECK(has(to_text(report), "about "));
  CHECK_FALSE(has(to_json(report), "about "));
}

TEST_CASE("names of digits are no fractions") {
  for (const std::string name : {"2024-01-01/02-03-04", "1234567890123/00", "1234567890123/45"}) {
    CAPTURE(name);
    Graph graph;
    graph.output(name, relu(graph.input("x", {2})));
    CHECK(has(to_text(analyze(graph)), name));
  }
}

TEST_CASE("a graph that names no output is analysed to the values that nothing reads") {
  const Graph named = rectifiers();
  Graph unnamed = named;
  unnamed.clear_outputs();
  const Report report = analyze(unnamed);
  REQUIRE_EQ(report.graph.outputs().size(), named.outputs().size());
  CHECK_EQ(report.graph.outputs().front().name, "result");
  CHECK_EQ(report.findings.size(), analyze(named).findings.size());
}

TEST_CASE("a graph without outputs cannot be analysed") {
  CHECK_THROWS_WITH_AS(analyze(Graph()), doctest::Contains("[analyze] the graph has no outputs"), Error);
}

TEST_CASE("options that mean nothing are refused, each with what was given and what is wanted") {
  const auto refused = [](const AnalyzeOptions& options, const char* message) {
    CAPTURE(message);
    CHECK_THROWS_WITH_AS(analyze(rectifiers(), options), doctest::Contains(message), Error);
  };
  refused({.sizes = {{"batch", -1}}}, "[analyze] sizes: got -1 for dimension 'batch', want at least 0");
  refused({.sizes = {{"B", 2}}}, "[analyze] sizes: no dimension is named 'B': the graph has batch");
  refused({.box = InputBox{.inputs = {{"y", {}}}}}, "[analyze] box: no input is named 'y': the graph has x");
  refused({.targets = {{1, -1}}}, "[analyze] targets: got least 1 and greatest -1, want least <= greatest");
  refused({.targets = {{NAN, 1}}}, "[analyze] targets: got least nan");
  refused({.regions = -1}, "[analyze] regions: got -1, want a number of linear pieces, or 0");
  Graph fixed;
  fixed.output("y", relu(fixed.input("x", {2})));
  CHECK_THROWS_WITH_AS(analyze(fixed, {.sizes = {{"B", 2}}}), doctest::Contains("the graph has none"), Error);
  CHECK_NOTHROW(analyze(rectifiers(), {.sizes = {{"batch", 0}}, .targets = {{1, 1}}}));
}

TEST_CASE("maps that are iterated 30 times have a report: every section ends, every certificate holds") {
  using Map = Value (*)(const Value&);
  const Map sawtooth = [](const Value& x) { return 2.0 * x - floor_op(2.0 * x); };
  const Map jump = [](const Value& x) { return 2.0 * x - step(x - 0.5); };
  const Map tent = [](const Value& x) { return min(2.0 * x, 2.0 - 2.0 * x); };
  const Map signs = [](const Value& x) { return sign(x) * 1.5 - x; };
  const Map newton = [](const Value& x) { return (x + 2.0 / x) * 0.5; };
  for (const Map& map : {sawtooth, jump, tent, signs, newton}) {
    Graph graph;
    Value x = graph.input("x", {});
    for (int k = 0; k < 30; ++k) x = map(x);
    graph.output("y", x);
    const Report report = analyze(graph, {.box = InputBox{Interval{0, 1}}});
    CHECK_FALSE(report.findings.empty());
    for (const CheckedCertificate& checked : report.certificates) CHECK(checked.accepted);
  }
}

TEST_CASE("a section whose exact numbers become too long says that it is undecided") {
  Graph graph;
  const Value x = graph.input("x", {3});
  Value constant = graph.constant(0.5);
  for (int k = 0; k < 60; ++k) constant = square(constant);  // 2^-(2^60)
  graph.output("y", relu(x * constant + 1.0) + relu(x + constant));
  const std::string text = to_text(analyze(graph));
  CHECK(has(text, "REGIONS       undecided: [rational] an exact number is too long"));
  CHECK(has(text, "SHAPE         y is convex"));
}

TEST_CASE("of parameters that are not finite the report says so first, and proves nothing at their values") {
  for (const double wrong : {std::nan(""), HUGE_VAL}) {
    Graph graph = rectifiers();
    Tensor weight = graph.find("0.weight").node().value;
    weight.set(5, wrong);
    graph.set_parameter("0.weight", weight);
    const Report report = analyze(graph, {.box = InputBox{Interval{-1, 1}}});
    const Finding& first = report.findings.front();
    CHECK_EQ(first.sentences.at(0),
             "not all are finite: 1 of 23 is infinite or nan, and nothing is proved at their values");
    CHECK(has(first.sentences.at(1), "0.weight: 1 of 12, the first is "));
    CHECK(has(first.sentences.at(1), " at element 5"));
    const std::string text = to_text(report, 0);
    CHECK(has(text, "PARAMETERS    not all are finite: 1 of 23"));
    CHECK_FALSE(has(text, "proved at these parameters;"));
    CHECK_FALSE(has(text, "[proved at these parameters"));
    CHECK_FALSE(has(text, "[proved on the box"));
    CHECK_FALSE(has(text, "no counterexample"));
    for (const CheckedCertificate& checked : report.certificates)
      CHECK(report.findings[checked.finding].level == Level::Structure);
  }
  CHECK_FALSE(has(to_text(analyze(rectifiers())), "PARAMETERS"));
}

TEST_CASE("on a box the regions of the box are counted") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 1}, Type::f64);
  graph.output("y", relu(x) + relu(x - 1.0) + relu(x - 2.0));
  const std::string all = to_text(analyze(graph), 0);
  CHECK(has(
      all,
      "REGIONS       4 activation regions, 4 linear regions, 4 distinct affine maps, exactly   [proved at"));
  const std::string some = to_text(analyze(graph, {.box = InputBox{Interval{0.5, 1.5}}}), 0);
  CHECK(has(
      some,
      "REGIONS       2 activation regions, 2 linear regions, 2 distinct affine maps, exactly   [proved on"));
  CHECK(has(some, "y[0] in [0.5, 2] exactly"));
  const std::string point = to_text(analyze(graph, {.box = InputBox{Interval{1, 1}}}), 0);
  CHECK(has(point, "REGIONS       4 activation regions"));
}

TEST_CASE("what is unknown has no certificate beside it") {
  Graph smooth = network(mlp({4, 3, 2}, tanh_op), 4), open = rectifiers();
  for (const Graph& graph : {smooth, open, linears()})
    for (const Finding& finding : analyze(graph, {.box = InputBox{Interval{-9, 9}}}).findings)
      CHECK_FALSE((finding.verdict == Verdict::Unknown && finding.certificate.has_value()));
}

TEST_CASE("what the normal form proves affine is not left open by the section before it") {
  Graph graph;
  const Value z = linear(2, 3)(graph.input("x", {"batch", 2}));
  graph.output("y", relu(z) - relu(-z));
  graph.output("other", relu(z));
  const std::string text = to_text(analyze(graph), 0);
  CHECK(has(text,
            "y in x: affine, though activations are on the way; the normal form has the proof   [proved at"));
  CHECK(has(text, "y is affine though it contains relus: in normal form they cancel   [proved at"));
  CHECK_FALSE(has(text, "y is not proved affine"));
  CHECK(has(text, "other is not affine in x"));
}

TEST_CASE("what one part of a section leaves undecided does not hide what the others prove") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  Value constant = graph.constant(0.5);
  for (int k = 0; k < 60; ++k) constant = square(constant);  // 2^-(2^60)
  const Value w = graph.parameter("w", Tensor::f32({2, 2}, {1, -1, 2, 1}));
  const Value v = graph.parameter("v", Tensor::f32({2, 1}, {1, 2}));
  graph.output("y", matmul(relu(matmul(x, w) * constant + constant), v));
  const std::string text = to_text(analyze(graph), 0);
  CHECK(has(text, "2! = 2 orders of the hidden units give the same outputs"));
  CHECK(has(text, "functional dimension undecided: [rational] an exact number is too long"));
  CHECK_FALSE(has(text, "RESCALING     undecided"));
}
