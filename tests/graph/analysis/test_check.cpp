#include "graph/analysis/check.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "graph/analysis/certificate.h"
#include "graph/analysis/digest.h"
#include "graph/analysis/exact.h"
#include "graph/analysis/linearity.h"
#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/reduction.h"
#include "tests/graph/analysis/random_affine.h"

using namespace crease;
using Json = nlohmann::json;

namespace {

/// x -> relu? -> two layers, with biases; the hidden layer is named.
Graph two_layers(bool with_relu) {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  Value h = matmul(x, graph.parameter("w1", Tensor::f32({2, 3}, {1, -1, 0.5f, 2, 1, 0}))) +
            graph.parameter("b1", Tensor::f32({3}, {1, -1, 0.25f}));
  graph.set_name(h, "h");
  if (with_relu) h = relu(h);
  const Value y = matmul(h, graph.parameter("w2", Tensor::f32({3, 2}, {2, -1, 0, 3, 1, 4}))) +
                  graph.parameter("b2", Tensor::f32({2}, {0.5f, -2}));
  graph.output("y", y);
  return graph;
}

Json collapse_certificate(const Graph& graph) {
  const Linearity facts = linearity(graph);
  const auto form = affine_form(graph, facts, graph.result("y").id());
  REQUIRE(form.form);
  return Json::parse(affine_certificate(graph, *form.form).json);
}

std::string refusal(const Json& certificate, const Graph& graph) {
  const CheckResult result = check(certificate.dump(), graph);
  CHECK_FALSE(result.accepted);
  return result.reason;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("sha-256 of the standard's examples") {
  CHECK(sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256(std::string(1'000'000, 'a')) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("the digest changes with every weight, shape and body, and not with a name of an inner node") {
  const Graph graph = two_layers(false);
  Graph other = two_layers(false);
  CHECK(digest(graph) == digest(other));
  other.set_name(other.result("y"), "renamed");
  CHECK(digest(graph) == digest(other));
  other.set_parameter("b2", Tensor::f32({2}, {0.5f, -2.0000002f}));
  CHECK(digest(graph) != digest(other));
  CHECK(digest(graph) != digest(two_layers(true)));
}

TEST_CASE("an affine collapse is proved by its certificate, in the oracle's form") {
  const Graph graph = two_layers(false);
  const Json certificate = collapse_certificate(graph);
  CHECK(check(certificate.dump(), graph).accepted);
  CHECK(certificate["cert"] == "graph-cert/1");
  CHECK(certificate["claim"]["W"]["x"] == Json::parse(R"([["5/2", "4"], ["-2", "1"]])"));
  CHECK(certificate["claim"]["b"] == Json::parse(R"(["11/4", "-5"])"));
  CHECK(certificate["claim"]["frontier"] == Json::parse(R"(["x"])"));
}

TEST_CASE("every tampered collapse certificate is refused, with the reason") {
  const Graph graph = two_layers(false);
  const Json good = collapse_certificate(graph);
  Json bad = good;
  bad["claim"]["b"][0] = "11/4000";
  CHECK(contains(refusal(bad, graph), "b[0] is 11/4"));
  bad = good;
  bad["claim"]["W"]["x"][1][0] = "2";
  CHECK(contains(refusal(bad, graph), "at [1, 0] is -2"));
  bad = good;
  bad["graph"] = std::string(64, '0');
  CHECK(contains(refusal(bad, graph), "another graph"));
  for (size_t k = 0; k < good["steps"].size(); ++k) {
    bad = good;
    bad["steps"].erase(k);
    CHECK(contains(refusal(bad, graph), "no step"));
  }
  bad = good;
  std::swap(bad["steps"][0], bad["steps"][1]);
  refusal(bad, graph);
  bad = good;
  bad["steps"].push_back(good["steps"][0]);
  CHECK(contains(refusal(bad, graph), "two steps"));
  bad = good;
  bad["claim"]["frontier"] = Json::array({"h"});
  refusal(bad, graph);
  bad = good;
  bad["claim"]["W"]["x"][0].push_back("0");
  CHECK(contains(refusal(bad, graph), "columns"));
  bad = good;
  bad["claim"]["W"]["x"].push_back(good["claim"]["W"]["x"][0]);
  CHECK(contains(refusal(bad, graph), "rows"));
  bad = good;
  bad["claim"]["b"].push_back("0");
  CHECK(contains(refusal(bad, graph), "size"));
  bad = good;
  bad["claim"]["sink"] = "nobody";
  CHECK(contains(refusal(bad, graph), "no such node"));
  bad = good;
  bad["steps"][0]["rule"] = "MAGIC";
  CHECK(contains(refusal(bad, graph), "not known"));
  bad = good;
  bad["cert"] = "graph-cert/9";
  refusal(bad, graph);
  bad = good;
  bad["kind"] = "miracle";
  CHECK(contains(refusal(bad, graph), "'miracle' is not known"));
  bad = good;
  bad.erase("claim");
  CHECK(contains(refusal(bad, graph), "'claim' is missing"));
  CHECK_FALSE(check("{", graph).accepted);
  CHECK_FALSE(check("[]", graph).accepted);
}

TEST_CASE("a collapse names each node of its frontier once, by its own name") {
  Graph graph;
  const Value x1 = graph.input("x1", {"batch", 1}), x2 = graph.input("x2", {"batch", 1});
  graph.output("y", x1 + x2);
  Json certificate =
      Json::parse(R"({"cert": "graph-cert/1", "kind": "affine-collapse", "semantics": "real", "box": {},
      "claim": {"sink": "y", "frontier": ["x1", "x2"], "b": ["0"]}, "steps": [{"rule": "AFFINE", "node": "y"}]})");
  certificate["graph"] = digest(graph);
  certificate["claim"]["W"] = Json::parse(R"({"x1": [["1"]], "x2": [["1"]]})");
  CHECK(check(certificate.dump(), graph).accepted);
  certificate["claim"]["W"] = Json::parse(R"({"x1": [["1"]], "x2": [["2"]]})");
  CHECK(contains(refusal(certificate, graph), "is 1, the certificate claims 2"));
  certificate["claim"]["W"] = Json::parse(R"({"x1": [["1"]], "%0": [["1"]]})");
  CHECK_EQ(refusal(certificate, graph), "'%0' is another name of 'x1'");
}

TEST_CASE("a collapse over a relu is refused even if the numbers would fit on some inputs") {
  const Graph graph = two_layers(true);
  Json certificate = collapse_certificate(two_layers(false));
  certificate["graph"] = digest(graph);
  certificate["steps"] = Json::array();
  for (NodeId id = 0; id < graph.size(); ++id)
    if (graph.node(id).role == Role::Apply)
      certificate["steps"].push_back({{"rule", "AFFINE"}, {"node", node_key(graph, id)}});
  CHECK(contains(refusal(certificate, graph), "max is not affine"));
}

TEST_CASE("a collapse over the batch is refused: one sample does not stand for all") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 1});
  graph.output("y", sum(x, {0}));
  Json certificate = {
      {"cert", "graph-cert/1"}, {"kind", "affine-collapse"}, {"graph", digest(graph)}, {"semantics", "real"}};
  certificate["claim"] = {
      {"sink", "y"}, {"frontier", {"x"}}, {"W", {{"x", Json::parse(R"([["1"]])")}}}, {"b", {"0"}}};
  certificate["steps"] = Json::parse(R"([{"rule": "AFFINE", "node": "y"}])");
  CHECK(contains(refusal(certificate, graph), "combines over samples"));
}

