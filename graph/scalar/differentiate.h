// The walk that all derivatives of scalars share. A rule set says what the derivative of an argument is and
// which side counts where two terms of a comparison meet; everything else is the chain rule, with structural
// zeros: a factor that is identically 0 removes its term, so that 0 * infinity never arises from a path that
// does not exist.
#pragma once

#include <functional>
#include <unordered_map>

#include "graph/scalar/at_nan.h"

namespace crease {

/// What differs between one-sided slopes, directional derivatives and locked derivatives.
struct DerivativeRules {
  /// Derivative of Argument(position).
  std::function<Scalar(int)> argument;
  /// Derivative of max(a, b), min(a, b) where a == b.
  using AtTie = std::function<Scalar(const Scalar& node, const Scalar& da, const Scalar& db)>;
  AtTie max_tie, min_tie;
  /// Where u == v: whether v - u is positive right next to the point on the side that counts; and whether it
  /// is negative.
  std::function<Scalar(const Scalar& u, const Scalar& v, const Scalar& du, const Scalar& dv)> rises, falls;
  bool decided = false;       // conditions of select hold as they are, not as they are next to the point
  bool strong_zero = false;   // a zero tangent stays zero below an infinite slope
  AtNan at_nan = AtNan::Nan;  // where max or min compares with NaN
};

/// Derivatives of the nodes of one expression under one rule set; each node is derived once.
class Differentiate {
 public:
  /// `rules` must outlive this.
  explicit Differentiate(const DerivativeRules& rules) : rules_(rules) {}
  Scalar operator()(const Scalar& node);
  /// The truth value of a condition right next to the point, on the side that counts.
  Scalar limit(const Scalar& condition);

 private:
  /// The derivative of y, those of its terms being known.
  Scalar derive(const Scalar& y);
  Scalar unary(const Scalar& y, const Scalar& x);
  Scalar guarded(const Scalar& dx, const Scalar& slope) const;
  Scalar quotient(const Scalar& y, const Scalar& a, const Scalar& b);
  Scalar root_slope(const Scalar& y, const Scalar& dx) const;
  Scalar extremum(const Scalar& y, const Scalar& upper, const Scalar& lower,
                  const DerivativeRules::AtTie& at_tie);
  Scalar decided_extremum(const Scalar& da, const Scalar& db, const Scalar& upper, const Scalar& lower,
                          const Scalar& tied) const;
  Scalar branch(const Scalar& condition, const Scalar& da, const Scalar& db);
  Scalar rising(const Scalar& u, const Scalar& v);
  Scalar falling(const Scalar& u, const Scalar& v);

  const DerivativeRules& rules_;
  std::unordered_map<const ScalarNode*, Scalar> done_;
};

}  // namespace crease
