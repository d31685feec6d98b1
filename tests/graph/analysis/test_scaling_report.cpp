#include "graph/analysis/scaling_report.h"

#include <doctest/doctest.h>

#include "graph/analysis/check.h"
#include "graph/analysis/digest.h"
#include "graph/analysis/scaling.h"
#include "graph/analysis/scaling_certificate.h"
#include "graph/analysis/scaling_formula.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/lookup.h"
#include "tests/files.h"
#include "tests/graph/analysis/oracle_network.h"
#include "tests/graph/analysis/over_time.h"
#include "tests/graph/analysis/read_over_time.h"

using namespace crease;
using crease::test::over_time;
using nlohmann::json;

namespace {

Tensor ramp(std::vector<int64_t> sizes) {
  Tensor tensor(Type::f32, std::move(sizes));
  for (int64_t i = 0; i < tensor.count(); ++i) tensor.set(i, static_cast<double>(i % 7) - 2.5);
  return tensor;
}

/// Layers w1, b1, w2, b2, ... with an activation between them.
Graph layers(const std::vector<int64_t>& widths, const Op& activation) {
  Graph graph;
  Value y = graph.input("x", {"batch", widths[0]});
  for (size_t i = 1; i < widths.size(); ++i) {
    const auto number = std::to_string(i);
    y = matmul(y, graph.parameter("w" + number, ramp({widths[i - 1], widths[i]})));
    y = y + graph.parameter("b" + number, ramp({widths[i]}));
    if (i + 1 < widths.size()) y = activation(y);
    graph.set_name(y, (i + 1 < widths.size() ? "a" : "z") + number);
  }
  graph.output("y", y);
  return graph;
}

std::string formula_of(const Graph& graph) { return to_string(scaling_formula(graph), graph); }

bool is_said(const Finding& finding, const std::string& sentence) {
  return std::ranges::find(finding.sentences, sentence) != finding.sentences.end();
}

CheckResult check_changed(const Graph& graph, const std::function<void(json&)>& change) {
  json certificate = json::parse(rescaling_certificate(graph, scaling_group(graph)).json);
  change(certificate);
  return check(certificate.dump(), graph);
}

}  // namespace

TEST_CASE("the per-layer formula is the seed's, with the sign condition that it leaves out") {
  CHECK_EQ(formula_of(layers({2, 3, 2, 1}, relu)),
           "w1/a_1, b1/a_1, w2/a_2, b2/(a_1 a_2), w3/a_3, b3/(a_1 a_2 a_3): y -> y/(a_1 a_2 a_3)  "
           "(a_1 > 0, a_1 a_2 > 0); unchanged iff a_1 a_2 a_3 = 1");
  CHECK_EQ(
      formula_of(layers({2, 3, 2, 2, 2, 1}, relu)),
      "weight_i/a_i, bias_i/(a_1 ... a_i): y -> y/(a_1 ... a_5)  (a_1 ... a_i > 0 for i < 5); unchanged iff "
      "a_1 ... a_5 = 1");
  CHECK_EQ(formula_of(layers({2, 3, 1}, identity)),
           "w1/a_1, b1/a_1, w2/a_2, b2/(a_1 a_2): y -> y/(a_1 a_2); unchanged iff a_1 a_2 = 1");
}

TEST_CASE("a squared activation squares its factor in the formula") {
  CHECK_EQ(
      formula_of(layers({2, 3, 1}, squared_relu)),
      "w1/a_1, b1/a_1, w2/a_2, b2/(a_1^2 a_2): y -> y/(a_1^2 a_2)  (a_1 > 0); unchanged iff a_1^2 a_2 = 1");
}

TEST_CASE("the finding says what each neuron may do, and its certificate is accepted") {
  const Graph graph = layers({2, 3, 2, 1}, relu);
  const std::vector<Finding> findings = scaling_findings(graph);
  REQUIRE_EQ(findings.size(), 1u);
  const Finding& finding = findings[0];
  CHECK_EQ(finding.verdict, Verdict::Proved);
  CHECK_EQ(finding.sentences.front(), "5 positive degrees of freedom leave y unchanged");
  CHECK(is_said(finding, "per neuron  a1 [3]: w1[:,j]*k, b1[j]*k, w2[j,:]/k, k > 0"));
  CHECK(is_said(finding, "per neuron  a2 [2]: w2[:,j]*k, b2[j]*k, w3[j,:]/k, k > 0"));
  CHECK(is_said(finding, "signs       no flip was found"));
  REQUIRE(finding.certificate.has_value());
  const CheckResult result = check(*finding.certificate, graph);
  CHECK_MESSAGE(result.accepted, result.reason);
}

