// All first derivatives of one value with respect to another.
#pragma once

#include "autodiff/reverse.h"

namespace crease {

/// The derivatives of `output` with respect to `wrt`: [m, n] for m elements and n, both row-major. Slopes at
/// kinks are those that the Tie selects, as in vjp. Errors: as vjp's; Error if one of them has a named
/// dimension or no elements. Cost: m vector-Jacobian products.
Value jacobian(const Value& output, const Value& wrt, const GradOptions& options = {},
               std::source_location where = std::source_location::current());

}  // namespace crease