TEST_CASE("what is proved of an output is told by the output's name, not by that of its layer") {
  for (const bool with_relu : {false, true}) {
    Graph graph = two_layers(with_relu);
    graph.set_name(graph.result("y"), "4");
    for (const Finding& finding : linearity_findings(graph)) {
      if (!finding.certificate) continue;
      const CheckResult result = check(*finding.certificate, graph);
      REQUIRE_MESSAGE(result.accepted, result.reason);
      CHECK_MESSAGE(result.reason.starts_with("y is "), result.reason);
    }
  }
}

TEST_CASE("a layer named by a number is written in quotes") {
  Graph graph = two_layers(true);
  graph.parameter("0", Tensor::scalar(Type::f32, 1));
  CHECK_EQ(spoken(graph, graph.find("0").id()), "'0'");
  CHECK_EQ(node_key(graph, graph.find("0").id()), "0");
  CHECK_EQ(spoken(graph, graph.find("b2").id()), "b2");
}

TEST_CASE("a witness against affine-ness is checked in every number") {
  const Graph graph = two_layers(true);
  const Finding finding = linearity_findings(graph).front();
  REQUIRE(finding.verdict == Verdict::Refuted);
  REQUIRE(finding.certificate);
  CHECK(check(*finding.certificate, graph).accepted);
  const Json good = Json::parse(finding.certificate->json);
  for (const char* name : {"f_a", "f_b", "f_mid", "defect"}) {
    Json bad = good;
    bad["witness"][name] = "12345";
    refusal(bad, graph);
  }
  Json bad = good;
  bad["witness"]["mid"][0] = "12345";
  CHECK(contains(refusal(bad, graph), "not the middle"));
  bad = good;
  bad["witness"]["a"].push_back("0");
  refusal(bad, graph);
  // The same three points refute nothing about the network without its relu.
  const Graph affine = two_layers(false);
  bad = good;
  bad["graph"] = digest(affine);
  refusal(bad, affine);
}

