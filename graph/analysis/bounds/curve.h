// Scalar bodies over intervals: what values a body can take, and, for a body of one variable, straight lines
// below and above it. Both are derived from the body, whatever function it is.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "graph/analysis/bounds/interval.h"
#include "graph/piecewise.h"
#include "graph/scalar.h"

namespace crease {

/// A body as straight-line interval operations. A named size is at least 1.
class IntervalTape {
 public:
  explicit IntervalTape(const Scalar& body);
  Interval run(std::span<const Interval> arguments, std::span<const int64_t> labels = {});

 private:
  struct Instruction {
    ScalarKind kind;
    int position;
    int terms[3];
  };
  std::vector<Instruction> code_;
  std::vector<Interval> registers_;  // constants are set once, the rest is scratch
};

/// A line below a curve and one above it, on an interval: slope * x + offset. An infinite offset: there is
/// none.
struct Lines {
  double lower_slope = 0, lower_offset = -kInfinity;
  double upper_slope = 0, upper_offset = kInfinity;
};

/// A function of one variable. Piecewise linear ones are taken by their exact table; of others the derivative
/// is used where no comparison, choice or floor can make them jump.
class ScalarCurve {
 public:
  /// Errors: Error if the body has more than one argument.
  explicit ScalarCurve(const Scalar& body);

  /// Contains every value on x. Exact up to rounding for piecewise linear bodies, for monotone ones and for
  /// those that mention their argument once; else of 64 pieces of x.
  Interval range(const Interval& x);

  /// Contains every slope on x; everything for bodies that may jump.
  Interval slopes(const Interval& x);

  /// Piecewise linear: the edges of the lower and upper envelope of the graph over x that lie over the middle
  /// of x: for relu the chord (u / (u - l)) (x - l) above, and below slope 1 if u > -l, else 0. Others: the
  /// chord, shifted, or a constant where that is nearer. `place` in (0, 1) says over which point of x the
  /// edge lies: 1/2 is the middle. Source: Zhang et al. 2018 (CROWN), section 3.
  Lines lines(const Interval& x, double place = 0.5);

  const std::optional<PiecewiseLinear>& table() const { return table_; }
  const Scalar& body() const { return body_; }

 private:
  struct Vertex {
    Interval at;  // a knot that is no double lies between two
    Interval value;
  };
  struct Piece {
    Interval slope, offset;
  };
  Interval natural(const Interval& x);
  Interval pieces_range(const Interval& x);
  Interval shifted(const Interval& x, double slope);
  std::vector<Vertex> vertices(const Interval& x) const;
  Lines table_lines(const Interval& x, double place) const;
  Lines smooth_lines(const Interval& x);
  Interval limit(size_t piece, const Interval& x) const;

  Scalar body_;
  IntervalTape tape_;
  std::optional<IntervalTape> slope_;  // absent: the body may jump
  std::optional<PiecewiseLinear> table_;
  std::vector<Interval> knots_;
  std::vector<Piece> pieces_;
  bool single_ = false;  // the argument occurs once
};

}  // namespace crease
