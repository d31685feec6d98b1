#include "graph/analysis/activation_facts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>
#include <tuple>

#include "graph/analysis/convexity/one_variable.h"
#include "graph/error.h"
#include "graph/scalar/forms.h"
#include "graph/scalar/tape.h"

namespace crease {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

double value_at(const Scalar& e, double x) {
  const std::array<double, 1> argument{x};
  return evaluate(e, {.arguments = argument});
}

ActivationFacts from_table(const PiecewiseLinear& table) {
  ActivationFacts facts{.convex = is_convex(table),
                        .concave = is_concave(table),
                        .monotone = monotonicity(table),
                        .parity = parity(table)};
  facts.flat = std::ranges::all_of(table.slopes, [](const Rational& slope) { return slope.is_zero(); });
  if (!table.knots.empty())
    facts.smoothness = is_continuous(table) ? Smoothness::C0 : Smoothness::Discontinuous;
  const auto constant = lipschitz(table);
  facts.lipschitz = constant ? constant->to_double() : infinity;
  const RationalRange between = range(table);
  facts.low = between.low ? between.low->to_double() : -infinity;
  facts.high = between.high ? between.high->to_double() : infinity;
  for (size_t i = 0; i < table.knots.size(); ++i)
    if (!table.knots[i].is_jump())
      facts.kinks.push_back(
          {table.knots[i].at.to_double(), table.slopes[i].to_double(), table.slopes[i + 1].to_double()});
  return facts;
}

/// Where branches of the body meet: the zeros of piecewise-linear differences.
std::set<double> meeting_points(const Scalar& body) {
  std::set<double> points;
  for (const Scalar& condition : kink_conditions(body)) {
    const auto difference = piecewise_linear(condition.terms()[0] - condition.terms()[1]);
    if (!difference) continue;
    for (const Knot& knot : difference->knots)
      if (knot.value.is_zero()) points.insert(knot.at.to_double());
    for (size_t i = 0; i < difference->slopes.size(); ++i) {
      if (difference->slopes[i].is_zero()) continue;
      const Rational zero = -difference->offsets[i] / difference->slopes[i];
      if (difference->value(zero).is_zero()) points.insert(zero.to_double());
    }
  }
  return points;
}

bool agree(double a, double b) { return std::abs(a - b) <= 1e-6 * std::max({1.0, std::abs(a), std::abs(b)}); }

/// A body that is not piecewise linear, looked at point by point.
class Samples {
 public:
  explicit Samples(const Scalar& body)
      : body_(body), left_(slope(body, 0, Side::Left)), right_(slope(body, 0, Side::Right)) {
    for (int k = -1024; k <= 1024; ++k) points_.insert(k / 64.0);
    for (int power = 4; power <= 60; power += 2)
      for (const double sign : {-1.0, 1.0}) points_.insert(sign * std::ldexp(1.0, power));
    meeting_ = meeting_points(body);
    points_.insert(meeting_.begin(), meeting_.end());
  }

  void read(ActivationFacts& facts) const {
    facts.sampled = true;
    facts.parity = read_parity();
    facts.high = supremum(body_, 1);
    facts.low = -supremum(body_, -1);
    facts.lipschitz = 0;
    for (const Scalar& derivative : {left_, right_})
      for (const double sign : {-1.0, 1.0})
        facts.lipschitz = std::max(facts.lipschitz, supremum(derivative, sign));
    for (const double at : meeting_) read_meeting(at, facts);
    if (facts.monotone == Monotone::Nondecreasing && is_strict()) facts.monotone = Monotone::Increasing;
    if (facts.monotone == Monotone::Nonincreasing && is_strict()) facts.monotone = Monotone::Decreasing;
  }

 private:
  Parity read_parity() const {
    Tape<double> tape(body_, {});
    bool even = true, odd = true;
    for (const double x : points_) {
      const double minus_x = -x, value = tape.run(&x, nullptr), mirrored = tape.run(&minus_x, nullptr);
      even &= value == mirrored || agree(value, mirrored);
      odd &= value == -mirrored || agree(value, -mirrored);
    }
    return even ? Parity::Even : odd ? Parity::Odd : Parity::None;
  }

  /// Of sign * e: infinite if it still grows at 2^60.
  double supremum(const Scalar& e, double sign) const {
    Tape<double> tape(e, {});
    const auto value = [&](double x) { return sign * tape.run(&x, nullptr); };
    for (const double side : {-1.0, 1.0}) {
      bool grows = true;
      for (int power = 30; power < 60 && grows; power += 3) {
        const double here = value(side * std::ldexp(1.0, power));
        const double there = value(side * std::ldexp(1.0, power + 3));
        grows = there == infinity || there - here > 1e-6;
      }
      if (grows) return infinity;
    }
    const auto height = [&](double x) {
      const double y = value(x);
      return std::isnan(y) ? -infinity : y;
    };
    auto best = points_.begin();
    double top = height(*best);
    for (auto it = points_.begin(); it != points_.end(); ++it) {
      const double here = height(*it);
      if (here > top) std::tie(best, top) = std::pair(it, here);
    }
    double low = best == points_.begin() ? *best : *std::prev(best);
    double high = std::next(best) == points_.end() ? *best : *std::next(best);
    for (int i = 0; i < 100; ++i) {
      const double a = low + (high - low) / 3, b = high - (high - low) / 3;
      (height(a) < height(b) ? low : high) = height(a) < height(b) ? a : b;
    }
    const double refined = std::max(top, height((low + high) / 2));
    return refined - top < 1e-9 ? top : refined;
  }