TEST_CASE("above the limit the finding says that it has no certificate") {
  const Finding finding = scaling_findings(layers({2, 3, 1}, relu), {.certificate_limit = 10}).front();
  CHECK_FALSE(finding.certificate.has_value());
  CHECK(is_said(finding, "certificate not made: 13 parameters, above the limit of 10"));
}

TEST_CASE("tanh leaves signs only, and nothing is claimed for the rest") {
  const Finding finding = scaling_findings(layers({2, 3, 1}, tanh_op)).front();
  CHECK_EQ(finding.verdict, Verdict::Unknown);
  CHECK_EQ(finding.sentences.front(), "no rescaling by channel was found that leaves y unchanged");
  CHECK(is_said(finding, "signs       2^3 flips leave y unchanged"));
  CHECK_FALSE(finding.certificate.has_value());  // of a group without directions there is nothing to check
}

TEST_CASE("beside a loop over time rescalings are found and certified, and its inside is left open") {
  const Graph graph = test::read_over_time(2);
  const Finding finding = scaling_findings(graph).front();
  CHECK_EQ(finding.sentences.front(), "3 positive degrees of freedom leave y unchanged");
  CHECK(is_said(finding, "loops       what a loop over time reads and computes is not looked at"));
  const CheckResult result = check(*finding.certificate, graph);
  CHECK_MESSAGE(result.accepted, result.reason);
}

TEST_CASE("the checker refuses a factor on what a loop over time reads") {
  const Graph graph = test::read_over_time(2);
  nlohmann::json certificate = nlohmann::json::parse(scaling_findings(graph).front().certificate->json);
  certificate["exponents"]["turn"] = {{"elements", nlohmann::json::array({{{0, "1"}}})}};
  const CheckResult result = check(certificate.dump(), graph);
  CHECK_FALSE(result.accepted);
  CHECK_MESSAGE(result.reason.ends_with("the loop over time reads what gets a factor"), result.reason);
}

TEST_CASE("certificates of all oracle networks are accepted by the independent checker") {
  const auto file = test::shared_file("oracles/analyses.json");
  if (!file) return;
  const json oracle = test::read_oracle(file->string());
  for (const auto& source : oracle.at("networks")) {
    CAPTURE(source.at("id").get<std::string>());
    const Graph graph = test::build_network(source).graph;
    const CheckResult result = check(rescaling_certificate(graph, scaling_group(graph)), graph);
    CHECK_MESSAGE(result.accepted, result.reason);
  }
}

TEST_CASE("the oracle's own rescaling certificates are judged as it says") {
  const auto networks = test::shared_file("oracles/analyses.json");
  const auto certificates = test::shared_file("oracles/certificates.json");
  if (!networks || !certificates) return;
  std::map<std::string, Graph> graphs;
  const json oracle = test::read_oracle(networks->string()),
             claims = test::read_oracle(certificates->string());
  for (const auto& source : oracle.at("networks"))
    graphs.emplace(source.at("id"), test::build_network(source).graph);
  int judged = 0;
  for (const auto& claim : claims.at("certs")) {
    json certificate = claim.at("cert");
    if (certificate.at("kind") != "rescaling-invariance") continue;
    CAPTURE(claim.at("name").get<std::string>());
    const Graph& graph = graphs.at(claim.at("network"));
    certificate["graph"] = digest(graph);  // the oracle's digest is of its own format
    const CheckResult result = check(certificate.dump(), graph);
    CHECK_MESSAGE(result.accepted == (claim.at("expect") == "accepted"), result.reason);
    ++judged;
  }
  CHECK_EQ(judged, 7);
}

TEST_CASE("tampered rescaling certificates are refused with the reason") {
  const Graph graph = layers({2, 3, 1}, relu);
  CHECK(check_changed(graph, [](json&) {}).accepted);
  const auto refused = [&](const std::function<void(json&)>& change, const char* reason) {
    const CheckResult result = check_changed(graph, change);
    CHECK_FALSE(result.accepted);
    CHECK_MESSAGE(result.reason.find(reason) != std::string::npos, result.reason);
  };
  refused([](json& c) { c["exponents"]["w1"][1][0][0][1] = "2"; }, "different factors");
  refused([](json& c) { c["exponents"].erase("w2"); }, "different factors");
  refused([](json& c) { c["exponents"].erase("b1"); }, "different factors");
  refused([](json& c) { c["dimension"] = 4; }, "dependent");
  refused([](json& c) { c["exponents"]["b1"][0].erase(0); }, "wrong number of exponents");
  refused([](json& c) { c["exponents"]["x"] = json::array(); }, "not a parameter");
  refused([](json& c) { c["graph"] = "00"; }, "another graph");
}

