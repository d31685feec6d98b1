// Intervals of real numbers with ends in double precision, rounded outward: the result of every operation
// contains all real results of numbers in its operands. An end that is exact in double stays exact, so that
// 0 <= relu(x) is not lost to rounding.
#pragma once

#include <cmath>
#include <limits>

#include "graph/rational.h"
#include "graph/scalar.h"

namespace crease {

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// All real numbers x with low <= x <= high. Never empty, never NaN.
struct Interval {
  double low = -kInfinity;
  double high = kInfinity;

  static Interval point(double value) { return {value, value}; }
  bool is_point() const { return low == high; }
  bool is_finite() const { return low > -kInfinity && high < kInfinity; }
  bool contains(double value) const { return low <= value && value <= high; }
  /// Greatest magnitude.
  double magnitude() const { return std::fmax(-low, high); }
  bool operator==(const Interval&) const = default;
};

/// The least double above, the greatest below; both the value itself if it is exact.
Interval enclose(const Rational& value);

/// Numbers in both. Where rounding leaves none, the first.
Interval intersect(const Interval& a, const Interval& b);
/// The least interval that contains both.
Interval hull(const Interval& a, const Interval& b);

Interval operator+(const Interval& a, const Interval& b);
Interval operator-(const Interval& a, const Interval& b);
Interval operator*(const Interval& a, const Interval& b);
/// Everything where b contains 0.
Interval operator/(const Interval& a, const Interval& b);
Interval operator-(const Interval& a);

/// One step of a scalar body. Functions of the mathematical library are widened by 8 units in the last place:
/// glibc states at most 2 for those used here, and sigmoid and softplus take three of them. Where an argument
/// can leave the domain (log of 0) the result is everything.
Interval apply(ScalarKind kind, const Interval* terms);

}  // namespace crease
