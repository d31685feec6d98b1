// Bodies of one argument as functions of one variable: what their tables and their halves left and right of 0
// say beyond the rules that go expression by expression.
#pragma once

#include <optional>

#include "graph/analysis/convexity/curve.h"

namespace crease {

/// The fact of a body of one argument on the signs that the argument can have, as a function of that argument
/// (bit 0). By the exact table where the body is piecewise linear; otherwise by the rules, on the whole and
/// separately left and right of 0, joined where value and slope fit. Nothing if the body depends on labels or
/// sizes.
std::optional<Curve> curve_of_one_variable(const Scalar& body, bool negative, bool positive);

}  // namespace crease
