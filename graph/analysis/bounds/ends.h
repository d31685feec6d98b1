// Scalar bodies as expressions for the ends of their intervals: what values a body can take, written as a
// body again, so that it can be compiled. Both ends are kept such that rounding up is outward: the upper end,
// and the negated lower end. Every expression is nondecreasing in the ends that it is made of, and sound if
// no operation gives less than its exact result; it must not be evaluated with rounding to nearest.
// Claim: box, as node_bounds.h. Source: Moore 1966; Rump 1999 for one rounding direction.
#pragma once

#include <span>

#include "graph/rational.h"
#include "graph/scalar.h"
#include "graph/type.h"

namespace crease {

/// -negated_low <= x <= high. A NaN as an end says nothing.
struct Ends {
  Scalar negated_low, high;

  /// A number that is known exactly.
  static Ends point(const Scalar& value) { return {-value, value}; }
  bool is_point() const { return negated_low.same(-high); }
};

/// Ends of a body over arguments with these ends, in arithmetic of `type` (f32 or f64: what constants are
/// rounded to, outward). A body that mentions one argument several times is taken by its table if it is
/// piecewise linear and continuous with at most 16 knots, by its ends where its slope has one sign, else by
/// the mean value theorem, or as it is written.
Ends ends_of(const Scalar& body, std::span<const Ends> arguments, Type type);

/// Ends of a number of the type, by its nearest doubles or floats.
Ends number_ends(const Rational& number, Type type);

/// An end with NaN turned into infinity.
Scalar known(const Scalar& end);

}  // namespace crease
