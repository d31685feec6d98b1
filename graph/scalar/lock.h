// Locked derivatives: every kink is decided once, by the branch that is active next to the point in given
// directions, taken lexicographically: the first direction in which the two sides of a comparison move apart
// decides; where none does, the second term of max and the first of min is taken. The result is the
// derivative of the smooth piece on that side. Source: lexicographic differentiation, Nesterov 2005; branch
// locking, Khan 2018.
#pragma once

#include <vector>

#include "graph/scalar/at_nan.h"

namespace crease {

/// The body of one operation with `argument_count` arguments, locked along `direction_count` directions. In
/// the expressions that this makes, Argument(p) is argument p, and Argument(argument_count * (1 + j) + p) its
/// tangent in direction j.
class ScalarLock {
 public:
  ScalarLock(const Scalar& body, int argument_count, int direction_count);

  /// Locked partial derivative with respect to argument `position`.
  Scalar slope(int position, AtNan at_nan = AtNan::Nan) const;
  /// Locked tangent in direction j.
  Scalar tangent(int direction) const;
  /// The value on the locked side: differs from the body's only at a jump.
  Scalar value() const;
  /// Number of kinks at this point that no direction decides, as an expression.
  Scalar unresolved() const;
  /// Number of kinks at this point.
  Scalar hits() const;
  /// Whether the body has a jump: comparisons outside max and min, or floor.
  bool can_jump() const;

 private:
  Scalar body_;
  int arguments_, directions_;
};

/// Derivative with respect to argument `position` where every condition of a select stays as it is at the
/// point: of bodies that are derivatives, whose kinks were decided before. Max and min, which are values in
/// there, take the side.
Scalar decided_slope(const Scalar& expression, int position, Side side, uint64_t constants = 0,
                     AtNan at_nan = AtNan::Nan);

}  // namespace crease