TEST_CASE("a change of any single value in a certificate is refused") {
  for (const bool with_relu : {false, true}) {
    const Graph graph = two_layers(with_relu);
    const Json good = with_relu ? Json::parse(linearity_findings(graph).front().certificate->json)
                                : collapse_certificate(graph);
    REQUIRE(check(good.dump(), graph).accepted);
    const Json leaves = good.flatten();
    CHECK(leaves.size() > 15);
    for (const auto& [place, value] : leaves.items()) {
      CAPTURE(place);
      Json bad = good;
      bad[Json::json_pointer(place)] = value.is_string() ? Json("7/3") : Json(1);
      refusal(bad, graph);
      bad[Json::json_pointer(place)] = nullptr;
      refusal(bad, graph);
    }
  }
}

TEST_CASE("random affine graphs collapse exactly, checked by evaluation in rationals and by the checker") {
  for (uint32_t seed = 0; seed < 60; ++seed) {
    CAPTURE(seed);
    const Graph graph = test::random_affine_graph(seed);
    const Linearity facts = linearity(graph);
    const NodeId y = graph.result("y").id(), x = graph.find("x").id();
    const FormOrReason result = affine_form(graph, facts, y);
    CAPTURE(result.reason);
    REQUIRE(result.form);
    const AffineForm& form = *result.form;
    REQUIRE(form.frontier == std::vector<NodeId>{x});
    const ExactValues point{Rational(3, 7), Rational(-2), Rational(5, 11), Rational(1, 1024)};
    const auto values = evaluate_exactly(graph, {{x, point}}, std::span(&y, 1));
    REQUIRE(values);
    for (int64_t o = 0; o < 3; ++o) {
      Rational sum = form.offset[static_cast<size_t>(o)];
      for (int64_t i = 0; i < 4; ++i) sum += form.weights[0].at(i, o) * point[static_cast<size_t>(i)];
      CHECK(values->at(y)[static_cast<size_t>(o)] == sum);
    }
    Json certificate = Json::parse(affine_certificate(graph, form).json);
    const CheckResult accepted = check(certificate.dump(), graph);
    CAPTURE(accepted.reason);
    CHECK(accepted.accepted);
    certificate["claim"]["W"]["x"][1][2] = "355/113";
    CHECK_FALSE(check(certificate.dump(), graph).accepted);
  }
}

TEST_CASE("a large matrix is claimed by its digest") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 300});
  Tensor w(Type::f32, {300, 2}), v(Type::f32, {2, 300});
  for (int64_t i = 0; i < w.count(); ++i) w.set(i, static_cast<double>(i % 7) - 3);
  for (int64_t i = 0; i < v.count(); ++i) v.set(i, static_cast<double>(i % 5) / 4 - 1);
  graph.output("y", matmul(matmul(x, graph.parameter("w", w)), graph.parameter("v", v)));
  Json certificate = collapse_certificate(graph);
  CHECK(certificate["claim"]["W"]["x"].contains("sha256"));
  CHECK(certificate.dump().size() < 20'000);
  CHECK(check(certificate.dump(), graph).accepted);
  certificate["claim"]["W"]["x"]["sha256"] = std::string(64, '0');
  CHECK(contains(refusal(certificate, graph), "another digest"));
}

TEST_CASE("a proof of an interval holds no other, however deep") {
  Graph graph;
  const Value h = relu(graph.input("x", {"batch", 1}));
  graph.output("h", h);
  const auto certificate = [&](int depth) {
    std::string text =
        R"({"cert":"graph-cert/1","kind":"unit-verdicts","semantics":"real","graph":")" + digest(graph) +
        R"(","claim":{"units":{"h[0]":"ATOM"}},"steps":[{"rule":"RELU","node":"h","elements":[)";
    const std::string proof = R"({"eliminate":[],"upper":{},"lower":{}})";
    for (int i = 0; i < depth; ++i)
      text += R"({"l":"-inf","u":"inf","lower_proof":)" + proof + R"(,"upper_proof":)" + proof + R"(,"is":)";
    return text + R"("ATOM")" + std::string(static_cast<size_t>(depth), '}') + "]}]}";
  };
  CHECK(check(certificate(1), graph).accepted);
  for (const int depth : {2, 20'000})
    CHECK(contains(check(certificate(depth), graph).reason, "a proof of an interval holds another"));
}
