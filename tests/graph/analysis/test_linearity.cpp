#include "graph/analysis/linearity.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "graph/analysis/certificate.h"
#include "graph/analysis/check.h"
#include "graph/analysis/enclosed_witness.h"
#include "graph/analysis/exact.h"
#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"
#include "tests/files.h"
#include "tests/graph/analysis/mutants.h"
#include "tests/graph/analysis/oracle_network.h"

using namespace crease;
using Json = nlohmann::json;

namespace {

/// The oracle's name of a node; the builder reshapes some results before it names them.
std::string key(const test::OracleNetwork& network, NodeId id) {
  std::string reshaped;
  for (const auto& [name, value] : network.values) {
    if (value.id() == id) return name;
    const Node& node = value.node();
    if (node.role == Role::Apply && node.op->name == "reshape" && node.operands[0] == id) reshaped = name;
  }
  return reshaped;
}

/// Sinks that the oracle names too (the builder adds reshapes of its own).
std::set<std::string> named_sinks(const test::OracleNetwork& network, const Linearity& facts) {
  std::set<std::string> result;
  for (const NodeId sink : facts.sinks) result.insert(key(network, sink));
  result.erase("");
  return result;
}

void check_block(const Json& expected, const ExactMatrix& weights) {
  REQUIRE(static_cast<int64_t>(expected.size()) == weights.columns());
  for (int64_t o = 0; o < weights.columns(); ++o)
    for (int64_t i = 0; i < weights.rows(); ++i)
      CHECK(to_string(weights.at(i, o)) ==
            expected[static_cast<size_t>(o)][static_cast<size_t>(i)].get<std::string>());
}

void check_sink(const test::OracleNetwork& network, const Linearity& facts, const Json& expected,
                bool with_costs) {
  const NodeId sink = network.values.at(expected["sink"].get<std::string>()).id();
  const FormOrReason result = affine_form(network.graph, facts, sink);
  CAPTURE(result.reason);
  REQUIRE(result.form);
  const AffineForm& form = *result.form;
  REQUIRE(form.frontier.size() == expected["frontier"].size());
  for (size_t k = 0; k < form.frontier.size(); ++k) {
    const std::string name = key(network, form.frontier[k]);
    CAPTURE(name);
    REQUIRE(expected["blocks"].contains(name));
    check_block(expected["blocks"][name], form.weights[k]);
    CHECK(form.weights[k].rank(1 << 20) == expected["rank"][name].get<int64_t>());
  }
  REQUIRE(form.offset.size() == expected["bias"].size());
  for (size_t o = 0; o < form.offset.size(); ++o)
    CHECK(to_string(form.offset[o]) == expected["bias"][o].get<std::string>());
  CHECK(check(affine_certificate(network.graph, form), network.graph).accepted);
  if (!with_costs) return;
  const CollapseCost cost = collapse_cost(network.graph, facts, form);
  CHECK(cost.before == expected["mults_before"].get<int64_t>());
  CHECK(cost.owned == expected["mults_private"].get<int64_t>());
  CHECK(cost.dense == expected["mults_after_dense"].get<int64_t>());
  CHECK(cost.pays() == expected["worthwhile_dense"].get<bool>());
  if (!expected.contains("chain")) return;
  const auto chain = chain_plan(network.graph, facts, form);
  REQUIRE(chain);
  CHECK(chain->dims == expected["chain"]["dims"].get<std::vector<int64_t>>());
  CHECK(chain->multiplications == expected["chain"]["best_mults"].get<int64_t>());
  CHECK(chain->keep == expected["chain"]["keep_boundaries"].get<std::vector<size_t>>());
}

/// Degrees may be sharper than the oracle's rules, never contradict them.
void check_class(const test::OracleNetwork& network, const Linearity& facts, const Json& expected) {
  for (const auto& [name, node] : expected["nodes"].items()) {
    CAPTURE(name);
    const NodeId id = network.values.at(name).id();
    bool affine = true;
    for (const NodeId input : network.graph.inputs()) affine = affine && facts.degree(id, input) <= 1;
    const std::string known = node["structural"];
    if (known != "nonaffine") CHECK(affine);
    if (node["pwl"].get<bool>()) CHECK(facts.piecewise[static_cast<size_t>(id)] != Piecewise::Other);
  }
}

}  // namespace

