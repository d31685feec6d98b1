#include "graph/analysis/bounds/ends.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <unordered_map>

#include "graph/analysis/bounds/interval.h"
#include "graph/error.h"
#include "graph/piecewise.h"
#include "graph/scalar/forms.h"
#include "graph/scalar/tape.h"

namespace crease {

namespace {

using Kind = ScalarKind;

constexpr size_t kMostKnots = 16;

Ends nothing() { return {kInfinity, kInfinity}; }

Scalar max(const Scalar& a, const Scalar& b, const Scalar& c, const Scalar& d) {
  return crease::max(crease::max(a, b), crease::max(c, d));
}

/// An upper bound of an increasing function that is 0 at 0 and at most `most`.
Scalar through_0(const Scalar& bound, const Scalar& at, double most) {
  return min(bound, select(at <= 0, Scalar(0), Scalar(most)));
}

// ---- Arithmetic ----

/// c * x, c a constant number.
Ends scaled(double c, const Ends& x) {
  if (c < 0) return scaled(-c, {x.high, x.negated_low});
  return {c * x.negated_low, c * x.high};
}

Ends squared(const Ends& x) {
  const Scalar distance = max(max(-x.negated_low, -x.high), Scalar(0));  // from 0
  return {distance * -distance, max(x.negated_low * x.negated_low, x.high * x.high)};
}

Ends product(const Ends& a, const Ends& b) {
  if (a.is_point() && a.high.kind() == Kind::Constant) return scaled(a.high.constant(), b);
  if (b.is_point() && b.high.kind() == Kind::Constant) return scaled(b.high.constant(), a);
  if (b.is_point() && !a.is_point()) return product(b, a);
  // w x over [l, u] is greatest at one of its ends: w u, or w l = (-w)(-l).
  if (a.is_point())
    return {max(a.high * b.negated_low, a.negated_low * b.high),
            max(a.high * b.high, a.negated_low * b.negated_low)};
  const Scalar low_a = -a.negated_low, low_b = -b.negated_low;
  return {max(a.negated_low * low_b, a.negated_low * b.high, a.high * b.negated_low, -a.high * b.high),
          max(a.high * b.high, a.negated_low * b.negated_low, low_a * b.high, a.high * low_b)};
}

Ends quotient(const Ends& a, const Ends& b) {
  if (b.is_point() && b.high.kind() == Kind::Constant) {
    const double c = b.high.constant();
    if (c < 0) return quotient({a.high, a.negated_low}, Ends::point(-c));
    return c == 0 || std::isnan(c) ? nothing() : Ends{a.negated_low / c, a.high / c};
  }
  const Scalar low_b = -b.negated_low, not_zero = b.negated_low < 0 || b.high < 0;
  const Scalar high =
      max(a.high / low_b, a.high / b.high, a.negated_low / b.negated_low, a.negated_low / -b.high);
  const Scalar low =
      max(a.negated_low / low_b, a.negated_low / b.high, a.high / b.negated_low, a.high / -b.high);
  return {select(not_zero, low, kInfinity), select(not_zero, high, kInfinity)};
}

// ---- Truth values: 0, 1, or between ----

Ends truth(const Scalar& always, const Scalar& never) {
  return {select(always, Scalar(-1), Scalar(0)), select(never, Scalar(0), Scalar(1))};
}
Scalar surely(const Ends& x) { return x.negated_low < 0 || x.high < 0; }
Scalar surely_not(const Ends& x) { return equal(x.negated_low, 0) && equal(x.high, 0); }

Ends compared(Kind kind, const Ends& a, const Ends& b) {
  const Scalar low_a = -a.negated_low, low_b = -b.negated_low;
  if (kind == Kind::Less) return truth(a.high < low_b, low_a >= b.high);
  if (kind == Kind::LessEqual) return truth(a.high <= low_b, low_a > b.high);
  const Scalar one_number = equal(low_a, a.high) && equal(low_b, b.high) && equal(a.high, b.high);
  return truth(one_number, a.high < low_b || b.high < low_a);
}

Ends logic(Kind kind, std::span<const Ends> t) {
  if (kind == Kind::Not) return truth(surely_not(t[0]), surely(t[0]));
  if (kind == Kind::And) return truth(surely(t[0]) && surely(t[1]), surely_not(t[0]) || surely_not(t[1]));
  return truth(surely(t[0]) || surely(t[1]), surely_not(t[0]) && surely_not(t[1]));
}

Ends chosen(const Ends& condition, const Ends& yes, const Ends& no) {
  const Scalar always = surely(condition), never = surely_not(condition);
  const auto end = [&](const Scalar& a, const Scalar& b) {
    return select(always, a, select(never, b, max(a, b)));
  };
  return {end(yes.negated_low, no.negated_low), end(yes.high, no.high)};
}

// ---- Elementary functions: a lower end is got from another upper one by an identity ----

/// sin and cos have slopes of at most 1.
Ends wave(Kind kind, const Ends& x) {
  const Scalar middle = 0.5 * x.high - 0.5 * x.negated_low;
  const Scalar radius = max(x.high - middle, middle + x.negated_low);
  const auto end = [&](const Scalar& at_middle) { return min(known(at_middle + radius), Scalar(1)); };
  if (kind == Kind::Sin) return {end(sin(-middle)), end(sin(middle))};
  // -cos(2 h) = 2 sin(h)^2 - 1, for a magnitude of the sine that is not too small.
  const Scalar half = 0.5 * middle, sine = max(sin(half), sin(-half));
  return {end(2 * (sine * sine) - 1), end(cos(middle))};
}

Ends root(const Ends& x) {
  const Scalar inside = x.negated_low <= 0;
  // sqrt(l) = l / sqrt(l), for a root that is not too small.
  const Scalar low = select(x.negated_low < 0, x.negated_low / sqrt(-x.negated_low), Scalar(0));
  return {select(inside, low, kInfinity), select(inside, sqrt(x.high), kInfinity)};
}

Ends logarithm(const Ends& x) {
  const Scalar low = log(Scalar(-1) / x.negated_low);  // -log(l) = log(1 / l)
  return {select(x.negated_low < 0, low, kInfinity), select(Scalar(0) < x.high, log(x.high), kInfinity)};
}

Ends logarithm_of_1_plus(const Ends& x) {
  const Scalar pole = x.negated_low - 1;  // -(1 + l)
  const Scalar low = through_0(log(Scalar(-1) / pole), x.negated_low, kInfinity);
  const Scalar high = through_0(log1p(x.high), x.high, kInfinity);
  return {select(pole < 0, low, kInfinity), select(Scalar(-1) < x.high, high, kInfinity)};
}

Ends elementary(Kind kind, const Ends& x) {
  const Scalar &n = x.negated_low, &u = x.high;
  const auto odd = [&](Scalar (*f)(const Scalar&)) {
    return Ends{through_0(f(n), n, 1), through_0(f(u), u, 1)};  // -f(l) = f(-l)
  };
  switch (kind) {
    case Kind::Exp: return {Scalar(-1) / exp(n), exp(u)};  // e^l = 1 / e^-l
    case Kind::Expm1: return {through_0(Scalar(-1) / exp(n) + 1, n, 1), through_0(expm1(u), u, kInfinity)};
    case Kind::Log: return logarithm(x);
    case Kind::Log1p: return logarithm_of_1_plus(x);
    case Kind::Sqrt: return root(x);
    case Kind::Sin:
    case Kind::Cos: return wave(kind, x);
    case Kind::Tanh: return odd(tanh);
    case Kind::Erf: return odd(erf);
    // 1 - s(l) = s(-l)
    case Kind::Sigmoid: return {min(sigmoid(n) - 1, Scalar(0)), min(sigmoid(u), Scalar(1))};
    // softplus(l) = -log(s(-l)), and it is above l and 0
    case Kind::Softplus: return {min(log(sigmoid(n)), min(n, Scalar(0))), softplus(u)};
    default: break;
  }
  ensure(kind == Kind::Floor, "[ends] no ends of {}", name_of(kind));
  return {-floor(-n), floor(u)};
}

// ---- Bodies ----

Ends constant_ends(double value, Type type) {
  if (std::isnan(value)) return nothing();
  if (type == Type::f64 || std::isinf(value)) return Ends::point(value);
  const auto near = static_cast<float>(value);
  if (static_cast<double>(near) == value) return Ends::point(value);
  const float infinity = std::numeric_limits<float>::infinity();
  const float above = near < value ? std::nextafter(near, infinity) : near;
  const float below = near > value ? std::nextafter(near, -infinity) : near;
  return {-static_cast<double>(below), static_cast<double>(above)};
}

/// The ends of a body as it is written.
class Natural {
 public:
  Natural(std::span<const Ends> arguments, Type type) : arguments_(arguments), type_(type) {}

