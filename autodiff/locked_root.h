// The locked derivative of a root of squares. Where the squares are all 0, the operands are replaced by their
// first tangents that are not: the gradient of the norm next to w = 0 in direction d is that at d.
#pragma once

#include "autodiff/locked_node.h"
#include "autodiff/root_of_squares.h"

namespace crease {

class LockedRoot {
 public:
  /// `root` is the value of the node; `operands` are those of form.squares, locked.
  LockedRoot(const Graph& graph, RootOfSquares form, const Value& root, std::vector<LockedNode> operands,
             size_t directions, const std::source_location& where);

  /// The nodes that the root depends on directly: operands of the squares.
  const std::vector<NodeId>& operands() const { return graph_.node(form_.squares.id()).operands; }
  /// Tangent in direction j; none if no operand moves.
  std::optional<Value> tangent(size_t direction) const;
  /// Contribution to the adjoint of operand k; none if it is identically 0.
  std::optional<Value> adjoint(int k, const Value& dy) const;
  /// How many elements are 0 (hits), and stay 0 in all directions (unresolved).
  Value hits() const { return zeros_of(lengths_.front()); }
  Value unresolved() const { return zeros_of(length_); }

 private:
  Value length_along(size_t direction) const;
  Scalar point(LoopBuilder& builder, int k) const;
  Scalar slope(LoopBuilder& builder, int k) const;
  Value zeros_of(const Value& length) const;

  Graph graph_;
  RootOfSquares form_;
  Value root_;
  std::vector<LockedNode> operands_;
  std::source_location where_;
  std::vector<Value> lengths_;  // of the operands, then of their tangents by direction
  Value length_;                // the first of them that is not 0
};

}  // namespace crease