TEST_CASE("collapse of the oracle's networks: matrices, ranks, costs and chains are exact") {
  const auto file = test::shared_file("oracles/analyses.json");
  if (!file) return;
  // The oracle counts a whole operation where ours is several nodes: batch norm, an average over one element,
  // attention, hard sigmoid. Operations made of several nodes also have sinks inside.
  const std::set<std::string> other_costs{"A06", "B05", "B06a", "B06b", "B12", "C07"};
  const std::set<std::string> other_sinks{"B06a", "B06b", "B09", "C07", "D02"};
  int sinks = 0;
  const Json oracle = test::read_oracle(*file);
  for (const Json& description : oracle["networks"]) {
    const std::string id = description["id"];
    CAPTURE(id);
    const test::OracleNetwork network = test::build_network(description);
    const Linearity facts = linearity(network.graph);
    const Json& expected = description["expected"];
    if (expected.contains("class")) check_class(network, facts, expected["class"]);
    if (!expected.contains("collapse")) continue;
    std::set<std::string> wanted;
    for (const Json& sink : expected["collapse"]) {
      const std::string name = sink["sink"];
      CAPTURE(name);
      wanted.insert(name);
      check_sink(network, facts, sink, !other_costs.contains(id));
      ++sinks;
    }
    if (!other_sinks.contains(id)) CHECK(named_sinks(network, facts) == wanted);
  }
  CHECK(sinks == 118);
}

TEST_CASE("findings of the oracle's networks never contradict the truth, and certificates pass the checker") {
  const auto file = test::shared_file("oracles/analyses.json");
  if (!file) return;
  int refuted = 0;
  const Json oracle = test::read_oracle(*file);
  for (const Json& description : oracle["networks"]) {
    const test::OracleNetwork network = test::build_network(description);
    for (const Finding& finding : linearity_findings(network.graph)) {
      CAPTURE(finding.subject);
      CHECK_FALSE(finding.sentences.empty());
      CHECK(Json::accept(finding.evidence));
      if (finding.certificate) CHECK(check(*finding.certificate, network.graph).accepted);
      refuted += finding.verdict == Verdict::Refuted ? 1 : 0;
    }
  }
  CHECK(refuted > 30);
}

TEST_CASE("relu(z) - relu(-z) is neither proved nor refuted by structure") {
  const auto file = test::shared_file("oracles/analyses.json");
  if (!file) return;
  const Json oracle = test::read_oracle(*file);
  for (const Json& description : oracle["networks"]) {
    if (description["id"] != "A07") continue;
    const test::OracleNetwork network = test::build_network(description);
    const Finding finding = linearity_findings(network.graph).front();
    CHECK(finding.id == "affine");
    CHECK(finding.verdict == Verdict::Unknown);
    CHECK(finding.sentences.back().find("normal form") != std::string::npos);
  }
}

TEST_CASE("a two-layer network without activation is affine in its input, multi-affine in its parameters") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 3});
  const Value w1 = graph.parameter("w1", Tensor(Type::f32, {3, 2})),
              w2 = graph.parameter("w2", Tensor(Type::f32, {2, 1}));
  const Value y = matmul(matmul(x, w1), w2);
  graph.output("y", y);
  graph.output("gate", y * y);
  graph.output("loss", mean(y));
  const Linearity facts = linearity(graph);
  for (const Value& variable : {x, w1, w2}) {
    CHECK(facts.degree(y.id(), variable.id()) == 1);
    CHECK(facts.degree(graph.result("gate").id(), variable.id()) == 2);
  }
  CHECK(facts.degree(graph.result("loss").id(), x.id()) == 1);
  CHECK_THROWS_AS(facts.degree(y.id(), y.id()), Error);
}

