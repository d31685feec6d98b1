// Movement: the body is its argument, only accesses change. Free, or one copy, once compiled.
#pragma once

#include "graph/op.h"
#include "graph/value.h"

namespace crease {

/// Same elements, row-major, another shape. A named dimension must be kept whole.
/// Errors: Error with both shapes and element counts.
Value reshape(const Operand& x, const Shape& shape);
/// All axes from `first` on in one: [n, c, h, w] -> [n, c*h*w].
Value flatten(const Operand& x, int first = 1);
/// Axis i of the result is axis order[i] of x; empty: reversed order.
Value transpose(const Operand& x, const std::vector<int>& order = {});
/// Repeats size-1 and missing leading dimensions.
Value broadcast_to(const Operand& x, const Shape& shape);
/// Elements begin, begin + stride, ... before end of one axis.
Value slice(const Operand& x, int axis, int64_t begin, int64_t end, int64_t stride = 1);
/// Zeros before and after along one axis.
Value pad(const Operand& x, int axis, int64_t before, int64_t after);
/// Joins along an axis: a sum of the parts, each padded with zeros, so that -0 becomes 0 where there are
/// several. Errors: Error with both shapes.
Value concat(const std::vector<Value>& parts, int axis,
             std::source_location where = std::source_location::current());
/// Equal shapes one beside the other along a new axis. Errors: those of concat, which it is made of.
Value stack(const std::vector<Value>& parts, int axis = 0,
            std::source_location where = std::source_location::current());
/// A dimension of size 1 more, before `axis` (-1: at the end), or that one less. Errors: Error if there is no
/// such axis, or it has another size.
Value unsqueeze(const Operand& x, int axis);
Value squeeze(const Operand& x, int axis);
/// The axis from its end.
Value reverse(const Operand& x, int axis);

}  // namespace crease
