// Every certificate that crease makes passes the checker, and no certificate with one place changed does.
#include <doctest/doctest.h>

#include <random>
#include <set>

#include "graph/analysis/certificate.h"
#include "graph/analysis/check.h"
#include "graph/analysis/linearity.h"
#include "graph/analysis/normal_form/normal_form.h"
#include "graph/analysis/scaling_report.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "tests/graph/analysis/mutants.h"
#include "tests/graph/analysis/random_affine.h"

using namespace crease;
using nlohmann::json;

namespace {

/// What may differ between proofs: entries that show independence, the name of the only output, and a claim
/// about fewer units, which holds too.
bool is_only_a_hint(const std::string& change) {
  return change.starts_with("/independent") || change.starts_with("/witness/output:") ||
         (change.starts_with("/claim/units/") && change.ends_with(": deleted"));
}

/// Checks at most `limit` changes of a certificate, chosen by `seed`.
void check_mutants(const Certificate& certificate, const Graph& graph, size_t limit, uint32_t seed) {
  const CheckResult original = check(certificate, graph);
  CHECK_MESSAGE(original.accepted, original.reason);
  std::vector<test::Mutant> mutants = test::mutants(json::parse(certificate.json));
  std::mt19937 random(seed);
  std::ranges::shuffle(mutants, random);
  mutants.resize(std::min(mutants.size(), limit));
  for (const test::Mutant& mutant : mutants) {
    if (is_only_a_hint(mutant.change)) continue;
    CAPTURE(certificate.kind);
    CAPTURE(mutant.change);
    CHECK_FALSE(check(mutant.json.dump(), graph).accepted);
  }
}

Graph random_layers(uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_int_distribution<int> number(1, 9);
  const auto weight = [&](std::vector<int64_t> sizes) {
    Tensor tensor(Type::f32, std::move(sizes));
    for (int64_t i = 0; i < tensor.count(); ++i) tensor.set(i, (number(random) - 5.5) / 4);
    return tensor;
  };
  Graph graph;
  Value x = graph.input("x", {"batch", 2});
  x = relu(matmul(x, graph.parameter("w1", weight({2, 3}))) + graph.parameter("b1", weight({3})));
  x = leaky_relu(0.25)(matmul(x, graph.parameter("w2", weight({3, 2}))) + graph.parameter("b2", weight({2})));
  graph.output("y", matmul(x, graph.parameter("w3", weight({2, 1}))));
  return graph;
}

}  // namespace

TEST_CASE("every changed certificate of a finding is refused") {
  for (uint32_t seed = 1; seed <= 6; ++seed) {
    CAPTURE(seed);
    const Graph affine = test::random_affine_graph(seed), layers = random_layers(seed);
    for (const Finding& finding : linearity_findings(affine))
      if (finding.certificate) check_mutants(*finding.certificate, affine, 120, seed);
    // Some weights of the random affine graph are without effect: another exponent of theirs is as true.
    for (const auto& findings : {linearity_findings(layers), scaling_findings(layers)})
      for (const Finding& finding : findings)
        if (finding.certificate) check_mutants(*finding.certificate, layers, 120, seed);
  }
}

namespace {

/// relu(z) - relu(-z), neurons that are multiples of others, |z| and an odd function twice.
Graph cancelling() {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  const Value z = matmul(x, graph.parameter("w", Tensor::f32({2, 4}, {1, 3, -2, 0.5f, -1, -3, 2, 2}))) +
                  graph.parameter("b", Tensor::f32({4}, {0.5f, 1.5f, -1, 0.25f}));
  graph.set_name(z, "z");
  const Value a = relu(z), distance = abs(z);
  graph.set_name(a, "a");
  graph.output("same", matmul(a - relu(-z), graph.parameter("v", Tensor::f32({4, 1}, {1, 2, -1, 3}))));
  graph.output("other", tanh(z) + tanh(-z) + relu(distance * 0.25) + a);
  return graph;
}

}  // namespace

TEST_CASE("every changed certificate of a normal form is refused") {
  const Graph graph = cancelling();
  int certificates = 0;
  for (const Finding& finding : normal_form_findings(graph)) {
    if (!finding.certificate) continue;
    check_mutants(*finding.certificate, graph, 2000, 7);
    ++certificates;
  }
  CHECK_EQ(certificates, 2);
}
