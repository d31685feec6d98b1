// How one number depends on the inputs: which of them can raise or lower it, which way it can bend, which
// signs it can have. The lattice of the convexity analysis and its rules for scalar bodies; convexity.h walks
// the graph with them.
//
// Every flag says what may happen, so no flag at all is the strongest statement (the constant 0), and the
// union of two facts holds for either. Source of the rules: composition rules of disciplined convex
// programming, Grant, Boyd, Ye 2006; pieces of one-argument bodies by their exact tables.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "graph/scalar/forms.h"

namespace crease {

/// What may be true of one number as a function of the inputs.
struct Curve {
  uint64_t rises = 0;       // bit per input element (or group of them): may increase with it
  uint64_t falls = 0;       // may decrease with it
  bool bends_up = false;    // may be not concave
  bool bends_down = false;  // may be not convex
  bool negative = false;    // may be < 0
  bool positive = false;    // may be > 0
  double value = std::numeric_limits<double>::quiet_NaN();  // of a constant, where it is known

  bool is_constant() const { return (rises | falls) == 0; }
  bool is_affine() const { return !bends_up && !bends_down; }
  bool is_convex() const { return !bends_down; }
  bool is_concave() const { return !bends_up; }
};

/// A known constant. NaN: all signs are possible.
Curve constant_curve(double value);
/// A constant of unknown value: a parameter of which only the existence is used.
Curve free_constant();
/// The union: holds for a number that has one of the two facts.
Curve either(const Curve& a, const Curve& b);
/// Everything may happen with the inputs on which `c` depends.
Curve anything(const Curve& c);

Curve sum_curve(const Curve& a, const Curve& b);
Curve negated_curve(const Curve& c);
Curve max_curve(const Curve& a, const Curve& b);
Curve min_curve(const Curve& a, const Curve& b);
Curve product_curve(const Curve& a, const Curve& b);

/// A body, ready to be applied to facts many times.
class CurveBody {
 public:
  explicit CurveBody(const Scalar& body);
  /// The fact of the body's value, its arguments having these facts. A body that depends on one argument that
  /// varies is also looked at as a function of one variable, by its table where it is piecewise linear.
  Curve run(std::span<const Curve> arguments);
  /// The same by the rules for sums, products and functions alone.
  Curve rules(std::span<const Curve> arguments);

 private:
  Curve of_one(std::span<const Curve> arguments, size_t variable);

  Scalar body_;
  bool nonlinear_ = false;  // holds more than sums and products
  std::vector<BodyStep> steps_;
  std::vector<Curve> registers_;
  /// By the argument that varies, its sign, and the values of the constant ones.
  std::map<std::vector<double>, std::optional<Curve>> known_;
};

}  // namespace crease
