#include "graph/piecewise.h"

#include <fmt/ranges.h>

#include <algorithm>

namespace crease {

namespace {

/// What values do from left to right, in pieces and at jumps.
struct Trend {
  bool rises = false, falls = false, flat = false;
};

Trend trend(const PiecewiseLinear& f) {
  Trend result;
  for (const Rational& slope : f.slopes) {
    if (slope.sign() > 0) result.rises = true;
    if (slope.sign() < 0) result.falls = true;
    if (slope.sign() == 0) result.flat = true;
  }
  for (const Knot& knot : f.knots) {
    if (knot.left < knot.value || knot.value < knot.right) result.rises = true;
    if (knot.left > knot.value || knot.value > knot.right) result.falls = true;
  }
  return result;
}

/// x -> f(-x).
PiecewiseLinear mirrored(const PiecewiseLinear& f) {
  PiecewiseLinear g;
  for (const Knot& knot : f.knots)
    g.knots.insert(g.knots.begin(), {-knot.at, knot.right, knot.value, knot.left});
  for (const Rational& slope : f.slopes) g.slopes.insert(g.slopes.begin(), -slope);
  g.offsets.assign(f.offsets.rbegin(), f.offsets.rend());
  return g;
}

PiecewiseLinear negated(PiecewiseLinear f) {
  for (Knot& knot : f.knots) knot = {knot.at, -knot.left, -knot.value, -knot.right};
  for (Rational& slope : f.slopes) slope = -slope;
  for (Rational& offset : f.offsets) offset = -offset;
  return f;
}

bool has_slope_order(const PiecewiseLinear& f, bool ascending) {
  if (!is_continuous(f)) return false;
  for (size_t i = 0; i + 1 < f.slopes.size(); ++i)
    if ((f.slopes[i] < f.slopes[i + 1]) != ascending) return false;
  return true;
}

}  // namespace

size_t PiecewiseLinear::piece(const Rational& x, Side side) const {
  size_t i = 0;
  while (i < knots.size() && (side == Side::Left ? knots[i].at < x : knots[i].at <= x)) ++i;
  return i;
}

Rational PiecewiseLinear::value(const Rational& x) const {
  const size_t i = piece(x, Side::Left);
  if (i < knots.size() && knots[i].at == x) return knots[i].value;
  return slopes[i] * x + offsets[i];
}

Rational PiecewiseLinear::limit(const Rational& x, Side side) const {
  const size_t i = piece(x, side);
  return slopes[i] * x + offsets[i];
}

Rational PiecewiseLinear::slope(const Rational& x, Side side) const { return slopes[piece(x, side)]; }

bool is_continuous(const PiecewiseLinear& f) {
  return std::none_of(f.knots.begin(), f.knots.end(), [](const Knot& knot) { return knot.is_jump(); });
}

bool is_affine(const PiecewiseLinear& f) { return f.knots.empty(); }
bool is_convex(const PiecewiseLinear& f) { return has_slope_order(f, true); }
bool is_concave(const PiecewiseLinear& f) { return has_slope_order(f, false); }

Monotone monotonicity(const PiecewiseLinear& f) {
  const Trend t = trend(f);
  if (t.rises && t.falls) return Monotone::None;
  if (t.rises) return t.flat ? Monotone::Nondecreasing : Monotone::Increasing;
  if (t.falls) return t.flat ? Monotone::Nonincreasing : Monotone::Decreasing;
  return Monotone::Constant;
}

std::string_view to_string(Monotone monotone) {
  switch (monotone) {
    case Monotone::Constant: return "constant";
    case Monotone::Increasing: return "increasing";
    case Monotone::Nondecreasing: return "nondecreasing";
    case Monotone::Decreasing: return "decreasing";
    case Monotone::Nonincreasing: return "nonincreasing";
    case Monotone::None: return "none";
  }
  return "";
}

Parity parity(const PiecewiseLinear& f) {
  const PiecewiseLinear reflection = mirrored(f);
  if (reflection == f) return Parity::Even;
  return negated(reflection) == f ? Parity::Odd : Parity::None;
}

std::string_view to_string(Parity parity) {
  switch (parity) {
    case Parity::None: return "none";
    case Parity::Even: return "even";
    case Parity::Odd: return "odd";
  }
  return "";
}

std::optional<int> homogeneous_degree(const PiecewiseLinear& f) {
  if (f.knots.size() > 1 || (f.knots.size() == 1 && !f.knots[0].at.is_zero())) return {};
  const auto all_zero = [](const std::vector<Rational>& numbers) {
    return std::all_of(numbers.begin(), numbers.end(), [](const Rational& x) { return x.is_zero(); });
  };
  const bool no_slope = all_zero(f.slopes), no_offset = all_zero(f.offsets);
  if (no_slope && !no_offset) return 0;
  // f(c 0) = c f(0) for all c > 0 needs f(0) = 0.
  const bool zero_at_zero = f.knots.empty() || f.knots[0].value.is_zero();
  if (no_slope) return zero_at_zero ? std::optional<int>() : 0;
  return no_offset && zero_at_zero ? std::optional<int>(1) : std::nullopt;
}

RationalRange range(const PiecewiseLinear& f) {
  RationalRange result;
  const bool falls_forever = f.slopes.front().sign() > 0 || f.slopes.back().sign() < 0;
  const bool rises_forever = f.slopes.front().sign() < 0 || f.slopes.back().sign() > 0;
  std::vector<Rational> values{f.offsets.front() + f.slopes.front() * (f.knots.empty() ? 0 : f.knots[0].at)};
  for (const Knot& knot : f.knots) values.insert(values.end(), {knot.left, knot.value, knot.right});
  if (!falls_forever) result.low = *std::min_element(values.begin(), values.end());
  if (!rises_forever) result.high = *std::max_element(values.begin(), values.end());
  return result;
}

std::optional<Rational> lipschitz(const PiecewiseLinear& f) {
  if (!is_continuous(f)) return {};
  Rational greatest;
  for (const Rational& slope : f.slopes) greatest = std::max(greatest, slope.abs());
  return greatest;
}

std::string to_string(const PiecewiseLinear& f) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < f.slopes.size(); ++i) {
    const Rational &a = f.slopes[i], &b = f.offsets[i];
    std::string text = a.is_zero() ? to_string(b) : a == Rational(1) ? "x" : to_string(a) + "*x";
    if (!a.is_zero() && !b.is_zero()) text += (b.sign() > 0 ? "+" : "") + to_string(b);
    if (i > 0)
      text += " for x > " + to_string(f.knots[i - 1].at);
    else if (!f.knots.empty())
      text += " for x < " + to_string(f.knots[0].at);
    parts.push_back(text);
    if (i < f.knots.size() && f.knots[i].is_jump())
      parts.push_back(fmt::format("{} at {}", to_string(f.knots[i].value), to_string(f.knots[i].at)));
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

}  // namespace crease
