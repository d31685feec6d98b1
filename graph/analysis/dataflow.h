// What analyses share of walks over a graph. A graph is in SSA order, so one sweep reaches the fixed point;
// an analysis is its transfer function.
#pragma once

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

}  // namespace crease
