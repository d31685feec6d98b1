// Linear programs in exact arithmetic: small ones, whose answer must be a proof. The simplex method over
// rationals; every answer carries what shows that it is right.
#pragma once

#include <vector>

#include "graph/rational.h"

namespace crease {

/// a . x <= b.
struct LinearConstraint {
  std::vector<Rational> a;
  Rational b;
};

enum class LpStatus : uint8_t { Optimal, Infeasible, Unbounded };

struct LpResult {
  LpStatus status = LpStatus::Infeasible;
  Rational value;               // Optimal: c . x
  std::vector<Rational> x;      // Optimal, Unbounded: a feasible point
  std::vector<Rational> ray;    // Unbounded: a direction in which c . x grows and no constraint is ever met
  std::vector<Rational> duals;  // one a constraint, >= 0. Optimal: sum duals a = c, sum duals b = value.
                                // Infeasible: sum duals a = 0, sum duals b < 0 (Farkas multipliers)
  int64_t operations = 0;       // what it took, in operations on short rationals
};

/// Maximises c . x over free variables x under constraints.
/// Errors: Error if a constraint has another number of coefficients than c.
/// Cost: pivots * constraints * variables operations on rationals; Bland's rule, so it always ends.
/// Source: Chvatal 1983, chapters 2 and 3.
LpResult maximise(const std::vector<Rational>& c, const std::vector<LinearConstraint>& constraints);

}  // namespace crease