TEST_CASE("the checker refuses a group that moves the outputs") {
  const Graph graph = layers({2, 3, 1}, relu);
  const ScalingGroup group = scaling_group(graph, {.mode = ScalingMode::CommonOutputScale});
  const CheckResult result = check(rescaling_certificate(graph, group), graph);
  CHECK_FALSE(result.accepted);
  CHECK_EQ(result.reason, "output y gets a factor");
}

TEST_CASE("the checker refuses a factor that reaches a function which is not homogeneous") {
  const Graph relus = layers({2, 3, 1}, relu), tanhs = layers({2, 3, 1}, tanh_op);
  json certificate = json::parse(rescaling_certificate(relus, scaling_group(relus)).json);
  certificate["graph"] = digest(tanhs);
  const CheckResult result = check(certificate.dump(), tanhs);
  CHECK_FALSE(result.accepted);
  CHECK(result.reason.find("not homogeneous gets a factor") != std::string::npos);
}

TEST_CASE("the checker takes any row of a named dimension to be meant") {
  Graph graph;
  const Value y = over_time()(graph.input("x", {"batch", "time"}), graph.parameter("w", ramp({3})));
  graph.output("y", over_time()(relu(y), graph.parameter("v", ramp({3}))));
  CHECK(check_changed(graph, [](json&) {}).accepted);
  const CheckResult result = check_changed(graph, [](json& c) {
    c["dimension"] = 2;
    c["exponents"] = json::parse(R"({"w": {"elements": [[[0,"1"]],[],[[1,"1"]]]}})");
    c["independent"] = json::parse(R"([["w",0],["w",2]])");
  });
  CHECK_FALSE(result.accepted);
  CHECK(result.reason.find("different factors") != std::string::npos);
}

TEST_CASE("the checker counts no factors of a product that a lookup chooses") {
  static const Op chosen{.name = "chosen",
                         .doc = "",
                         .loops = "@1, k -> ",
                         .body = [](Scalar t, Scalar) { return t; },
                         .combine = Combine::Product};
  Graph graph;
  const Value rows = graph.constant(Tensor(Type::i32, {2}));  // row 0, twice
  graph.output("y", chosen(graph.parameter("w", ramp({2})), rows) * graph.input("x", {"batch", 1}));
  const CheckResult result = check_changed(graph, [](json& c) {
    c["dimension"] = 1;
    c["exponents"] = json::parse(R"({"w": {"elements": [[[0,"1"]],[[0,"-1"]]]}})");
    c["independent"] = json::parse(R"([["w",0]])");
  });
  CHECK_FALSE(result.accepted);
  CHECK(result.reason.find("gets a factor") != std::string::npos);
}

TEST_CASE("a rescaling names each parameter once, by its own name") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 1});
  const Value w = graph.parameter("w", ramp({1})), v = graph.parameter("v", ramp({1}));
  graph.output("y", x * w * v);
  const auto reason = [&](const char* basis) {
    const json certificate{{"cert", "graph-cert/1"},
                           {"kind", "rescaling-invariance"},
                           {"graph", digest(graph)},
                           {"semantics", "real"},
                           {"basis", json::parse(basis)}};
    return check(certificate.dump(), graph).reason;
  };
  CHECK_EQ(reason(R"([{"params": {"w": {"0": "1"}, "v": {"0": "-1"}}, "tensors": {}}])"),
           "a group of rescalings of dimension 1 leaves the outputs unchanged");
  CHECK_EQ(reason(R"([{"params": {"w": {"0": "1"}, "%1": {"0": "-1"}}, "tensors": {}}])"),
           "'%1' is another name of 'w'");
  CHECK_EQ(reason(R"([{"params": {"w": {"0": "1", "00": "-1"}}, "tensors": {}}])"),
           "element 00 is named twice");
}

TEST_CASE("a rescaling is claimed of a parameter that shares its name with another node") {
  Graph graph;
  const Value h = matmul(graph.input("x", {"batch", 2}), graph.parameter("w", ramp({2, 2})));
  graph.set_name(h, "w");
  graph.output("y", matmul(relu(h), graph.parameter("v", ramp({2, 1}))));
  const CheckResult result = check_changed(graph, [](json&) {});
  CHECK_MESSAGE(result.accepted, result.reason);
}

TEST_CASE("the checker takes any row of a looked-up table to be meant") {
  Graph graph;
  const Value index = graph.input("index", {"batch"}, Type::i32);
  const Value rows = gather(graph.parameter("table", ramp({5, 2})), index);
  graph.output("y", matmul(relu(rows), graph.parameter("w", ramp({2, 1}))));
  CHECK(check_changed(graph, [](json&) {}).accepted);
  const json one_row = json::parse(R"({"elements": [[[0,"1"]],[[1,"1"]],[],[],[],[],[],[],[],[]]})");
  CHECK_FALSE(check_changed(graph, [&](json& c) { c["exponents"]["table"] = one_row; }).accepted);
}
