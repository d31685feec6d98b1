#include "graph/analysis/bounds/curve.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "graph/error.h"
#include "graph/scalar/forms.h"
#include "graph/scalar/tape.h"

namespace crease {

namespace {

/// How often the argument is mentioned, counting shared parts each time; at most `limit`.
int mentions(const Scalar& body, int limit) {
  return fold_steps<int>(body, [limit](const Scalar& e, std::span<const int> terms) {
    const int own = e.kind() == ScalarKind::Argument ? 1 : 0;
    return std::min(std::reduce(terms.begin(), terms.end(), own), limit);
  });
}

/// x * x, which is never negative.
Interval squared(const Interval& x) {
  const Interval low = Interval::point(x.low), high = Interval::point(x.high);
  const Interval ends = hull(low * low, high * high);
  return {x.contains(0) ? 0 : ends.low, ends.high};
}

constexpr int kPieces = 64;

/// Cuts an interval: infinite ends become tails beyond 16 in magnitude.
std::vector<Interval> cut(const Interval& x, int pieces) {
  std::vector<Interval> result;
  double low = x.low, high = x.high;
  if (low == -kInfinity) {
    low = std::min(-16.0, high);
    result.push_back({-kInfinity, low});
  }
  if (high == kInfinity) {
    high = std::max(16.0, low);
    result.push_back({high, kInfinity});
  }
  double from = low;
  for (int k = 1; k <= pieces; ++k) {
    const double to = k == pieces ? high : std::clamp(low + (high - low) * k / pieces, from, high);
    result.push_back({from, to});
    from = to;
  }
  return result;
}

}  // namespace

IntervalTape::IntervalTape(const Scalar& body) {
  std::map<const ScalarNode*, int> place;
  for (const Scalar& e : topological(body)) {
    Instruction instruction{e.kind(), 0, {0, 0, 0}};
    if (e.kind() == ScalarKind::Argument || e.kind() == ScalarKind::Index)
      instruction.position = e.position();
    for (size_t k = 0; k < e.terms().size(); ++k) instruction.terms[k] = place.at(e.terms()[k].id());
    place[e.id()] = static_cast<int>(code_.size());
    code_.push_back(instruction);
    const bool is_number = e.kind() == ScalarKind::Constant && !std::isnan(e.constant());
    registers_.push_back(is_number ? Interval::point(e.constant()) : Interval{});
    if (e.kind() == ScalarKind::Size) registers_.back() = {1, kInfinity};
  }
}

Interval IntervalTape::run(std::span<const Interval> arguments, std::span<const int64_t> labels) {
  for (size_t k = 0; k < code_.size(); ++k) {
    const Instruction& step = code_[k];
    if (step.kind == ScalarKind::Constant || step.kind == ScalarKind::Size) continue;
    if (step.kind == ScalarKind::Argument) {
      registers_[k] = arguments[static_cast<size_t>(step.position)];
    } else if (step.kind == ScalarKind::Index) {
      registers_[k] = Interval::point(static_cast<double>(labels[static_cast<size_t>(step.position)]));
    } else {
      const auto term = [&](int t) { return registers_[static_cast<size_t>(step.terms[t])]; };
      const Interval terms[3] = {term(0), term(1), term(2)};
      const bool square = step.kind == ScalarKind::Multiply && step.terms[0] == step.terms[1];
      registers_[k] = square ? squared(terms[0]) : apply(step.kind, terms);
    }
  }
  return registers_.back();
}

ScalarCurve::ScalarCurve(const Scalar& body) : body_(body), tape_(body), table_(piecewise_linear(body)) {
  if (arity(body) > 1) fail("[curve] wants a body of one argument, got {}", to_string(body));
  single_ = mentions(body, 2) <= 1;
  if (!may_jump(body)) slope_.emplace(slope(body, 0, Side::Right));
  if (!table_) return;
  for (const Knot& knot : table_->knots) knots_.push_back(enclose(knot.at));
  for (size_t k = 0; k < table_->slopes.size(); ++k)
    pieces_.push_back({enclose(table_->slopes[k]), enclose(table_->offsets[k])});
}

Interval ScalarCurve::natural(const Interval& x) { return tape_.run(std::span(&x, 1)); }

Interval ScalarCurve::limit(size_t piece, const Interval& x) const {
  return pieces_[piece].slope * x + pieces_[piece].offset;
}

/// The ends of x and the knots inside, with the limits from both sides and the value.
std::vector<ScalarCurve::Vertex> ScalarCurve::vertices(const Interval& x) const {
  std::vector<Vertex> result;
  size_t first = 0;
  while (first < knots_.size() && knots_[first].high < x.low) ++first;
  result.push_back({Interval::point(x.low), limit(first, Interval::point(x.low))});
  size_t piece = first;
  for (size_t k = first; k < knots_.size() && knots_[k].low <= x.high; ++k) {
    const Knot& knot = table_->knots[k];
    const Interval at = intersect(x, knots_[k]);
    Interval all = hull(enclose(knot.left), hull(enclose(knot.value), enclose(knot.right)));
    // The knot is no double: the value is that of both pieces anywhere between its neighbours.
    if (!knots_[k].is_point()) all = hull(all, hull(limit(k, knots_[k]), limit(k + 1, knots_[k])));
    result.push_back({at, all});
    piece = k + 1;
  }
  result.push_back({Interval::point(x.high), limit(piece, Interval::point(x.high))});
  return result;
}

Interval ScalarCurve::range(const Interval& x) {
  if (table_) {
    const std::vector<Vertex> corners = vertices(x);
    Interval all = corners.front().value;
    for (const Vertex& corner : corners) all = hull(all, corner.value);
    return all;
  }
  if (single_ || x.is_point()) return natural(x);
  return pieces_range(x);
}

Interval ScalarCurve::pieces_range(const Interval& x) {
  if (slope_) {
    const Interval rise = slope_->run(std::span(&x, 1));
    if (x.is_finite() && (rise.low >= 0 || rise.high <= 0))
      return hull(natural(Interval::point(x.low)), natural(Interval::point(x.high)));
  }
  const std::vector<Interval> parts = cut(x, kPieces);
  Interval all = shifted(parts.front(), 0);
  for (const Interval& part : parts) all = hull(all, shifted(part, 0));
  return all;
}

/// Values of body(t) - slope t for t in x: naturally, and by the mean value theorem.
Interval ScalarCurve::shifted(const Interval& x, double slope) {
  const Interval line = Interval::point(slope);
  const Interval plain = natural(x) - line * x;
  if (!slope_ || !x.is_finite()) return plain;
  const Interval middle = Interval::point(x.low + (x.high - x.low) / 2);
  const Interval rise = slope_->run(std::span(&x, 1)) - line;
  return intersect(plain, natural(middle) - line * middle + rise * (x - middle));
}

Interval ScalarCurve::slopes(const Interval& x) {
  if (!slope_) return {};
  const std::vector<Interval> parts = cut(x, kPieces);
  Interval all = slope_->run(std::span(&parts.front(), 1));
  for (const Interval& part : parts) all = hull(all, slope_->run(std::span(&part, 1)));
  return all;
}

Lines ScalarCurve::lines(const Interval& x, double place) {
  const Interval values = range(x);
  const Lines constant{0, values.low, 0, values.high};
  if (!x.is_finite() || !values.is_finite() || x.is_point()) return constant;
  return table_ ? table_lines(x, place) : smooth_lines(x);
}

Lines ScalarCurve::table_lines(const Interval& x, double place) const {
  const std::vector<Vertex> corners = vertices(x);
  const double middle = x.low + (x.high - x.low) * place;
  Lines result;
  // The edge over the middle: of all chords across it, the lowest and the highest there.
  double lowest = kInfinity, highest = -kInfinity;
  for (const Vertex& a : corners)
    for (const Vertex& b : corners) {
      if (!(a.at.low < b.at.low) || a.at.low > middle || b.at.low < middle) continue;
      const double share = (middle - a.at.low) / (b.at.low - a.at.low);
      const double low = a.value.low + share * (b.value.low - a.value.low);
      const double high = a.value.high + share * (b.value.high - a.value.high);
      if (low < lowest) result.lower_slope = (b.value.low - a.value.low) / (b.at.low - a.at.low);
      if (high > highest) result.upper_slope = (b.value.high - a.value.high) / (b.at.low - a.at.low);
      lowest = std::min(low, lowest);
      highest = std::max(high, highest);
    }
  // Whatever the slopes are, these offsets make the lines hold: a line is below a table if it is at vertices.
  Interval below{kInfinity, kInfinity}, above{-kInfinity, -kInfinity};
  for (const Vertex& corner : corners) {
    below.low = std::min(below.low, (corner.value - Interval::point(result.lower_slope) * corner.at).low);
    above.high = std::max(above.high, (corner.value - Interval::point(result.upper_slope) * corner.at).high);
  }
  result.lower_offset = below.low;
  result.upper_offset = above.high;
  return result;
}

Lines ScalarCurve::smooth_lines(const Interval& x) {
  const Interval values = range(x);
  const Interval left = natural(Interval::point(x.low)), right = natural(Interval::point(x.high));
  const Lines constant{0, values.low, 0, values.high};
  const double slope = (right.low - left.low) / (x.high - x.low);
  if (!std::isfinite(slope)) return constant;
  const std::vector<Interval> parts = cut(x, kPieces / 2);
  Interval offset = shifted(parts.front(), slope);
  for (const Interval& part : parts) offset = hull(offset, shifted(part, slope));
  const bool flat = !(offset.high - offset.low < values.high - values.low);
  return flat ? constant : Lines{slope, offset.low, slope, offset.high};
}

}  // namespace crease
