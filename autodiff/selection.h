// Which elements a product or an extremum over labels depends on, and how much: the only part of a derivative
// that looks across loop points.
#pragma once

#include "autodiff/loop_builder.h"
#include "autodiff/ties.h"

namespace crease {

/// d(result)/d(body value at this point), as an expression over reads added to `builder`, for Combine Assign,
/// Sum (1), Product (the product of all other points), Max and Min (the weight that `rule` gives this point).
/// An order statistic has no first and second argument: left and right both take the first tied point.
/// `result` is the value of the node. Errors: Bug for ArgMax, ArgMin, Tie::trap.
/// Source: Tie's table, autodiff-wide: left the last tied point, right the first, mid and min_norm 1/k,
/// value(s) chained.
Scalar combine_weight(LoopBuilder& builder, const Graph& graph, NodeId result, const KinkRule& rule,
                      const std::source_location& where);

/// Whether the greatest or least of the points decides: Max, Min, ArgMax, ArgMin.
constexpr bool picks_extreme(Combine combine) {
  return combine == Combine::Max || combine == Combine::Min || gives_position(combine);
}

/// The node with the extremum itself where it gives the position of one.
Node with_extremum(const Graph& graph, const Node& node);
/// The extremum that the node gives, or gives the position of.
Value extremum_of(const Graph& graph, NodeId id);

/// How many points of a maximum or minimum equal the result. Shapes: that of the node.
Value tied_count(const Graph& graph, NodeId id, const std::source_location& where);

/// Row-major position of the point over the labels that are combined, as a number.
Scalar combined_position(const Loops& loops);

}  // namespace crease
