// Roots of sums of squares: the one place where a square root has exact one-sided derivatives at 0 although
// its operand's derivative, 0, does not tell. sqrt(x * x) is |x|, sqrt(sum of squares) is the Euclidean norm,
// however they are spelled: at 0 both move by the norm of the tangent.
#pragma once

#include <optional>

#include "autodiff/loop_builder.h"

namespace crease {

/// A node that is sqrt(factor * squares).
struct RootOfSquares {
  Value squares;  // one node: a sum over loops, or one point, of squares of linear forms of its operands
  Scalar factor;  // positive, of constants and sizes
};

/// The form of node `id`, if it is such a root: elementwise sqrt over maps over a sum of squares, which may
/// be spread over several nodes. Appends a node that holds the squares.
std::optional<RootOfSquares> root_of_squares(const Graph& graph, NodeId id,
                                             const std::source_location& where);

}  // namespace crease
