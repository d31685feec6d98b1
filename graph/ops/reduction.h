// Reductions over axes, pooling windows, argmax. Axes may be negative (from the end).
#pragma once

#include "graph/op.h"
#include "graph/value.h"

namespace crease {

/// The axes to reduce; empty: all. One axis may stand alone: sum(x, 1).
struct Axes : std::vector<int> {
  using vector::vector;
  Axes(int axis) : vector{axis} {}  // NOLINT(google-explicit-constructor)
  Axes(bool) = delete;              // an axis, not whether to keep it
};

// Shapes: the reduced axes are removed, or kept with size 1. Errors: Error if an axis is out of range or
// repeated. max, min: NaN if any element is NaN; a tie is decided by the node's Tie. Over no elements: -inf,
// inf.
Value sum(const Operand& x, const Axes& axes = {}, bool keep = false);
/// sum / count, for named dimensions too.
Value mean(const Operand& x, const Axes& axes = {}, bool keep = false);
Value product(const Operand& x, const Axes& axes = {}, bool keep = false);
/// Euclidean norm: the root of the sum of squares. At 0: exact derivatives along a direction d are the norm
/// of d, locked gradients d over its norm; the slope that any Tie selects is 0, the subgradient of least
/// norm. Overflows where the sum of squares does.
Value norm2(const Operand& x, const Axes& axes = {}, bool keep = false);
/// Whether this is the root of a norm2.
bool is_norm_root(const Op& op);
Value reduce_max(const Operand& x, const Axes& axes = {}, bool keep = false);
Value reduce_min(const Operand& x, const Axes& axes = {}, bool keep = false);
/// Position of the greatest element along one axis, as i64; the first one in a tie.
Value argmax(const Operand& x, int axis = -1);
Value argmin(const Operand& x, int axis = -1);

struct PoolOptions {
  std::vector<int64_t> window = {2};
  std::vector<int64_t> stride = {};  // empty: the window
  std::vector<int64_t> padding = {0};
};
/// Shapes: x [n, c, w] -> [n, c, wo] or x [n, c, h, w] -> [n, c, ho, wo]. Padding never wins a maximum and
/// counts as zero in an average.
Value max_pool1d(const Operand& x, const PoolOptions& options = {});
Value max_pool2d(const Operand& x, const PoolOptions& options = {});
Value average_pool1d(const Operand& x, const PoolOptions& options = {});
Value average_pool2d(const Operand& x, const PoolOptions& options = {});
/// Greatest of `pieces` consecutive features along an axis: [..., k * pieces] -> [..., k]. At equal pieces
/// the Tie decides. Source: Goodfellow et al. 2013.
Value maxout(const Operand& x, int64_t pieces, int axis = -1);

}  // namespace crease
