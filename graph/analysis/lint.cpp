#include "graph/analysis/lint.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "graph/analysis/certificate.h"
#include "graph/analysis/convexity.h"
#include "graph/analysis/linearity.h"
#include "graph/analysis/saturation.h"
#include "graph/analysis/sparsity.h"
#include "graph/scalar/tape.h"

namespace crease {
namespace {

/// The node behind reshapes, slices and transposes.
NodeId behind_movement(const Graph& graph, NodeId id) {
  while (graph.node(id).role == Role::Apply &&
         family(*graph.node(id).op, graph.node(id).loops) == Family::Movement)
    id = graph.node(id).operands[0];
  return id;
}

void lint_outputs(const Graph& graph, const std::set<NodeId>& relus, std::vector<Lint>& found) {
  for (const Output& output : graph.outputs())
    if (const NodeId id = behind_movement(graph, output.node); relus.contains(id))
      found.push_back(
          {"relu-on-output", id,
           fmt::format("output {} is never negative, and has no gradient where it is 0", output.name)});
}

bool takes_exponentials(const Node& node) {
  if (node.role != Role::Apply) return false;
  const auto nodes = topological(node.op->body.expression);
  return std::ranges::any_of(nodes, [](const Scalar& s) { return s.kind() == ScalarKind::Exp; });
}

/// exp(z - max z) over a relu, the shape of softmax and cross entropy.
void lint_softmax(const Graph& graph, const std::set<NodeId>& relus, std::vector<Lint>& found) {
  std::vector<NodeId> wanted;
  for (const Output& output : graph.outputs()) wanted.push_back(output.node);
  std::set<NodeId> reported;
  for (const NodeId id : ancestors(graph, wanted)) {
    if (!takes_exponentials(graph.node(id))) continue;
    NodeId from = id;
    for (int hops = 0; hops < 3 && graph.node(from).role == Role::Apply && !relus.contains(from); ++hops)
      from = behind_movement(graph, graph.node(from).operands[0]);
    if (relus.contains(from) && reported.insert(from).second)
      found.push_back({"softmax-over-relu", from,
                       "all logits that are not positive are 0: classes that lose cannot be told apart"});
  }
}

/// Rectifiers whose argument has no positive element for any input.
void lint_dead(const Graph& graph, const std::set<NodeId>& relus, std::vector<Lint>& found) {
  if (relus.empty()) return;
  const Convexity facts(graph);
  for (const NodeId id : relus)
    if (!facts.any(graph.node(id).operands[0]).positive)
      found.push_back({"dead-layer", id,
                       "is 0 for every input, and passes no gradient: its argument is never positive", true,
                       true});
}

/// Whether a node adds something made of parameters alone.
bool adds_weights(const Graph& graph, const Linearity& facts, NodeId id) {
  const Node& node = graph.node(id);
  const std::vector<Degree> all(node.operands.size(), 1);
  if (node.op->combine != Combine::Assign || degree_of(node.op->body.expression, all) != 1) return false;
  bool weights = false, data = false;
  for (const NodeId operand : node.operands)
    (facts.parts[static_cast<size_t>(operand)] == Part::Constant ? weights : data) = true;
  return weights && data;
}

void lint_bias(const Graph& graph, std::vector<Lint>& found) {
  const Linearity facts = linearity(graph);
  for (const NodeId sink : facts.sinks) {
    bool multiplies = false, adds = false;
    for (const NodeId id : affine_nodes(graph, facts, sink)) {
      const Node& node = graph.node(id);
      if (node.role != Role::Apply) continue;
      multiplies = multiplies || family(*node.op, node.loops) == Family::Contraction;
      adds = adds || adds_weights(graph, facts, id);
    }
    if (multiplies && !adds)
      found.push_back({"missing-bias", sink, "is linear, not affine: 0 is always mapped to 0", false});
  }
}

/// Where a monotone activation ends: its values far out.
void lint_targets(const Graph& graph, std::pair<double, double> targets, std::vector<Lint>& found) {
  for (const ActivationUse& use : activations(graph))
    for (const NodeId id : use.nodes)
      for (const Output& output : graph.outputs()) {
        if (behind_movement(graph, output.node) != id) continue;
        const auto at = [&](double x) { return evaluate(use.body, {.arguments = {&x, 1}}); };
        const double far = std::ldexp(1.0, 60);
        const auto [low, high] = std::minmax({at(-far), at(far)});
        const bool bounded_low = use.facts.left != Saturates::None || low == 0;
        const bool too_low = bounded_low && targets.first < low;
        const bool too_high = use.facts.right != Saturates::None && targets.second > high;
        if (is_saturating(use.facts) ? too_low || too_high : too_low)
          found.push_back({"target-out-of-range", id,
                           fmt::format("targets in [{:.6g}, {:.6g}], but {} gives [{:.6g}, {:.6g}]",
                                       targets.first, targets.second, use.name, low, high)});
      }
}

}  // namespace

std::vector<Lint> lint(const Graph& graph, const LintOptions& options) {
  std::vector<Lint> found;
  const std::vector<NodeId> nodes = rectifiers(graph);
  const std::set<NodeId> relus(nodes.begin(), nodes.end());
  lint_outputs(graph, relus, found);
  lint_softmax(graph, relus, found);
  lint_dead(graph, relus, found);
  if (options.targets) lint_targets(graph, *options.targets, found);
  lint_bias(graph, found);
  return found;
}

std::vector<Finding> lint_findings(const Graph& graph, const LintOptions& options) {
  std::vector<Finding> findings;
  std::vector<std::string> notes;
  for (const Lint& item : lint(graph, options)) {
    const std::string name = node_key(graph, item.node);
    if (!item.warning) {
      notes.push_back(name);
      continue;
    }
    Finding finding{.id = "lint", .subject = name, .sentences = {}, .certificate = {}};
    if (item.proved) finding.verdict = Verdict::Proved;
    if (item.proved) finding.level = Level::Values;
    finding.sentences = {fmt::format("{}: {} {}", item.code, name, item.reason)};
    finding.evidence = nlohmann::ordered_json{{"code", item.code}, {"node", name}}.dump();
    findings.push_back(std::move(finding));
  }
  if (notes.empty()) return findings;
  Finding finding{.id = "lint", .subject = notes.front(), .sentences = {}, .certificate = {}};
  finding.sentences = {notes.size() == 1 ? fmt::format("note: the layer {} has no bias", notes[0])
                                         : fmt::format("note: {} layers have no bias, the first is {}",
                                                       notes.size(), notes[0])};
  finding.evidence = nlohmann::ordered_json{{"code", "missing-bias"}, {"nodes", notes}}.dump();
  findings.push_back(std::move(finding));
  return findings;
}

}  // namespace crease
