// A network in one line.
#include <algorithm>

#include "frontends/report.h"

namespace crease {
namespace {

bool is_weight(const Node& node) { return node.role == Role::Parameter || node.role == Role::Constant; }

std::string features(const Shape& shape) {
  std::string text;
  for (const Dim& dim : shape)
    if (!dim.is_symbol()) text += (text.empty() ? "" : "x") + to_string(dim);
  return text;
}

/// Adds a parameter elementwise: a bias.
bool is_bias(const Graph& graph, const Node& node) {
  return node.role == Role::Apply && node.operands.size() == 2 && node.op->combine == Combine::Assign &&
         node.op->body.expression.kind() == ScalarKind::Add &&
         std::ranges::any_of(node.operands, [&](NodeId id) { return is_weight(graph.node(id)); });
}

std::string step_text(const Graph& graph, const Node& node, bool biased) {
  const Family kind = family(*node.op, node.loops);
  const bool dense = kind == Family::Contraction && node.op->name.starts_with("matmul") &&
                     is_weight(graph.node(node.operands[1]));
  const std::string name = dense ? "linear" : node.op->name;
  if (kind == Family::Map) return name;
  return fmt::format("{} {}{}", name, features(node.shape), dense && !biased ? " (no bias)" : "");
}

}  // namespace

std::string network_line(const Graph& graph) {
  std::string text;
  for (const NodeId id : graph.inputs())
    text += fmt::format("{}{}[{}]", text.empty() ? "" : ", ", graph.node(id).name,
                        features(graph.node(id).shape));
  if (text.empty()) text = "no input";
  std::vector<std::string> steps;
  const std::vector<NodeId> stages = structure(graph).stages;
  for (size_t i = 0; i < stages.size(); ++i) {
    const Node& node = graph.node(stages[i]);
    if (node.role != Role::Apply) continue;
    const bool after_product =
        i > 0 && graph.node(stages[i - 1]).role == Role::Apply &&
        family(*graph.node(stages[i - 1]).op, graph.node(stages[i - 1]).loops) == Family::Contraction;
    if (after_product && is_bias(graph, node)) continue;
    const bool biased = i + 1 < stages.size() && is_bias(graph, graph.node(stages[i + 1]));
    steps.push_back(step_text(graph, node, biased));
  }
  constexpr size_t shown = 10;
  if (steps.size() > shown) {
    const std::string skipped = fmt::format("... {} steps ...", steps.size() - shown + 1);
    steps.erase(steps.begin() + 6, steps.end() - 3);
    steps.insert(steps.begin() + 6, skipped);
  }
  for (const std::string& step : steps) text += " -> " + step;
  std::string outputs;
  for (const Output& output : graph.outputs()) outputs += (outputs.empty() ? " = " : ", ") + output.name;
  return text + outputs;
}

}  // namespace crease
