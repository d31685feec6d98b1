#include "graph/analysis/regions/cell.h"

#include <algorithm>

#include "graph/error.h"

namespace crease {
namespace {

constexpr size_t kKeptPoints = 24;

Rational dot(const std::vector<Rational>& a, const std::vector<Rational>& b) {
  Rational sum;
  for (size_t i = 0; i < a.size(); ++i)
    if (!a[i].is_zero()) sum += a[i] * b[i];
  return sum;
}

/// slope . x + offset w: the function's value at x / w times w, or its growth in direction x.
Rational at_corner(const AffineFunction& f, const Point& corner) {
  Rational value = f.offset * corner.back();
  for (size_t i = 0; i < f.slope.size(); ++i)
    if (!corner[i].is_zero()) value += f.slope[i] * corner[i];
  return value;
}

/// The corner where f is 0 between two at which it has opposite signs.
Point crossing(const Point& p, const Rational& f_p, const Point& q, const Rational& f_q) {
  const Rational weight_p = f_q.abs(), weight_q = f_p.abs();
  Point result;
  for (size_t i = 0; i < p.size(); ++i) result.push_back(weight_p * p[i] + weight_q * q[i]);
  Rational scale = result.back();
  if (scale.is_zero())
    for (const Rational& x : result) scale = std::max(scale, x.abs());
  for (Rational& x : result) x /= scale;
  return result;
}

/// Some corner with f = 0 that is not at infinity.
Point foot(const AffineFunction& f) {
  const Rational scale = -f.offset / dot(f.slope, f.slope);
  Point result;
  for (const Rational& s : f.slope) result.push_back(s * scale);
  result.emplace_back(1);
  return result;
}

bool are_opposite_directions(const Point& p, const Point& q) {
  if (!p.back().is_zero() || !q.back().is_zero()) return false;
  // In the plane: on one line, and pointing against each other.
  return (p[0] * q[1] - p[1] * q[0]).is_zero() && (p[0] * q[0] + p[1] * q[1]).sign() < 0;
}

/// f >= margin * t as a constraint on (x, t).
LinearConstraint at_least(const AffineFunction& f, int margin, size_t dimension) {
  LinearConstraint constraint{{}, f.offset};
  for (size_t i = 0; i < dimension; ++i) constraint.a.push_back(f.slope.empty() ? 0 : -f.slope[i]);
  constraint.a.push_back(margin);
  return constraint;
}

/// A linear program for the greatest t <= 1 of (x, t).
std::vector<Rational> widest(std::vector<LinearConstraint>& constraints, size_t dimension) {
  std::vector<Rational> t(dimension + 1, 0);
  t.back() = 1;
  constraints.push_back({t, 1});
  return t;
}

}  // namespace

std::optional<Rational> ratio(const AffineFunction& f, const AffineFunction& g) {
  const auto lead = std::ranges::find_if(g.slope, [](const Rational& s) { return !s.is_zero(); });
  if (lead == g.slope.end() || f.slope.empty()) return {};
  const Rational factor = f.slope[static_cast<size_t>(lead - g.slope.begin())] / *lead;
  if (factor.is_zero() || !(g * factor == f)) return {};
  return factor;
}

bool AffineFunction::is_constant() const {
  return std::ranges::all_of(slope, [](const Rational& s) { return s.is_zero(); });
}

Rational AffineFunction::at(const Point& x) const { return slope.empty() ? offset : offset + dot(slope, x); }

int64_t length(const AffineFunction& f) {
  constexpr int64_t word = 64;
  // Fractions are brought to lowest terms: a greatest common divisor takes a step for each bit.
  const auto words = [](const Rational& x) {
    return x.bits() / word * std::max<int64_t>(x.denominator_bits() / word, 1);
  };
  return 1 + words(f.offset) + (f.slope.empty() ? 0 : words(f.slope.front()));
}

bool AffineFunction::operator==(const AffineFunction& other) const {
  if (offset != other.offset) return false;
  if (slope.empty()) return other.is_constant();
  return other.slope.empty() ? is_constant() : slope == other.slope;
}

AffineFunction operator+(const AffineFunction& f, const AffineFunction& g) {
  if (f.slope.empty()) return {g.slope, f.offset + g.offset};
  AffineFunction result = f;
  result.offset += g.offset;
  for (size_t i = 0; i < g.slope.size(); ++i) result.slope[i] += g.slope[i];
  return result;
}

AffineFunction operator-(const AffineFunction& f, const AffineFunction& g) { return f + g * Rational(-1); }

AffineFunction operator*(const AffineFunction& f, const Rational& factor) {
  if (factor.is_zero()) return {};
  AffineFunction result = f;
  for (Rational& s : result.slope) s *= factor;
  result.offset *= factor;
  return result;
}

Cell Cell::whole(size_t dimension) {
  Cell cell;
  cell.dimension_ = dimension;
  cell.polygon_ = dimension == 1 || dimension == 2;
  if (dimension == 1) cell.points_ = {{-1, 0}, {0, 1}, {1, 0}};
  if (dimension == 2) cell.points_ = {{1, 0, 0}, {0, 1, 0}, {-1, 0, 0}, {0, -1, 0}};
  if (cell.polygon_) return cell;
  cell.points_.emplace_back(dimension, 0);
  for (size_t i = 0; i < dimension; ++i)
    for (const int far : {-1000, 1000}) {
      Point point(dimension, 0);
      point[i] = far;
      cell.points_.push_back(std::move(point));
    }
  return cell;
}

Cell Cell::box(const std::vector<std::pair<Rational, Rational>>& sides) {
  Cell cell;
  cell.dimension_ = sides.size();
  cell.polygon_ = sides.size() == 1 || sides.size() == 2;
  for (size_t i = 0; i < sides.size(); ++i) {
    expect(sides[i].first < sides[i].second, "[regions] side {} of the box is empty: [{}, {}]", i,
           to_string(sides[i].first), to_string(sides[i].second));
    std::vector<Rational> axis(sides.size(), 0);
    axis[i] = 1;
    cell.faces_.push_back({axis, -sides[i].first});
    axis[i] = -1;
    cell.faces_.push_back({axis, sides[i].second});
  }
  // Gray code: neighbours differ along one axis, so two dimensions are walked around.
  for (size_t k = 0; k < (size_t{1} << std::min<size_t>(sides.size(), 4)); ++k) {
    const size_t code = k ^ (k >> 1);
    Point corner;
    for (size_t i = 0; i < sides.size(); ++i)
      corner.push_back((code >> i & 1) != 0 ? sides[i].second : sides[i].first);
    if (cell.polygon_) corner.emplace_back(1);
    cell.points_.push_back(std::move(corner));
  }
  return cell;
}

Cell Cell::around(Point point) {
  Cell cell;
  cell.dimension_ = point.size();
  cell.growing_ = true;
  cell.points_.push_back(std::move(point));
  return cell;
}

std::vector<Point> Cell::corners() const {
  std::vector<Point> result;
  if (!polygon_) return result;
  for (const Point& point : points_) {
    if (point.back().is_zero()) return {};
    result.emplace_back(point.begin(), point.end() - 1);
  }
  return result;
}

std::vector<LinearConstraint> Cell::constraints() const {
  std::vector<LinearConstraint> result;
  for (const AffineFunction& face : faces_) {
    LinearConstraint constraint{{}, face.offset};
    for (const Rational& s : face.slope) constraint.a.push_back(-s);
    result.push_back(std::move(constraint));
  }
  return result;
}

LpResult Cell::maximised(const std::vector<Rational>& slope,
                         const std::vector<LinearConstraint>& constraints) {
  LpResult best = maximise(slope, constraints);
  work_ += best.operations;
  return best;
}

CellSign Cell::sign(const AffineFunction& f) {
  if (f.is_constant()) {
    const int sign = f.offset.sign();
    return sign == 0 ? CellSign::Zero : sign > 0 ? CellSign::Positive : CellSign::Negative;
  }
  if (growing_) {
    const bool above = f.at(points_.front()).sign() > 0;
    faces_.push_back(above ? f : f * Rational(-1));
    return above ? CellSign::Positive : CellSign::Negative;
  }
  bool positive = false, negative = false;
  work_ += static_cast<int64_t>(points_.size() * (dimension_ + 1)) * length(f);
  for (const Point& point : points_) {
    const int sign = (polygon_ ? at_corner(f, point) : f.at(point)).sign();
    positive = positive || sign > 0;
    negative = negative || sign < 0;
  }
  const auto look = [&](int direction, bool& found) {
    if (found || polygon_) return;
    std::vector<LinearConstraint> limits = constraints();
    const AffineFunction g = f * Rational(direction);
    limits.push_back({g.slope, Rational(1) - g.offset});
    const LpResult best = maximised(g.slope, limits);
    found = g.at(best.x).sign() > 0;
    if (found) points_.push_back(best.x);
  };
  look(1, positive);
  look(-1, negative);
  if (positive && negative) return CellSign::Both;
  return positive ? CellSign::Positive : CellSign::Negative;
}

Cell Cell::part(const AffineFunction& f) const {
  Cell result;
  result.dimension_ = dimension_;
  result.polygon_ = polygon_;
  result.work_ = work_;
  result.faces_ = faces_;
  result.faces_.push_back(f);
  if (polygon_) {
    result.cut_polygon(f, points_);
    return result;
  }
  for (const Point& point : points_)
    if (f.at(point).sign() >= 0) result.points_.push_back(point);
  if (result.points_.size() > kKeptPoints)
    result.points_.erase(result.points_.begin(), result.points_.end() - kKeptPoints);
  return result;
}

void Cell::cut_polygon(const AffineFunction& f, const std::vector<Point>& corners) {
  std::vector<Rational> values;
  for (const Point& corner : corners) values.push_back(at_corner(f, corner));
  for (size_t i = 0; i < corners.size(); ++i) {
    const size_t next = (i + 1) % corners.size();
    if (values[i].sign() >= 0) points_.push_back(corners[i]);
    const bool closed = dimension_ > 1 || next != 0;  // a segment has no way back
    if (closed && values[i].sign() * values[next].sign() < 0)
      points_.push_back(crossing(corners[i], values[i], corners[next], values[next]));
  }
  // The line f = 0 alone joins opposite directions: a point on it says where it runs.
  for (size_t i = 0; dimension_ == 2 && i < points_.size(); ++i)
    if (are_opposite_directions(points_[i], points_[(i + 1) % points_.size()])) {
      points_.insert(points_.begin() + static_cast<std::ptrdiff_t>(i) + 1, foot(f));
      return;
    }
}

std::optional<Rational> Cell::polygon_maximum(const AffineFunction& f) const {
  std::optional<Rational> best;
  for (const Point& corner : points_) {
    const Rational value = at_corner(f, corner);
    if (!corner.back().is_zero())
      best = best ? std::max(*best, value / corner.back()) : value / corner.back();
    else if (value.sign() > 0)
      return {};
  }
  return best;
}

std::optional<Rational> Cell::maximum(const AffineFunction& f) {
  work_ += static_cast<int64_t>(dimension_ + 1) * length(f);
  if (f.is_constant()) return f.offset;
  if (polygon_) return polygon_maximum(f);
  const LpResult best = maximised(f.slope, constraints());
  if (best.status == LpStatus::Unbounded) return {};
  return best.value + f.offset;
}

Point Cell::interior() const {
  if (polygon_) {  // the sum of all corners
    Point sum(dimension_ + 1, 0);
    for (const Point& point : points_)
      for (size_t i = 0; i <= dimension_; ++i) sum[i] += point[i];
    const Rational w = sum.back().is_zero() ? Rational(1) : sum.back();
    sum.pop_back();
    for (Rational& x : sum) x /= w;
    return sum;
  }
  std::vector<LinearConstraint> limits;
  for (const AffineFunction& face : faces_) limits.push_back(at_least(face, 1, dimension_));
  const std::vector<Rational> width = widest(limits, dimension_);
  LpResult best = maximise(width, limits);
  best.x.pop_back();
  return best.x;
}

const AffineFunction& Cell::border(const Cell& other) const {
  const auto differ = std::ranges::mismatch(faces_, other.faces_);
  ensure(differ.in1 != faces_.end(), "[regions] no cut went between two cells");
  return *differ.in1;
}

bool Cell::shares_facet(const Cell& other) {
  const AffineFunction& face = border(other);
  std::vector<LinearConstraint> limits{at_least(face, 0, dimension_),
                                       at_least(face * Rational(-1), 0, dimension_)};
  const auto hold = [&](const std::vector<AffineFunction>& faces) {
    for (const AffineFunction& each : faces)
      if (!ratio(each, face)) limits.push_back(at_least(each, 1, dimension_));
  };
  hold(faces_);
  hold(other.faces_);
  const std::vector<Rational> width = widest(limits, dimension_);
  const LpResult best = maximised(width, limits);
  return best.status == LpStatus::Optimal && best.value.sign() > 0;
}

}  // namespace crease
