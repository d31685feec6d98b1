#include "graph/analysis/lint.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"
#include "tests/files.h"
#include "tests/graph/analysis/oracle_facts.h"

using namespace crease;
using Json = nlohmann::json;

namespace {

bool has(const Graph& graph, const std::string& code, const LintOptions& options = {}) {
  return std::ranges::any_of(lint(graph, options), [&](const Lint& item) { return item.code == code; });
}

Value weights(Graph& graph, const std::string& name, double value, std::vector<int64_t> sizes) {
  Tensor tensor(Type::f32, std::move(sizes));
  for (int64_t i = 0; i < tensor.count(); ++i) tensor.set(i, value);
  return graph.parameter(name, tensor);
}

}  // namespace

TEST_CASE("the oracle's networks have the warnings expected and no other") {
  const auto file = test::shared_file("oracles/analyses.json");
  if (!file) return;
  const Json oracle = test::read_oracle(*file);
  for (const Json& description : oracle["networks"]) {
    CAPTURE(description["id"].get<std::string>());
    const test::OracleNetwork network = test::build_network(description);
    for (const auto& failure : test::check_lint(network, description["expected"]["lint"]))
      FAIL_CHECK(failure);
  }
}

TEST_CASE("a relu on an output is found behind reshapes, and one before a layer is not") {
  Graph graph;
  const Value x = graph.input("x", {1, 2});
  graph.output("y", reshape(relu(x), {2}));
  CHECK(has(graph, "relu-on-output"));
  graph.clear_outputs();
  graph.output("z", matmul(relu(x), weights(graph, "w", 1, {2, 2})) + weights(graph, "b", 1, {2}));
  CHECK(lint(graph).empty());
  CHECK(lint_findings(graph).empty());
}

TEST_CASE("softmax over a relu is found") {
  Graph graph;
  const Value z = relu(graph.input("x", {"batch", 3}));
  const Value e = exp(z - reduce_max(z, {1}, true));
  graph.output("y", e / sum(e, {1}, true));
  CHECK(has(graph, "softmax-over-relu"));
}

TEST_CASE("a layer without bias is a note, not a warning") {
  Graph graph;
  graph.output("y", matmul(graph.input("x", {1, 2}), weights(graph, "w", 1, {2, 2})));
  const auto found = lint(graph);
  REQUIRE(found.size() == 1);
  CHECK(found[0].code == "missing-bias");
  CHECK_FALSE(found[0].warning);
}

TEST_CASE("a layer whose arguments cannot be positive is proved dead") {
  Graph graph;
  const Value x = graph.input("x", {1, 2});
  const Value h = relu(matmul(relu(x), weights(graph, "w", -1, {2, 2})) + weights(graph, "b", -1, {2}));
  graph.output("y", matmul(h, weights(graph, "v", 1, {2, 1})) + weights(graph, "c", 1, {1}));
  const auto found = lint_findings(graph);
  REQUIRE(found.size() == 1);
  CHECK(found[0].verdict == Verdict::Proved);
  CHECK(found[0].sentences[0].find("dead-layer") == 0);
}

TEST_CASE("targets out of reach of a bounded output are named") {
  Graph graph;
  graph.output("y", sigmoid(graph.input("x", {2})));
  CHECK(has(graph, "target-out-of-range", {.targets = {{0, 2}}}));
  CHECK_FALSE(has(graph, "target-out-of-range", {.targets = {{0, 1}}}));
  graph.clear_outputs();
  graph.output("z", relu(graph.find("x")));
  CHECK(has(graph, "target-out-of-range", {.targets = {{-1, 2}}}));
  CHECK_FALSE(has(graph, "target-out-of-range", {.targets = {{0, 200}}}));
}
