#include "graph/analysis/bounds/movable.h"

#include "graph/analysis/points.h"

namespace crease {

namespace {

using Flags = std::vector<std::vector<bool>>;  // by node and element

size_t at(int64_t k) { return static_cast<size_t>(k); }

/// Calls visit(result element, operand number, operand element) for every read of a node that may happen.
template <class Visit>
void reads(const Graph& graph, NodeId id, Visit&& visit) {
  const Node& node = graph.node(id);
  if (!has_lookup(node)) {
    for (PointWalk walk(graph, id); walk.valid(); walk.next())
      if (walk.inside())
        for (size_t k = 0; k < node.operands.size(); ++k) visit(walk.write(), k, walk.read(k));
    return;
  }
  for (size_t k = 0; k < node.operands.size(); ++k)
    for (int64_t from = 0; from < sample_count(graph.node(node.operands[k]).shape); ++from)
      for (int64_t to = 0; to < sample_count(node.shape); ++to) visit(to, k, from);
}

/// A dead unit passes no gradient, by the rule of its node.
bool is_dead(const Graph& graph, const UnitNode& node, const Unit& unit) {
  const auto& own = graph.node(node.node).tie;
  const auto& tie = own ? own : graph.tie();
  const bool right = tie && *tie == Tie::right;
  const bool left = !tie || *tie == Tie::left;
  if (right) return unit.gradient_dead_right;
  return left ? unit.gradient_dead_left : unit.gradient_dead_left && unit.gradient_dead_right;
}

}  // namespace

void mark_permanent(const BoxAnalysis& box, std::vector<UnitNode>& nodes) {
  const Graph& graph = box.graph();
  Flags dead(at(graph.size())), matters(at(graph.size())), moves(at(graph.size()));
  bool any = false;
  for (const NodeId id : box.nodes()) {
    const auto count = at(sample_count(graph.node(id).shape));
    dead[at(id)].assign(count, false);
    matters[at(id)].assign(count, false);
    moves[at(id)].assign(count, false);
  }
  for (const UnitNode& node : nodes)
    for (const Unit& unit : node.units) {
      if (is_dead(graph, node, unit)) dead[at(node.node)][at(unit.element)] = any = true;
    }
  if (!any) return;
  for (const Output& output : graph.outputs())
    matters[at(output.node)].assign(matters[at(output.node)].size(), true);
  for (size_t k = box.nodes().size(); k-- > 0;) {
    const NodeId id = box.nodes()[k];
    const Node& node = graph.node(id);
    if (node.role == Role::Scan)  // what it reads may all matter
      for (const NodeId operand : node.operands)
        matters[at(operand)].assign(matters[at(operand)].size(), true);
    if (node.role != Role::Apply) continue;
    reads(graph, id, [&](int64_t to, size_t operand, int64_t from) {
      if (matters[at(id)][at(to)] && !dead[at(id)][at(to)])
        matters[at(node.operands[operand])][at(from)] = true;
    });
  }
  for (const NodeId id : box.nodes()) {
    const Node& node = graph.node(id);
    if (node.role == Role::Parameter) moves[at(id)] = matters[at(id)];
    if (node.role == Role::Scan) moves[at(id)].assign(moves[at(id)].size(), true);
    if (node.role != Role::Apply) continue;
    reads(graph, id, [&](int64_t to, size_t operand, int64_t from) {
      if (moves[at(node.operands[operand])][at(from)]) moves[at(id)][at(to)] = true;
    });
  }
  for (UnitNode& node : nodes)
    for (Unit& unit : node.units)
      unit.permanent = is_dead(graph, node, unit) && !moves[at(node.operand)][at(unit.argument)];
}

}  // namespace crease
