// Forward mode. `jvp` and `directional_derivative` follow the tangent's sign at kinks and are exact one-sided
// limits; `linear_jvp` follows the Tie rule, is linear in the tangent, and is what second derivatives are
// made of.
#pragma once

#include <span>
#include <vector>

#include "autodiff/reverse.h"
#include "graph/graph.h"

namespace crease {

/// f'(x; d) = lim_{t->0+} (f(x + t d) - f(x)) / t for each output; tangents have the shapes of `wrt`.
/// At kinks: exact, the tangent's sign picks the side (max(dz, 0) for relu at 0). At a jump the value on the
/// side of the tangent goes on, with tangent 0: x sign(x) has derivative |d| at 0. Tangents of a variable
/// that is given twice, or computed from others, add to what arrives. Errors: as grad's, and Error for
/// tangents of another shape. Source: Shapiro 1990; Griewank 2013; chain rule for B-derivatives.
std::vector<Value> jvp(ValueSpan outputs, ValueSpan wrt, ValueSpan tangents,
                       std::source_location where = std::source_location::current());
/// jvp, and the values that go with it: those of `outputs`, on the side of the tangent where something jumps.
struct LockedOutputs {
  std::vector<Value> values, tangents;
};
LockedOutputs values_and_jvp(ValueSpan valued, ValueSpan outputs, ValueSpan wrt, ValueSpan tangents,
                             std::source_location where = std::source_location::current());
Value directional_derivative(const Value& output, const Value& wrt, const Value& direction,
                             std::source_location where = std::source_location::current());

/// Jacobian-vector product with the slopes that the Tie rule selects: linear in the tangents, the transpose
/// of vjp, also where a variable is given twice or computed from another: its tangents add up.
std::vector<Value> linear_jvp(ValueSpan outputs, ValueSpan wrt, ValueSpan tangents,
                              const GradOptions& options = {},
                              std::source_location where = std::source_location::current());

/// Derivatives along the last of several directions of the smooth piece that they enter one after the other:
/// directions[j][i] is a tangent for wrt[i], and the first direction that decides a kink locks it. With one
/// direction: jvp. Errors: as jvp's; Error without a direction.
std::vector<Value> locked_jvp(ValueSpan outputs, ValueSpan wrt,
                              const std::vector<std::vector<Value>>& directions,
                              std::source_location where = std::source_location::current());

/// Hessian-vector product: linear_jvp of grad, one-sided. Kinks keep the side of the primal point, so
/// relu(x)^2 at 0 gives 0 under left and 2 v under right; rules that are no side count as left.
std::vector<Value> hvp(const Value& loss, ValueSpan wrt, ValueSpan tangents, const GradOptions& options = {},
                       std::source_location where = std::source_location::current());

}  // namespace crease
