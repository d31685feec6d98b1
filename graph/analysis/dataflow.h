// What analyses share of walks over a graph. A graph is in SSA order, so one sweep reaches the fixed point;
// an analysis is its transfer function.
#pragma once

#include <algorithm>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "graph/graph.h"

namespace crease {

/// Facts from leaves to outputs: facts[id] = transfer(id, facts), where the facts of all operands of id are
/// set.
template <class Fact, class Transfer>
std::vector<Fact> forward_facts(const Graph& graph, Transfer&& transfer) {
  std::vector<Fact> facts(static_cast<size_t>(graph.size()));
  for (NodeId id = 0; id < graph.size(); ++id)
    facts[static_cast<size_t>(id)] = transfer(id, std::as_const(facts));
  return facts;
}

/// For each node the nodes that read it, ascending, each once.
inline std::vector<std::vector<NodeId>> readers(const Graph& graph) {
  std::vector<std::vector<NodeId>> result(static_cast<size_t>(graph.size()));
  for (NodeId id = 0; id < graph.size(); ++id)
    for (const NodeId operand : graph.node(id).operands) {
      auto& list = result[static_cast<size_t>(operand)];
      if (list.empty() || list.back() != id) list.push_back(id);
    }
  return result;
}

/// The nodes that `roots` need, ascending, and the inputs without which a named dimension of theirs would
/// have no size: a constant for each sample reads no input, but has as many rows as one.
inline std::vector<NodeId> ancestors_with_sizes(const Graph& graph, std::span<const NodeId> roots) {
  std::vector<NodeId> ids = ancestors(graph, roots);
  std::set<std::string> bound, wanted;
  for (const NodeId id : ids)
    for (const Dim& dim : graph.node(id).shape)
      if (dim.is_symbol()) (graph.node(id).role == Role::Input ? bound : wanted).insert(dim.symbol());
  for (const NodeId input : graph.inputs())
    for (const Dim& dim : graph.node(input).shape) {
      if (!dim.is_symbol() || !wanted.contains(dim.symbol()) || !bound.insert(dim.symbol()).second) continue;
      const auto place = std::ranges::lower_bound(ids, input);
      if (place == ids.end() || *place != input) ids.insert(place, input);
    }
  return ids;
}

}  // namespace crease
