// Second derivatives of the smooth piece next to a point: kinks are decided once, at the point itself, and
// every order reuses the decision, so that Hessians are symmetric and one-sided.
#pragma once

#include "autodiff/reverse.h"

namespace crease {

/// Hessian of a scalar with respect to one variable: [n, n] for n elements, row-major. Kinks as hvp has them:
/// of the side that the Tie selects. Errors: as grad's; Error if the variable has a named dimension. Cost: n
/// Hessian-vector products.
Value hessian(const Value& loss, const Value& wrt, const GradOptions& options = {},
              std::source_location where = std::source_location::current());

/// Hessian times `tangents` of the smooth piece next to the point in direction directions[0], then [1], ...,
/// as locked_grad has them; directions[j][i] and tangents[i] have the shape of wrt[i]. Symmetric: u.Hv =
/// v.Hu. Errors: as locked_grad's.
std::vector<Value> locked_hvp(const Value& loss, ValueSpan wrt,
                              const std::vector<std::vector<Value>>& directions, ValueSpan tangents,
                              std::source_location where = std::source_location::current());

/// The Hessian of that piece: [n, n]. Errors: as locked_grad's; Error if the variable has a named dimension.
Value locked_hessian(const Value& loss, const Value& wrt, const std::vector<Value>& directions,
                     std::source_location where = std::source_location::current());

}  // namespace crease
