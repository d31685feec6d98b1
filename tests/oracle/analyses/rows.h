// Row spaces, by elimination: shares nothing with the library's solvers.
#pragma once

#include <map>
#include <vector>

#include "graph/analysis/scaling_law.h"
#include "graph/rational.h"

namespace crease::oracle {

using Row = std::map<int64_t, Rational>;

/// Whether rows are over the field of two elements rather than the rationals.
enum class Field2 : bool { No, Yes };

/// Rank of the span.
int64_t rank(const std::vector<Row>& rows, Field2 field);

inline Rational as_rational(const Rational& number) { return number; }
inline Rational as_rational(const Parity2& number) { return Rational(number.is_zero() ? 0 : 1); }

}  // namespace crease::oracle
