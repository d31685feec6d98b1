// Linear bounds as a graph: the walk back from the elements of one node, every piecewise linear function
// being replaced by a line above or below it. Private to bounds_graph.
//
// What is carried back is s y <= sum of coefficient * node + constant, for s = -1 and 1 and every element of
// y. Coefficients are rounded up and down; the difference, times the greatest magnitude of what they
// multiply, is charged to the constant, so any rounding is sound. At nodes that are no sums of weights, no
// affine maps and no continuous piecewise linear functions of one number the walk ends: their intervals are
// put in. Source: Zhang et al. 2018 (CROWN); with intervals on the way Zhang et al. 2020 (CROWN-IBP).
#pragma once

#include "graph/analysis/bounds/ends_builder.h"

namespace crease {

/// Whether lines stand for the node: a continuous piecewise linear function of one operand, element by
/// element.
bool has_lines(const Node& node);

class LinesWalk {
 public:
  /// `bounds`: of the nodes of `from`, by values of `to`; those that `wanted` needs must be there.
  LinesWalk(const Graph& from, const Graph& to, Type type, const std::vector<std::optional<Bound>>& bounds);

  /// Ends of a node, no wider than those it has; nothing where there are too many coefficients, and where
  /// named dimensions are not its first ones.
  std::optional<Bound> run(NodeId wanted);

 private:
  /// The true coefficient is in [-negated_low, high].
  struct Coefficients {
    Value high, negated_low;
  };

  bool fits(NodeId wanted) const;
  bool keeps_rows(const Node& node) const;
  Coefficients identity(const Node& wanted);
  void visit(NodeId id, const Coefficients& coefficients);
  void through_lines(const Node& node, const Value& coefficient);
  void through_sum(const Node& node, size_t weight, size_t data, const Value& coefficient);
  bool through_affine(const Node& node, const Value& coefficient);
  void put_in_interval(const Node& node, const Bound& bound, const Value& coefficient);
  void charge(const Node& node, const Bound& bound, const Coefficients& coefficients);

  Access keyed(Access access, size_t labels) const;
  Loops key_loops(Loops loops) const;
  Shape keyed(Shape shape) const;
  Value make(const char* name, Combine combine, const Body& body, const Resolved& resolved,
             const std::vector<Value>& operands);
  Resolved over(const Shape& shape) const;
  Value constant_of(const Shape& shape, const Body& body, const std::vector<Value>& operands,
                    size_t coefficients);
  const Bound& of(NodeId id) const { return *bounds_[static_cast<size_t>(id)]; }

  const Graph& from_;
  Graph to_;
  Type type_;
  const std::vector<std::optional<Bound>>& bounds_;
  size_t rows_ = 0;  // leading named dimensions, the same for all nodes of the walk
  Shape key_;        // sign, element of the wanted node
  std::vector<std::vector<Coefficients>> found_;  // by node: to be summed
  std::vector<Value> constants_;
};

}  // namespace crease
