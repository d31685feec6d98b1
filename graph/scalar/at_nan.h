// Slopes where the comparison that decides them meets NaN.
#pragma once

#include "graph/scalar.h"

namespace crease {

/// What a slope is where a comparison that decides it meets NaN. Nan: NaN. Passed: one of the slopes on its
/// two sides, not 0 if only one is 0; for callers who multiply it by what is NaN there: one comparison does
/// for two.
enum class AtNan : uint8_t { Nan, Passed };

/// slope() of graph/scalar.h is that for AtNan::Nan.
Scalar slope(const Scalar& expression, int position, Side side, uint64_t constants, AtNan at_nan);
Scalar slope(const Scalar& expression, int position, const Tie& tie, uint64_t constants, AtNan at_nan);

}  // namespace crease