  /// The order of the first derivative that jumps where branches meet.
  void read_meeting(double at, ActivationFacts& facts) const {
    const double gap = 1e-7;
    if (!agree(value_at(body_, at - gap), value_at(body_, at)) ||
        !agree(value_at(body_, at + gap), value_at(body_, at))) {
      facts.smoothness = Smoothness::Discontinuous;
      return;
    }
    Scalar left = left_, right = right_;
    for (const Smoothness below : {Smoothness::C0, Smoothness::C1, Smoothness::C2}) {
      if (!agree(value_at(left, at), value_at(right, at))) {
        if (below == Smoothness::C0) facts.kinks.push_back({at, value_at(left, at), value_at(right, at)});
        facts.smoothness = std::min(facts.smoothness, below);
        return;
      }
      left = slope(left, 0, Side::Left);
      right = slope(right, 0, Side::Right);
    }
  }

  /// Whether no two neighbours near 0, where values are far apart in floating point, are equal.
  bool is_strict() const {
    for (double x = -8; x < 8; x += 1.0 / 64)
      if (value_at(body_, x) == value_at(body_, x + 1.0 / 64)) return false;
    return true;
  }

  Scalar body_, left_, right_;
  std::set<double> points_, meeting_;
};

/// Whether a table is nowhere below 0 on a half line.
bool is_nonnegative(const PiecewiseLinear& table, bool above) {
  const Side inwards = above ? Side::Right : Side::Left;
  bool holds = table.limit(0, inwards) >= 0;
  for (const Knot& knot : table.knots)
    if ((knot.at > 0) == above && !knot.at.is_zero())
      holds &= knot.left >= 0 && knot.value >= 0 && knot.right >= 0;
  return holds && (above ? table.slopes.back() >= 0 : table.slopes.front() <= 0);
}

/// a x + b, if that is what a body is.
Scalar affine_or_same(const Scalar& body) {
  const auto table = piecewise_linear(body);
  if (!table || !is_affine(*table)) return body;
  return table->slopes[0].to_double() * Scalar::argument(0) + table->offsets[0].to_double();
}

/// The body on a half line: what compares piecewise-linear terms decided where that is possible, a - b / c
/// over one denominator, affine terms written as such. So 1 - x / (1 + |x|) is 1 / (1 + x) on the right.
Scalar on_half(const Scalar& body, bool above) {
  return rewrite(body, [&](const Scalar& node, std::span<const Scalar> terms) {
    const Scalar kept = terms.empty() ? node : make_scalar(node.kind(), {terms.begin(), terms.end()});
    const bool extremum = node.kind() == ScalarKind::Max || node.kind() == ScalarKind::Min;
    if (extremum || node.kind() == ScalarKind::Less || node.kind() == ScalarKind::LessEqual) {
      const auto greater = piecewise_linear(terms[0] - terms[1]),
                 less = piecewise_linear(terms[1] - terms[0]);
      const bool first = greater && is_nonnegative(*greater, above),
                 second = less && is_nonnegative(*less, above);
      if (extremum && (first || second)) return terms[first == (node.kind() == ScalarKind::Max) ? 0 : 1];
      if (first != second) return Scalar(second ? 1 : 0);
    }
    const bool sum = kept.kind() == ScalarKind::Add || kept.kind() == ScalarKind::Subtract;
    for (const size_t k : {0, 1}) {
      if (!sum || kept.terms()[k].kind() != ScalarKind::Divide) continue;
      const Scalar over = kept.terms()[k].terms()[1];
      std::vector<Scalar> parts{kept.terms()[0] * over, kept.terms()[1] * over};
      parts[k] = kept.terms()[k].terms()[0];
      return affine_or_same(make_scalar(kept.kind(), parts)) / over;
    }
    return affine_or_same(kept);
  });
}

bool has_branches(const Scalar& body) {
  return may_jump(body) || any_step(body, [](const Scalar& e) {
           return e.kind() == ScalarKind::Max || e.kind() == ScalarKind::Min;
         });
}

/// Monotone because the derivative has one sign on each half line: x / (1 + |x|).
Monotone by_derivative(const Scalar& body) {
  bool rises = true, falls = true;
  for (const bool above : {false, true}) {
    const Scalar half = on_half(body, above);
    if (has_branches(half) || value_at(half, 0) != value_at(body, 0)) return Monotone::None;
    const auto curve = curve_of_one_variable(on_half(slope(half, 0, Side::Left), above), !above, above);
    rises &= curve && !curve->negative;
    falls &= curve && !curve->positive;
  }
  return rises ? Monotone::Nondecreasing : falls ? Monotone::Nonincreasing : Monotone::None;
}

}  // namespace

std::string_view to_string(Smoothness smoothness) {
  switch (smoothness) {
    case Smoothness::Discontinuous: return "discontinuous";
    case Smoothness::C0: return "C0";
    case Smoothness::C1: return "C1";
    case Smoothness::C2: return "C2";
    case Smoothness::Analytic: return "analytic";
  }
  return "";
}

ActivationFacts activation_facts(const Scalar& body) {
  if (arity(body) > 1) fail("[activation] wants a body of one argument, got {}", to_string(body));
  if (const auto table = piecewise_linear(body)) return from_table(*table);
  ActivationFacts facts;
  if (const auto curve = curve_of_one_variable(body, true, true)) {
    facts.convex = curve->is_convex();
    facts.concave = curve->is_concave();
    if (curve->falls == 0) facts.monotone = Monotone::Nondecreasing;
    if (curve->rises == 0) facts.monotone = Monotone::Nonincreasing;
    if (curve->is_constant()) facts.monotone = Monotone::Constant;
  }
  if (facts.monotone == Monotone::None) facts.monotone = by_derivative(body);
  Samples(body).read(facts);
  return facts;
}

}  // namespace crease
