#include "graph/rewrite/rewrite.h"

#include <algorithm>
#include <numeric>

namespace crease {
namespace {

bool is_bound_by_name(const Node& node) { return node.role == Role::Input || node.role == Role::Parameter; }

/// What outputs and updates need, and all that is bound by name; ascending.
std::vector<NodeId> needed(const Graph& graph) {
  std::vector<NodeId> wanted = roots(graph);
  for (NodeId id = 0; id < graph.size(); ++id)
    if (is_bound_by_name(graph.node(id))) wanted.push_back(id);
  return ancestors(graph, wanted);
}

void copy_results(const Graph& from, Rewrite& to) {
  const auto moved = [&](NodeId id) { return to.graph.value(to.new_id[static_cast<size_t>(id)]); };
  for (const Output& output : from.outputs()) to.graph.output(output.name, moved(output.node));
  for (const Update& update : from.updates()) to.graph.update(moved(update.parameter), moved(update.value));
}

Rewrite start(const Graph& graph) {
  Rewrite result{.graph = {}, .new_id = std::vector<NodeId>(static_cast<size_t>(graph.size()), -1)};
  if (graph.tie()) result.graph.set_tie(*graph.tie());
  return result;
}

std::vector<Value> moved_operands(const Node& node, const Rewrite& to) {
  std::vector<Value> operands;
  for (const NodeId operand : node.operands)
    operands.push_back(to.graph.value(to.new_id[static_cast<size_t>(operand)]));
  return operands;
}

Rewrite rebuilt(const Graph& graph, std::span<const NodeId> nodes, const Remake& remake) {
  Rewrite result = start(graph);
  for (const NodeId id : nodes) {
    const Node& node = graph.node(id);
    const std::vector<Value> operands = moved_operands(node, result);
    const Value value =
        is_bound_by_name(node) ? result.graph.copy(node, operands) : remake(result.graph, node, operands);
    result.new_id[static_cast<size_t>(id)] = value.id();
    if (!node.name.empty() && value.node().name.empty()) result.graph.set_name(value, node.name);
  }
  copy_results(graph, result);
  return result;
}

/// Whether an affine index stays in [0, size) at every point.
bool stays_within(const AffineIndex& index, const Loops& loops, int64_t size) {
  int64_t low = index.offset, high = index.offset;
  for (const Term& term : index.terms) {
    const Dim& extent = loops.labels[static_cast<size_t>(term.label)].extent;
    if (extent.is_symbol()) return false;
    if (extent.size() == 0) return true;  // no point at all
    (term.coefficient > 0 ? high : low) += term.coefficient * (extent.size() - 1);
  }
  return low >= 0 && high < size;
}

/// Whether an index takes every value in [0, size), its labels being digits of a number of mixed radix.
bool counts_to(const AffineIndex& index, const Loops& loops, int64_t size) {
  if (index.lookup >= 0 || index.offset != 0) return false;
  std::vector<Term> digits = index.terms;
  std::ranges::sort(digits, {}, &Term::coefficient);
  int64_t reached = 1;
  for (const auto& [label, coefficient] : digits) {
    const Dim& extent = loops.labels[static_cast<size_t>(label)].extent;
    if (extent == Dim(1)) continue;
    if (extent.is_symbol() || coefficient != reached || extent.size() > size / coefficient) return false;
    reached *= extent.size();
  }
  return reached == size;
}

}  // namespace

bool always_inside(const Access& access, const Loops& loops, const Shape& shape) {
  for (size_t d = 0; d < access.size(); ++d) {
    const int label = access[d].plain_label();
    if (label >= 0 && loops.labels[static_cast<size_t>(label)].extent == shape[d]) continue;
    if (access[d].lookup >= 0 || shape[d].is_symbol()) return false;
    if (!stays_within(access[d], loops, shape[d].size())) return false;
  }
  return true;
}

bool covers(const Access& access, const Loops& loops, const Shape& shape) {
  std::vector<bool> used(loops.labels.size());
  for (size_t d = 0; d < access.size(); ++d) {
    for (const Term& term : access[d].terms) {
      if (used[static_cast<size_t>(term.label)]) return false;
      used[static_cast<size_t>(term.label)] = true;
    }
    const int label = access[d].plain_label();
    if (label >= 0 && loops.labels[static_cast<size_t>(label)].extent == shape[d]) continue;
    if (shape[d].is_symbol() || !counts_to(access[d], loops, shape[d].size())) return false;
  }
  for (size_t label = 0; label < used.size(); ++label) {
    const Dim& extent = loops.labels[label].extent;
    if (!used[label] && (extent.is_symbol() || extent.size() == 0)) return false;  // perhaps no point at all
  }
  return true;
}

Rewrite rebuild(const Graph& graph, const Remake& remake) {
  std::vector<NodeId> all(static_cast<size_t>(graph.size()));
  std::iota(all.begin(), all.end(), 0);
  return rebuilt(graph, all, remake);
}

Rewrite rebuild_needed(const Graph& graph, const Remake& remake) {
  return rebuilt(graph, needed(graph), remake);
}

Rewrite remove_dead(const Graph& graph) {
  std::vector<NodeId> all = needed(graph);
  if (static_cast<int>(all.size()) == graph.size()) return {graph.handle(), std::move(all)};
  return rebuilt(graph, all, [](Graph& to, const Node& node, const std::vector<Value>& operands) {
    return to.copy(node, operands);
  });
}

Rewrite then(const Rewrite& first, Rewrite second) {
  std::vector<NodeId> new_id;
  for (const NodeId id : first.new_id) new_id.push_back(id < 0 ? -1 : second.new_id[static_cast<size_t>(id)]);
  second.new_id = std::move(new_id);
  return second;
}

}  // namespace crease