  Ends operator()(const Scalar& e) {
    if (const auto found = done_.find(e.id()); found != done_.end()) return found->second;
    const Ends ends = make(e);
    done_.emplace(e.id(), ends);
    return ends;
  }

 private:
  Ends make(const Scalar& e) {
    std::vector<Ends> t;
    for (const Scalar& term : e.terms()) t.push_back((*this)(term));
    switch (e.kind()) {
      case Kind::Constant: return constant_ends(e.constant(), type_);
      case Kind::Argument: return arguments_[static_cast<size_t>(e.position())];
      case Kind::Index:
      case Kind::Size: return Ends::point(e);
      case Kind::Add: return {t[0].negated_low + t[1].negated_low, t[0].high + t[1].high};
      case Kind::Subtract: return {t[0].negated_low + t[1].high, t[0].high + t[1].negated_low};
      case Kind::Multiply: return e.terms()[0].same(e.terms()[1]) ? squared(t[0]) : product(t[0], t[1]);
      case Kind::Divide: return quotient(t[0], t[1]);
      case Kind::Negate: return {t[0].high, t[0].negated_low};
      case Kind::Max: return {min(t[0].negated_low, t[1].negated_low), max(t[0].high, t[1].high)};
      case Kind::Min: return {max(t[0].negated_low, t[1].negated_low), min(t[0].high, t[1].high)};
      case Kind::Less:
      case Kind::LessEqual:
      case Kind::Equal: return compared(e.kind(), t[0], t[1]);
      case Kind::And:
      case Kind::Or:
      case Kind::Not: return logic(e.kind(), t);
      case Kind::Select: return chosen(t[0], t[1], t[2]);
      default: return elementary(e.kind(), t[0]);
    }
  }

