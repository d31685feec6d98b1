// Where NaN arrives for certain. Reverse mode asks: if a value is NaN, will its adjoint be NaN whatever
// happens at the kink in front of it? In a network whose loss depends on the value it is, since a NaN makes
// NaN of all that is computed from it, the factors of the adjoint among them; then a slope need not say so as
// well, and a kink is one comparison: one bit an element between forward and backward pass.
#pragma once

#include <functional>

#include "autodiff/loop_builder.h"
#include "graph/scalar/at_nan.h"

namespace crease {

/// Whether an expression is NaN for certain where the arguments whose numbers are given are.
bool is_nan_with(const Scalar& expression, std::span<const int> nan_arguments);

/// Whether the loops of a node surely read each element of operand k at some point that is not skipped.
bool reads_all(const Graph& graph, const Node& node, int k);

/// The slope for one contribution to an adjoint, and whether that is NaN wherever the operand is.
struct NanFlow {
  Scalar slope;      // over the operands, as given
  bool follows_nan;  // the contribution, adjoint times slope, has a NaN at each NaN of the operand
};

/// `slopes` makes the slope of the builder's body in operand k; `free` is the number of an argument that it
/// does not use. Where the adjoint of the node `follows_nan` of the node's value, so that the product is NaN
/// whatever the slope is, the slope is AtNan::Passed, else AtNan::Nan: the product is the same.
NanFlow nan_flow(const Graph& graph, const LoopBuilder& builder, int k, bool follows_nan,
                 const std::function<Scalar(AtNan)>& slopes, int free);

}  // namespace crease
