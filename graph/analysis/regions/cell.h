// A piece of input space: a convex polyhedron, in exact arithmetic.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "graph/analysis/exact_lp.h"
#include "graph/rational.h"

namespace crease {

using Point = std::vector<Rational>;

/// slope . x + offset. An empty slope: a constant.
struct AffineFunction {
  std::vector<Rational> slope;
  Rational offset;

  bool is_constant() const;
  Rational at(const Point& x) const;
  bool operator==(const AffineFunction& other) const;
};
/// How many times as long as with short numbers it takes to compute with f, roughly.
int64_t length(const AffineFunction& f);
AffineFunction operator+(const AffineFunction& f, const AffineFunction& g);
AffineFunction operator-(const AffineFunction& f, const AffineFunction& g);
AffineFunction operator*(const AffineFunction& f, const Rational& factor);
/// c with f = c g, if there is one that is not 0 and g is no constant.
std::optional<Rational> ratio(const AffineFunction& f, const AffineFunction& g);

/// What signs a function takes inside a cell. Zero: it is 0 everywhere.
enum class CellSign : uint8_t { Positive, Negative, Both, Zero };

/// A full-dimensional polyhedron. In one and two dimensions it is kept by its corners, at infinity too, which
/// decides every question without a linear program.
class Cell {
 public:
  /// All of the space.
  static Cell whole(size_t dimension);
  /// A box. Errors: Error unless low < high along every axis.
  static Cell box(const std::vector<std::pair<Rational, Rational>>& sides);
  /// The cell around a point that is not known yet: every question of a sign is answered at the point and
  /// remembered as a face. Where a function is 0 there, the side on which it is negative is taken.
  static Cell around(Point point);

  size_t dimension() const { return dimension_; }
  /// Functions that are >= 0 exactly in the cell; some may be superfluous.
  const std::vector<AffineFunction>& faces() const { return faces_; }
  /// The corners in order around the cell; empty for unbounded cells and more than two dimensions.
  std::vector<Point> corners() const;

  /// Remembers points of the cell that show it.
  CellSign sign(const AffineFunction& f);
  /// The part where f >= 0. The cell must take both signs of f.
  Cell part(const AffineFunction& f) const;
  /// Greatest value; absent: unbounded.
  std::optional<Rational> maximum(const AffineFunction& f);
  /// Where both were cut from one cell: the face at which the cut went between them, >= 0 in this one.
  const AffineFunction& border(const Cell& other) const;
  /// Whether they have a part of the border in common that is of one dimension less.
  bool shares_facet(const Cell& other);
  /// A point inside, off all faces.
  Point interior() const;
  /// Operations on short rationals that take as long as the questions so far, to this cell and those it is
  /// part of.
  int64_t work() const { return work_; }

 private:
  std::vector<LinearConstraint> constraints() const;
  LpResult maximised(const std::vector<Rational>& slope, const std::vector<LinearConstraint>& constraints);
  std::optional<Rational> polygon_maximum(const AffineFunction& f) const;
  void cut_polygon(const AffineFunction& f, const std::vector<Point>& corners);

  size_t dimension_ = 0;
  bool polygon_ = false;
  bool growing_ = false;  // by faces, around its only point
  std::vector<AffineFunction> faces_;
  /// Some points of the cell. Of a polygon all corners, in order (from end to end in one dimension), and
  /// with one more coordinate w: x / w if w > 0, the direction x if w = 0. Neighbours are never opposite
  /// directions, so a corner may lie on an edge.
  std::vector<Point> points_;
  int64_t work_ = 0;
};

}  // namespace crease
