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

/// The point on the segment between two points where f is 0; it has opposite signs at them.
Point crossing(const Point& p, const Rational& f_p, const Point& q, const Rational& f_q) {
  const Rational t = f_p / (f_p - f_q);
  Point result;
  for (size_t i = 0; i < p.size(); ++i) result.push_back(p[i] + t * (q[i] - p[i]));
  return result;
}

/// f >= margin * t as a constraint on (x, t).
LinearConstraint at_least(const AffineFunction& f, int margin, size_t dimension) {
  LinearConstraint constraint{{}, f.offset};
  for (size_t i = 0; i < dimension; ++i) constraint.a.push_back(f.slope.empty() ? 0 : -f.slope[i]);
  constraint.a.push_back(margin);
  return constraint;
}

/// t <= 1, to be maximised.
LpResult widest(std::vector<LinearConstraint> constraints, size_t dimension) {
  std::vector<Rational> t(dimension + 1, 0);
  t.back() = 1;
  constraints.push_back({t, 1});
  return maximise(t, constraints);
}

/// Whether g is a multiple of f; then its sign is the factor's.
std::optional<int> factor_sign(const AffineFunction& f, const AffineFunction& g) {
  const auto lead = std::ranges::find_if(f.slope, [](const Rational& s) { return !s.is_zero(); });
  if (lead == f.slope.end()) return {};
  const Rational factor = g.slope[static_cast<size_t>(lead - f.slope.begin())] / *lead;
  if (factor.is_zero() || !(f * factor == g)) return {};
  return factor.sign();
}

}  // namespace

bool AffineFunction::is_constant() const {
  return std::ranges::all_of(slope, [](const Rational& s) { return s.is_zero(); });
}

Rational AffineFunction::at(const Point& x) const { return slope.empty() ? offset : offset + dot(slope, x); }

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

const std::vector<Point>& Cell::corners() const {
  static const std::vector<Point> none;
  return polygon_ ? points_ : none;
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
  for (const Point& point : points_) {
    const int sign = f.at(point).sign();
    positive = positive || sign > 0;
    negative = negative || sign < 0;
  }
  const auto look = [&](int direction, bool& found) {
    if (found || polygon_) return;
    std::vector<LinearConstraint> limits = constraints();
    const AffineFunction g = f * Rational(direction);
    limits.push_back({g.slope, Rational(1) - g.offset});
    const LpResult best = maximise(g.slope, limits);
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
  result.faces_ = faces_;
  result.faces_.push_back(f);
  std::vector<Rational> values;
  for (const Point& point : points_) values.push_back(f.at(point));
  for (size_t i = 0; i < points_.size(); ++i) {
    const size_t next = (i + 1) % points_.size();
    if (values[i].sign() >= 0) result.points_.push_back(points_[i]);
    const bool closed = dimension_ > 1 || next != 0;  // a segment has no way back
    if (closed && values[i].sign() * values[next].sign() < 0)
      result.points_.push_back(crossing(points_[i], values[i], points_[next], values[next]));
  }
  if (!polygon_ && result.points_.size() > kKeptPoints)
    result.points_.erase(result.points_.begin(), result.points_.end() - kKeptPoints);
  return result;
}

std::optional<Rational> Cell::maximum(const AffineFunction& f) const {
  if (f.is_constant()) return f.offset;
  if (polygon_) {
    Rational best = f.at(points_.front());
    for (const Point& point : points_) best = std::max(best, f.at(point));
    return best;
  }
  const LpResult best = maximise(f.slope, constraints());
  if (best.status == LpStatus::Unbounded) return {};
  return best.value + f.offset;
}

Point Cell::interior() const {
  if (polygon_) {  // the centre of the corners
    Point centre(dimension_, 0);
    for (const Point& point : points_)
      for (size_t i = 0; i < dimension_; ++i) centre[i] += point[i];
    for (Rational& c : centre) c /= Rational(static_cast<int64_t>(points_.size()));
    return centre;
  }
  std::vector<LinearConstraint> limits;
  for (const AffineFunction& face : faces_) limits.push_back(at_least(face, 1, dimension_));
  LpResult best = widest(std::move(limits), dimension_);
  best.x.pop_back();
  return best.x;
}

bool share_facet(const Cell& a, const Cell& b) {
  const size_t n = a.dimension();
  for (const AffineFunction& face : a.faces()) {
    const bool meets = std::ranges::any_of(
        b.faces(), [&](const AffineFunction& other) { return factor_sign(face, other) == -1; });
    if (!meets) continue;
    std::vector<LinearConstraint> limits{at_least(face, 0, n), at_least(face * Rational(-1), 0, n)};
    for (const auto* faces : {&a.faces(), &b.faces()})
      for (const AffineFunction& other : *faces)
        if (!factor_sign(face, other)) limits.push_back(at_least(other, 1, n));
    const LpResult best = widest(std::move(limits), n);
    if (best.status == LpStatus::Optimal && best.value.sign() > 0) return true;
  }
  return false;
}

}  // namespace crease
