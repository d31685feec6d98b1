// The forward half of locked derivatives: values on the locked side, tangents in every direction, and which
// point of a maximum is locked in. Shared by exact directional derivatives (one direction) and by
// lock-then-reverse.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "autodiff/adjoint.h"
#include "autodiff/locked_node.h"
#include "autodiff/locked_root.h"
#include "autodiff/loop_builder.h"
#include "autodiff/scan.h"
#include "graph/graph.h"
#include "graph/scalar/lock.h"

namespace crease {

/// Locks nodes one by one, in graph order, appending what that takes to the graph.
class Locker {
 public:
  Locker(const Graph& graph, size_t directions, const std::source_location& where);

  /// A variable with its tangents. Those of one that is seeded twice, or computed from others, add up.
  void seed(const Value& variable, std::vector<std::optional<Value>> tangents);
  /// Locks a node whose active operands are locked; a variable that none moves stays as it is seeded.
  void lock(NodeId id);
  /// Locks the node's winner too, which only the reverse half needs.
  void lock_for_reverse(NodeId id);
  bool is_locked(NodeId id) const { return nodes_.contains(id); }
  const LockedNode& at(NodeId id) const { return nodes_.at(id); }

  /// The nodes that adjoints go to from this one: its operands, or, for a root of squares, those of the
  /// squares.
  std::vector<NodeId> operands(NodeId id) const;
  /// Contribution of a node locked for reverse to the adjoint of its operands(id)[k]; none if it is
  /// identically 0.
  std::optional<Contribution> adjoint(NodeId id, int k, const Value& dy, bool follows_nan) const;

  /// Counts of the kinks that locked nodes sit on, and of those that no direction decides (a tie of several
  /// points counts once).
  Value hits() const;
  Value unresolved() const;

 private:
  bool is_reached(NodeId id) const;
  void lock_node(NodeId id);
  void add_seed(NodeId id);
  void lock_scan(NodeId id, const Node& node);
  void lock_position(NodeId id, const Node& node);
  ScalarLock scalar_lock(const LoopBuilder& builder) const;
  bool lock_root(NodeId id, const Node& node);
  std::vector<Value> locked_operands(const Node& node) const;
  Value rebase(NodeId id, const Node& node);
  bool moves(const LoopBuilder& builder, const Node& node, size_t k, size_t direction) const;
  Scalar arguments(LoopBuilder& builder, const Node& node, const Scalar& expression) const;
  Value locked_value(const Node& node, const Value& base) const;
  Scalar attains(LoopBuilder& builder, const Node& node, const LockedNode& locked, size_t directions) const;
  std::optional<Value> tangent(const Node& node, const LockedNode& locked, size_t direction) const;
  Value settled(const Value& tangent, const Value& extremum, Combine combine) const;
  std::optional<Value> tangent_of_contraction(const Node& node, const LockedNode& locked,
                                              size_t direction) const;
  Value winner(const Node& node, const LockedNode& locked) const;
  Scalar weight(LoopBuilder& builder, const Node& node, const LockedNode& locked) const;
  void count_hits(NodeId id, const Node& node);
  void count_unresolved(const Node& node, const LockedNode& locked);
  Value sum_of(const Value& points) const;
  void tally(std::vector<Value>& list, LoopBuilder& builder, const Scalar& kinks) const;
  void tally_ties(std::vector<Value>& list, LoopBuilder& builder, const Node& node,
                  const Scalar& attains) const;
  Value total(const std::vector<Value>& list) const;

  Graph graph_;
  size_t directions_;
  std::source_location where_;
  std::map<NodeId, LockedNode> nodes_;
  std::map<NodeId, std::vector<std::optional<Value>>> seeds_;
  std::map<NodeId, LockedRoot> roots_;
  std::map<NodeId, LockedNode> extrema_;  // of the nodes that give the position of one
  std::vector<Value> hits_, unresolved_;
  std::vector<ScanTangents> scans_;  // by direction
};

}  // namespace crease