  std::span<const Ends> arguments_;
  Type type_;
  std::unordered_map<const ScalarNode*, Ends> done_;
};

/// Times that an argument which is no point is mentioned, counting shared parts each time; at most 2.
int mentions(const Scalar& body, std::span<const Ends> arguments) {
  return fold_steps<int>(body, [&](const Scalar& e, std::span<const int> terms) {
    const bool own = e.kind() == Kind::Argument && !arguments[static_cast<size_t>(e.position())].is_point();
    return std::min(std::reduce(terms.begin(), terms.end(), own ? 1 : 0), 2);
  });
}

/// The only argument, if there is one and nothing else that varies.
std::optional<int> only_argument(const Scalar& body) {
  std::optional<int> found;
  for (const Scalar& e : topological(body)) {
    if (e.kind() == Kind::Index || e.kind() == Kind::Size) return {};
    if (e.kind() != Kind::Argument) continue;
    if (found && *found != e.position()) return {};
    found = e.position();
  }
  return found;
}

/// A body of one argument on [l, u].
class Curve {
 public:
  Curve(const Scalar& body, int position, const Ends& x, Type type)
      : body_(body), position_(position), x_(x), type_(type) {}

  Ends at(const Ends& x) const {
    const std::vector<Ends> arguments(static_cast<size_t>(position_) + 1, x);
    return Natural(arguments, type_)(body_);
  }
  Ends at_low() const { return at(Ends::point(-x_.negated_low)); }
  Ends at_high() const { return at(Ends::point(x_.high)); }

