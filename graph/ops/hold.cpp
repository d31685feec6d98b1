#include "graph/ops/hold.h"

#include <algorithm>

#include "graph/scan.h"

namespace crease {
namespace {

bool has_held(const Graph& graph);

bool holds(const Node& node) { return is_held(node) || (node.scan != nullptr && has_held(node.scan->body)); }

bool has_held(const Graph& graph) {
  for (NodeId id = 0; id < graph.size(); ++id)
    if (holds(graph.node(id))) return true;
  return false;
}

}  // namespace

const Op stop_gradient{.name = "stop_gradient",
                       .doc = "x, a constant to derivatives.",
                       .body = [](Scalar x) { return x; },
                       .attributes = {{"held", 1}}};

bool is_held(const Node& node) {
  return node.op && std::ranges::any_of(node.op->attributes,
                                        [](const auto& attribute) { return attribute.first == "held"; });
}

std::optional<NodeId> held_between(const Graph& graph, ValueSpan outputs, ValueSpan wrt) {
  std::vector<NodeId> ends;
  for (const Value& output : outputs) ends.push_back(output.id());
  std::vector<bool> moves(static_cast<size_t>(graph.size()), false);
  for (const Value& variable : wrt) moves[static_cast<size_t>(variable.id())] = true;
  for (const NodeId id : ancestors(graph, ends)) {
    const Node& node = graph.node(id);
    const bool moved = std::ranges::any_of(
        node.operands, [&](NodeId operand) { return moves[static_cast<size_t>(operand)]; });
    if (!moved) continue;
    if (holds(node)) return id;
    moves[static_cast<size_t>(id)] = true;
  }
  return {};
}

std::optional<NodeId> held_in_network(const Graph& graph) {
  std::vector<Value> outputs, parameters;
  for (const Output& output : graph.outputs()) outputs.push_back(graph.value(output.node));
  for (const NodeId id : graph.parameters())
    if (is_floating(graph.node(id).type)) parameters.push_back(graph.value(id));
  return held_between(graph, outputs, parameters);
}

}  // namespace crease