TEST_CASE("a mean over the batch is affine, but no map of one sample, and is reported so") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  const Value centered = x - mean(x, {0}, true);
  graph.output("y", matmul(centered, graph.parameter("w", Tensor::f32({2, 1}, {1, 2}))));
  const Linearity facts = linearity(graph);
  const NodeId y = graph.result("y").id();
  CHECK(facts.degree(y, x.id()) == 1);
  CHECK(facts.frontiers[static_cast<size_t>(y)].size() == 2);
  int mixing = 0;
  for (const Finding& finding : linearity_findings(graph)) mixing += finding.id == "mixes-samples" ? 1 : 0;
  CHECK(mixing >= 1);
}

TEST_CASE("leaky relu with slope 1 is the identity; with a learned slope it is not affine") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  const Value plain = leaky_relu(1)(x), learned = prelu(x, graph.parameter("a", Tensor::f32({2}, {1, 1})));
  const Linearity facts = linearity(graph);
  CHECK(facts.degree(plain.id(), x.id()) == 1);
  CHECK(facts.degree(learned.id(), x.id()) == kNotPolynomial);
  const auto form = affine_form(graph, facts, plain.id());
  REQUIRE(form.form);
  CHECK(form.form->weights[0] == ExactMatrix::identity(2));
  CHECK(check(affine_certificate(graph, *form.form), graph).accepted);
}

TEST_CASE("smooth networks are refuted by enclosed values; what has none is left unknown, with the reason") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  graph.output("y", tanh(x));
  graph.output("z", tanh(sin(x * 1024)));
  const std::vector<Finding> findings = linearity_findings(graph);
  CHECK(findings[0].verdict == Verdict::Refuted);
  CHECK(check(*findings[0].certificate, graph).accepted);
  CHECK(findings[1].verdict == Verdict::Unknown);
  CHECK(findings[1].sentences.back().find("has no enclosure") != std::string::npos);
}

TEST_CASE("a network too deep for exact values is refuted, and no changed certificate is accepted") {
  std::mt19937 random(3);
  std::normal_distribution<float> number(0, 0.4f);
  Graph graph;
  Value x = graph.input("x", {"batch", 12});
  for (int d = 0; d < 60; ++d) {
    Tensor w(Type::f32, {12, 12});
    for (int64_t i = 0; i < w.count(); ++i) w.set(i, number(random));
    x = matmul(d == 0 ? x : relu(x), graph.parameter("w" + std::to_string(d), w)) + 0.125;
  }
  graph.output("y", x);
  const Finding finding = linearity_findings(graph).front();
  CHECK(finding.verdict == Verdict::Refuted);
  REQUIRE(finding.certificate.has_value());
  CHECK(check(*finding.certificate, graph).accepted);
  size_t tried = 0;
  for (const test::Mutant& mutant : test::mutants(nlohmann::json::parse(finding.certificate->json))) {
    if (mutant.change.starts_with("/witness/output:") || mutant.change.starts_with("/witness/bits: one") ||
        ++tried % 6 != 0)
      continue;
    CAPTURE(mutant.change);
    CHECK_FALSE(check(mutant.json.dump(), graph).accepted);
  }
}

TEST_CASE("deep networks that are affine in spite of their relus have no witness") {
  Graph graph;
  Value x = graph.input("x", {"batch", 4});
  for (int d = 0; d < 40; ++d) x = (relu(x) - relu(-x)) * 0.75 + 0.1;
  graph.output("y", x);
  CHECK_FALSE(enclosed_witness(graph, graph.outputs()[0].node, graph.inputs()[0]).has_value());
}

TEST_CASE("the affine form of a node that is not affine is an error") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  const Value y = relu(x);
  CHECK_THROWS_WITH_AS(affine_form(graph, linearity(graph), y.id()), doctest::Contains("not an affine node"),
                       Error);
}
