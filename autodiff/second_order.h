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

/// Second derivatives of the smooth piece next to a point, as nodes of the graph.
struct LockedSecond {
  /// Hessian times tangents, one product for each variable; of locked_hessian the Hessian alone.
  std::vector<Value> products;
  /// Scalars, as locked_grad has them: how many kinks this point sits on, and how many of them no direction
  /// decides. If any is undecided, the numbers mix pieces, and nothing is claimed of them.
  Value hits, unresolved;
};

/// Hessian times `tangents` of the smooth piece next to the point in direction directions[0], then [1], ...,
/// as locked_grad has them; directions[j][i] and tangents[i] have the shape of wrt[i]. Symmetric: u.Hv =
/// v.Hu. Errors: as locked_grad's.
LockedSecond locked_hvp(const Value& loss, ValueSpan wrt, const std::vector<std::vector<Value>>& directions,
                        ValueSpan tangents, std::source_location where = std::source_location::current());

/// The Hessian of that piece, products[0]: [n, n]. Errors: as locked_grad's; Error if the variable has a
/// named dimension.
LockedSecond locked_hessian(const Value& loss, const Value& wrt, const std::vector<Value>& directions,
                            std::source_location where = std::source_location::current());

}  // namespace crease
