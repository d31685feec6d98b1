// Piecewise-linear functions of one variable, exactly: the table of knots and slopes that a scalar body such
// as min(max(x, 0), 6) stands for, and the facts read from it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "graph/rational.h"
#include "graph/scalar.h"

namespace crease {

/// A point where the slope or the value changes.
struct Knot {
  Rational at;
  Rational left;   // limit from below
  Rational value;  // at the knot itself
  Rational right;  // limit from above
  bool is_jump() const { return left != right || value != left; }
  bool operator==(const Knot&) const = default;
};

/// A function that is affine between finitely many knots. slopes[i] and offsets[i] describe piece i, which
/// lies left of knots[i] and right of knots[i - 1]: slopes[i] * x + offsets[i]. Knots ascend, and none is
/// superfluous.
struct PiecewiseLinear {
  std::vector<Knot> knots;
  std::vector<Rational> slopes;   // knots.size() + 1
  std::vector<Rational> offsets;  // knots.size() + 1
  bool operator==(const PiecewiseLinear&) const = default;

  Rational value(const Rational& x) const;
  /// Limit of the value from one side of x.
  Rational limit(const Rational& x, Side side) const;
  /// Slope of the piece on one side of x.
  Rational slope(const Rational& x, Side side) const;
  /// Number of the piece on one side of x.
  size_t piece(const Rational& x, Side side) const;
};

/// The table of a body of one argument, or nothing if it is not piecewise linear, not a function of that
/// argument alone, or has too many pieces: more than 10,000 (floor), or 2^18 over
/// all steps of the body (a jump, again and again). Constants are taken as exact dyadic rationals, and
/// divided exactly: x / 6 has slope 1/6. Infinities as constants give nothing.
std::optional<PiecewiseLinear> piecewise_linear(const Scalar& body);

bool is_continuous(const PiecewiseLinear& f);
/// Exactly one affine piece without jumps.
bool is_affine(const PiecewiseLinear& f);
/// Convex, concave: over the whole line. A function with a jump is neither.
bool is_convex(const PiecewiseLinear& f);
bool is_concave(const PiecewiseLinear& f);

enum class Monotone : uint8_t { Constant, Increasing, Nondecreasing, Decreasing, Nonincreasing, None };
Monotone monotonicity(const PiecewiseLinear& f);
/// "constant", "increasing", "nondecreasing", ...
std::string_view to_string(Monotone monotone);

enum class Parity : uint8_t { None, Even, Odd };
Parity parity(const PiecewiseLinear& f);
std::string_view to_string(Parity parity);

/// k such that f(c x) = c^k f(x) for all c > 0 and all x, if there is exactly one: 1 for relu and |x|, 0 for
/// step. Nothing for the zero function, which has every degree.
std::optional<int> homogeneous_degree(const PiecewiseLinear& f);

/// Infimum and supremum; absent: unbounded.
struct RationalRange {
  std::optional<Rational> low, high;
  bool operator==(const RationalRange&) const = default;
};
RationalRange range(const PiecewiseLinear& f);

/// Least Lipschitz constant; absent where there is a jump.
std::optional<Rational> lipschitz(const PiecewiseLinear& f);

/// "0 for x < 0; x for x > 0"; a jump adds "1/2 at 0".
std::string to_string(const PiecewiseLinear& f);

}  // namespace crease
