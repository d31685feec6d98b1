// Order statistics without a sort: ranks by comparison, so that the exact and locked derivatives of
// comparisons carry over.
#pragma once

#include "graph/value.h"

namespace crease {

/// The k-th smallest element along one axis, k from 0: the least x_i with more than k elements <= x_i.
/// Shapes: the axis is removed. Ties: as in reduce_min, among all elements that equal the result. NaN ranks
/// last and reads as infinity. Errors: Error unless 0 <= k < size of the axis, which must be a number. Cost:
/// size^2 comparisons a result.
Value kth_smallest(const Operand& x, int64_t k, int axis = -1);

}  // namespace crease