  /// The extremes lie at the ends and at the knots between them.
  std::optional<Ends> by_table() const {
    const auto table = piecewise_linear(
        substitute(body_, std::vector<Scalar>(static_cast<size_t>(position_) + 1, Scalar::argument(0))));
    if (!table || !is_continuous(*table) || table->knots.size() > kMostKnots) return {};
    const Ends low = at_low(), high = at_high();
    const Monotone monotone = monotonicity(*table);
    if (monotone == Monotone::Increasing || monotone == Monotone::Nondecreasing)
      return Ends{low.negated_low, high.high};
    if (monotone == Monotone::Decreasing || monotone == Monotone::Nonincreasing)
      return Ends{high.negated_low, low.high};
    Ends result{max(low.negated_low, high.negated_low), max(low.high, high.high)};
    for (const Knot& knot : table->knots) {
      const Ends place = number_ends(knot.at, type_), value = number_ends(knot.value, type_);
      const Scalar inside = -x_.negated_low < place.high && -place.negated_low < x_.high;
      result.negated_low = max(result.negated_low, select(inside, value.negated_low, -kInfinity));
      result.high = max(result.high, select(inside, value.high, -kInfinity));
    }
    return result;
  }

  /// A choice by x < c or the like: each branch has its own part of the interval.
  std::optional<Ends> by_choice() const {
    if (body_.kind() != Kind::Select) return {};
    const Scalar condition = body_.terms()[0];
    if (condition.kind() != Kind::Less && condition.kind() != Kind::LessEqual) return {};
    const Scalar first = condition.terms()[0], second = condition.terms()[1];
    const bool above = first.kind() == Kind::Constant && second.kind() == Kind::Argument;
    if (!above && (first.kind() != Kind::Argument || second.kind() != Kind::Constant)) return {};
    const Ends border = constant_ends((above ? first : second).constant(), type_);
    const Ends greater{min(x_.negated_low, border.negated_low), x_.high};
    const Ends less{x_.negated_low, min(x_.high, border.high)};
    const auto branch = [&](const Scalar& e, const Ends& x) {
      return ends_of(e, std::vector<Ends>(static_cast<size_t>(position_) + 1, x), type_);
    };
    const std::vector<Ends> arguments(static_cast<size_t>(position_) + 1, x_);
    return chosen(Natural(arguments, type_)(condition), branch(body_.terms()[1], above ? greater : less),
                  branch(body_.terms()[2], above ? less : greater));
  }

  /// f(x) = f(m) + f'(y) (x - m); and where f' has one sign, the extremes lie at the ends.
  Ends by_slope() const {
    const std::vector<Ends> arguments(static_cast<size_t>(position_) + 1, x_);
    const Ends slopes = Natural(arguments, type_)(slope(body_, position_, Side::Right));
    const Scalar rises = slopes.negated_low <= 0, falls = slopes.high <= 0;
    const Scalar middle = 0.5 * x_.high - 0.5 * x_.negated_low;
    const Scalar radius = max(x_.high - middle, middle + x_.negated_low);
    const Scalar change = max(slopes.negated_low, slopes.high) * radius;
    const Ends natural = at(x_), low = at_low(), high = at_high(), center = at(Ends::point(middle));
    const auto end = [&](const Scalar& if_rises, const Scalar& if_falls, const Scalar& plain,
                         const Scalar& from) {
      const Scalar other = min(known(plain), known(from + change));
      return select(rises, if_rises, select(falls, if_falls, other));
    };
    return {end(low.negated_low, high.negated_low, natural.negated_low, center.negated_low),
            end(high.high, low.high, natural.high, center.high)};
  }

 private:
  const Scalar& body_;
  int position_;
  const Ends& x_;
  Type type_;
};

}  // namespace

Ends number_ends(const Rational& number, Type type) {
  const Interval ends = enclose(number);
  return {constant_ends(ends.low, type).negated_low, constant_ends(ends.high, type).high};
}

Scalar known(const Scalar& end) { return select(end < kInfinity, end, kInfinity); }

Ends ends_of(const Scalar& body, std::span<const Ends> arguments, Type type) {
  const std::optional<int> only = mentions(body, arguments) > 1 ? only_argument(body) : std::nullopt;
  if (only) {
    const Curve curve(body, *only, arguments[static_cast<size_t>(*only)], type);
    if (const auto ends = curve.by_table()) return *ends;
    if (const auto ends = curve.by_choice()) return *ends;
    if (!may_jump(body)) return curve.by_slope();
  }
  return Natural(arguments, type)(body);
}

}  // namespace crease
