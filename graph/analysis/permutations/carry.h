// Carries one exchange of positions through a graph.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "graph/analysis/permutations/permutations.h"

namespace crease {

/// Carries permutations through one graph.
class PermutationCarrier {
 public:
  explicit PermutationCarrier(const Graph& graph);

  /// The symmetry that permutes this axis so, if there is one.
  std::optional<Permutation> carry(NodeId tensor, int axis, const Moves& moves) const;
  /// Whether an output needs the node.
  bool is_live(NodeId id) const { return live_[static_cast<size_t>(id)]; }

 private:
  friend class Carry;
  void see_through(NodeId id);

  const Graph& graph_;
  /// Of each node, reshapes and slices being read through: what they move is read where it came from.
  std::vector<std::vector<NodeId>> operands_;
  std::vector<Loops> loops_;
  std::vector<bool> live_, output_;
  std::vector<std::vector<NodeId>> readers_;  // live ones
};

}  // namespace crease
