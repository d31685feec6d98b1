#include "graph/scalar/differentiate.h"

#include <algorithm>
#include <limits>
#include <numbers>

#include "graph/scalar/forms.h"

namespace crease {
namespace {

using Kind = ScalarKind;

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

bool is_zero(const Scalar& x) { return x.is_constant(0); }
/// a * b where an identically zero factor wins over anything.
Scalar times(const Scalar& a, const Scalar& b) { return is_zero(a) || is_zero(b) ? Scalar(0) : a * b; }

}  // namespace

Scalar Differentiate::operator()(const Scalar& node) {
  if (!depends_on_arguments(node)) return 0;
  if (const auto known = done_.find(node.id()); known != done_.end()) return known->second;
  const auto is_open = [&](const Scalar& term) {
    return depends_on_arguments(term) && !done_.contains(term.id());
  };
  std::vector<Scalar> waiting{node};  // terms before their users: a body may be deeper than the stack
  while (!waiting.empty()) {
    const Scalar next = waiting.back();
    const auto open = std::ranges::find_if(next.terms(), is_open);
    if (open != next.terms().end()) {
      waiting.push_back(*open);
      continue;
    }
    waiting.pop_back();
    if (!done_.contains(next.id())) done_.emplace(next.id(), derive(next));
  }
  return done_.at(node.id());
}

Scalar Differentiate::derive(const Scalar& y) {
  const auto t = y.terms();
  switch (y.kind()) {
    case Kind::Argument: return rules_.argument(y.position());
    case Kind::Add: return (*this)(t[0]) + (*this)(t[1]);
    case Kind::Subtract: return (*this)(t[0]) - (*this)(t[1]);
    case Kind::Negate: return -(*this)(t[0]);
    case Kind::Multiply: return times((*this)(t[0]), t[1]) + times(t[0], (*this)(t[1]));
    case Kind::Divide: return quotient(y, t[0], t[1]);
    case Kind::Max: return extremum(y, t[0], t[1], rules_.max_tie);
    case Kind::Min: return extremum(y, t[1], t[0], rules_.min_tie);
    case Kind::Select: return branch(t[0], (*this)(t[1]), (*this)(t[2]));
    default: return unary(y, t[0]);
  }
}

/// y = f(x) for a smooth f of one term; comparisons and floor are locally constant.
Scalar Differentiate::unary(const Scalar& y, const Scalar& x) {
  const Scalar dx = (*this)(x);
  if (is_zero(dx)) return 0;
  switch (y.kind()) {
    case Kind::Exp: return times(dx, y);
    case Kind::Expm1: return times(dx, exp(x));
    case Kind::Log: return guarded(dx, dx / x);
    case Kind::Log1p: return guarded(dx, dx / (1 + x));
    case Kind::Sqrt: return guarded(dx, root_slope(y, dx));
    case Kind::Sin: return times(dx, cos(x));
    case Kind::Cos: return -times(dx, sin(x));
    case Kind::Tanh: return times(dx, 1 - y * y);
    case Kind::Sigmoid: return times(dx, y * (1 - y));
    case Kind::Softplus: return times(dx, sigmoid(x));
    case Kind::Erf: return times(dx, 2 * std::numbers::inv_sqrtpi * exp(-(x * x)));
    default: return 0;
  }
}

Scalar Differentiate::guarded(const Scalar& dx, const Scalar& slope) const {
  return rules_.strong_zero && dx.kind() != Kind::Constant ? select(equal(dx, 0), 0, slope) : slope;
}

Scalar Differentiate::quotient(const Scalar& y, const Scalar& a, const Scalar& b) {
  const Scalar da = (*this)(a), db = (*this)(b);
  if (is_zero(db)) return is_zero(da) ? Scalar(0) : guarded(da, da / b);
  const Scalar rise = da - guarded(db, times(y, db));
  return guarded(rise, rise / b);
}

Scalar Differentiate::root_slope(const Scalar& y, const Scalar& dx) const {
  const Scalar slope = dx * 0.5 / y;
  if (!rules_.strong_zero || dx.kind() == Kind::Constant) return slope;
  return select(equal(y, 0) && dx < 0, not_a_number, slope);  // into where the root is not defined
}

// The first term wins where lower < upper. Where neither compares with the other, one is NaN, and so is the
// derivative unless the rules take any.
Scalar Differentiate::extremum(const Scalar& y, const Scalar& upper, const Scalar& lower,
                               const DerivativeRules::AtTie& at_tie) {
  const Scalar da = (*this)(y.terms()[0]), db = (*this)(y.terms()[1]);
  if (da.same(db)) return da;
  const Scalar tied = at_tie(y, da, db);
  if (rules_.at_nan == AtNan::Passed) return decided_extremum(da, db, upper, lower, tied);
  if (tied.same(db)) return select(lower < upper, da, select(upper <= lower, db, not_a_number));
  if (tied.same(da)) return select(upper < lower, db, select(lower <= upper, da, not_a_number));
  return select(lower < upper, da,
                select(upper < lower, db, select(equal(upper, lower), tied, not_a_number)));
}

// One condition wherever the tie goes to one of the two. The condition is that of the term that stands still,
// which NaN fails: what comes back to a NaN goes on to it. And so the text is the same for both sides.
Scalar Differentiate::decided_extremum(const Scalar& da, const Scalar& db, const Scalar& upper,
                                       const Scalar& lower, const Scalar& tied) const {
  const auto wins = [&](const Scalar& above, const Scalar& below, const Scalar& own, const Scalar& other) {
    if (tied.same(own)) return below <= above;
    if (tied.same(other)) return below < above;
    const auto t = tied.terms();
    return (below < above) || (equal(upper, lower) && (t[1].same(own) ? t[0] : !t[0]));
  };
  const bool one_bit =
      tied.same(da) || tied.same(db) ||
      (tied.kind() == Kind::Select && ((tied.terms()[1].same(da) && tied.terms()[2].same(db)) ||
                                       (tied.terms()[1].same(db) && tied.terms()[2].same(da))));
  if (!one_bit && is_zero(db)) return select(upper < lower, db, select(equal(upper, lower), tied, da));
  if (!one_bit) return select(lower < upper, da, select(equal(upper, lower), tied, db));
  return is_zero(da) ? select(wins(upper, lower, da, db), da, db)
                     : select(wins(lower, upper, db, da), db, da);
}

Scalar Differentiate::branch(const Scalar& condition, const Scalar& da, const Scalar& db) {
  if (da.same(db)) return da;
  return select(rules_.decided ? condition : limit(condition), da, db);
}

Scalar Differentiate::limit(const Scalar& condition) {
  return fold_asked<Scalar>(condition, [&](const Scalar& c, const auto& of) -> Scalar {
    const auto t = c.terms();
    switch (c.kind()) {
      case Kind::Less: return (t[0] < t[1]) || (equal(t[0], t[1]) && rising(t[0], t[1]));
      case Kind::LessEqual: return (t[0] < t[1]) || (equal(t[0], t[1]) && !falling(t[0], t[1]));
      case Kind::Equal: return equal(t[0], t[1]) && !(rising(t[0], t[1]) || falling(t[0], t[1]));
      case Kind::And: return of(t[0]) && of(t[1]);
      case Kind::Or: return of(t[0]) || of(t[1]);
      case Kind::Not: return !of(t[0]);
      default: return c;
    }
  });
}

Scalar Differentiate::rising(const Scalar& u, const Scalar& v) {
  return rules_.rises(u, v, (*this)(u), (*this)(v));
}
Scalar Differentiate::falling(const Scalar& u, const Scalar& v) {
  return rules_.falls(u, v, (*this)(u), (*this)(v));
}

}  // namespace crease
