// Order statistics without a sort: ranks by comparison, so that the exact and locked derivatives of
// comparisons carry over.
#pragma once

#include <cstdint>
#include <optional>

#include "graph/value.h"

namespace crease {

/// The k-th smallest element along one axis, k from 0: the least x_i with more than k elements <= x_i.
/// Shapes: the axis is removed. Ties: the elements that equal the result share the derivative: left and right
/// give the first of them all, mid and min_norm 1/m each, value(s) chains. Directions decide by the order
/// they give; a tie counts once. NaN ranks last and reads as infinity. Errors: Error unless 0 <= k < size of
/// the axis, which must be a number. Cost: size^2 comparisons a result.
Value kth_smallest(const Operand& x, int64_t k, int axis = -1);

/// k if the operation is part of a k-th smallest element: the ranks, whose comparisons are no kinks of their
/// own, or the selection, whose ties have no sides.
std::optional<int64_t> order_of(const Op& op);

}  // namespace crease
