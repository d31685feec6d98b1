#include "graph/analysis/bounds/interval.h"

#include <algorithm>

#include "graph/error.h"

namespace crease {

namespace {

// Below this the residual of a product may underflow, and says nothing.
constexpr double kTiny = 1e-280;

double up(double value) { return std::nextafter(value, kInfinity); }
double down(double value) { return std::nextafter(value, -kInfinity); }

/// Value and sign of (exact result - value).
struct Rounded {
  double value;
  double residual;
};

// Two-sum of Knuth: value + residual is the exact sum.
Rounded sum(double a, double b) {
  const double s = a + b;
  const double part = s - a;
  return {s, (a - (s - part)) + (b - part)};
}

Rounded product(double a, double b) {
  const double p = a * b;
  return {p, std::fma(a, b, -p)};
}

double add_up(double a, double b) {
  if (std::isinf(a) || std::isinf(b)) return a == kInfinity || b == kInfinity ? kInfinity : -kInfinity;
  const Rounded s = sum(a, b);
  if (std::isinf(s.value)) return s.value > 0 ? kInfinity : -std::numeric_limits<double>::max();
  return s.residual > 0 ? up(s.value) : s.value;
}
double add_down(double a, double b) { return -add_up(-a, -b); }

/// 0 times infinity is 0: an infinite end stands for arbitrarily large finite numbers.
double multiply_up(double a, double b) {
  if (a == 0 || b == 0) return 0;
  const Rounded p = product(a, b);
  if (std::isinf(a) || std::isinf(b)) return p.value;
  if (std::isinf(p.value)) return p.value > 0 ? kInfinity : -std::numeric_limits<double>::max();
  const bool unsure = std::abs(p.value) < kTiny;
  return unsure || p.residual > 0 ? up(p.value) : p.value;
}
double multiply_down(double a, double b) { return -multiply_up(-a, b); }

/// a / b for b that is not 0.
double divide_up(double a, double b) {
  if (a == 0 || std::isinf(b)) return std::isinf(a) ? kInfinity : 0;
  const double q = a / b;
  if (std::isinf(a)) return q;
  if (std::isinf(q)) return q > 0 ? kInfinity : -std::numeric_limits<double>::max();
  const double residual = std::fma(-q, b, a);  // a - q b has the sign of (a / b - q) b
  const bool unsure = std::abs(q) < kTiny || std::abs(a) < kTiny;
  return unsure || (b > 0 ? residual > 0 : residual < 0) ? up(q) : q;
}
double divide_down(double a, double b) { return -divide_up(-a, b); }

Interval widened(double low, double high) {
  for (int step = 0; step < 8; ++step) {
    low = down(low);
    high = up(high);
  }
  return {low, high};
}

/// A nondecreasing library function, with its least and greatest value.
Interval monotone(double (*f)(double), const Interval& x, double least, double greatest) {
  const Interval wide = widened(f(x.low), f(x.high));
  Interval result{std::max(wide.low, least), std::min(wide.high, greatest)};
  if (x.low == 0 && f(0) == 0) result.low = 0;
  if (x.high == 0 && f(0) == 0) result.high = 0;
  return result;
}

double sigmoid_of(double x) { return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x)); }
double softplus_of(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

/// sin over x, shifted by a quarter period for cos.
Interval wave(double (*f)(double), const Interval& x, double first_crest) {
  constexpr double kPi = 3.14159265358979323846;
  if (!x.is_finite() || x.magnitude() > 1e6 || x.high - x.low >= 2 * kPi) return {-1, 1};
  const Interval ends = hull(widened(f(x.low), f(x.low)), widened(f(x.high), f(x.high)));
  // Whether a crest lies in x, or so near that the constant's rounding could matter.
  const auto meets = [&](double crest) {
    return std::floor((x.high - crest) / (2 * kPi) + 1e-9) >= std::ceil((x.low - crest) / (2 * kPi) - 1e-9);
  };
  return {meets(first_crest + kPi) ? -1 : std::max(ends.low, -1.0),
          meets(first_crest) ? 1 : std::min(ends.high, 1.0)};
}

Interval logarithm(double (*f)(double), const Interval& x, double pole) {
  if (x.low <= pole) return x.high > pole ? Interval{-kInfinity, widened(0, f(x.high)).high} : Interval{};
  return monotone(f, x, -kInfinity, kInfinity);
}

Interval root(const Interval& x) {
  if (x.low < 0) return {};
  const auto end = [](double value, bool upper) {
    const double r = std::sqrt(value);
    const double residual = std::isinf(r) ? 0 : std::fma(-r, r, value);
    if (residual == 0 && value >= kTiny) return r;
    if (value == 0) return 0.0;
    return upper ? up(r) : std::max(down(r), 0.0);
  };
  return {end(x.low, false), end(x.high, true)};
}

Interval truth(bool always, bool never) {
  if (always) return Interval::point(1);
  return never ? Interval::point(0) : Interval{0, 1};
}

Interval compare(ScalarKind kind, const Interval& a, const Interval& b) {
  if (kind == ScalarKind::Less) return truth(a.high < b.low, a.low >= b.high);
  if (kind == ScalarKind::LessEqual) return truth(a.high <= b.low, a.low > b.high);
  return truth(a.is_point() && a == b, a.high < b.low || b.high < a.low);
}

bool surely(const Interval& condition) { return condition.low > 0 || condition.high < 0; }
bool surely_not(const Interval& condition) { return condition == Interval::point(0); }

Interval logic(ScalarKind kind, const Interval* t) {
  if (kind == ScalarKind::Not) return truth(surely_not(t[0]), surely(t[0]));
  if (kind == ScalarKind::And)
    return truth(surely(t[0]) && surely(t[1]), surely_not(t[0]) || surely_not(t[1]));
  return truth(surely(t[0]) || surely(t[1]), surely_not(t[0]) && surely_not(t[1]));
}

double tanh_of(double x) { return std::tanh(x); }
double erf_of(double x) { return std::erf(x); }
double exp_of(double x) { return std::exp(x); }
double expm1_of(double x) { return std::expm1(x); }
double log_of(double x) { return std::log(x); }
double log1p_of(double x) { return std::log1p(x); }
double sin_of(double x) { return std::sin(x); }
double cos_of(double x) { return std::cos(x); }

}  // namespace

Interval enclose(const Rational& value) {
  const double near = value.to_double();
  if (std::isinf(near)) {
    const double most = std::numeric_limits<double>::max();
    return near > 0 ? Interval{most, kInfinity} : Interval{-kInfinity, -most};
  }
  const Rational exact = Rational::of(near);
  if (exact == value) return Interval::point(near);
  return exact < value ? Interval{near, up(near)} : Interval{down(near), near};
}

Interval intersect(const Interval& a, const Interval& b) {
  const Interval both{std::max(a.low, b.low), std::min(a.high, b.high)};
  return both.low <= both.high ? both : a;
}

Interval hull(const Interval& a, const Interval& b) {
  return {std::min(a.low, b.low), std::max(a.high, b.high)};
}

Interval operator+(const Interval& a, const Interval& b) {
  return {add_down(a.low, b.low), add_up(a.high, b.high)};
}

Interval operator-(const Interval& a, const Interval& b) { return a + -b; }

Interval operator*(const Interval& a, const Interval& b) {
  if (a.is_point() && a.low == 0) return a;
  if (b.is_point() && b.low == 0) return b;
  return {std::min({multiply_down(a.low, b.low), multiply_down(a.low, b.high), multiply_down(a.high, b.low),
                    multiply_down(a.high, b.high)}),
          std::max({multiply_up(a.low, b.low), multiply_up(a.low, b.high), multiply_up(a.high, b.low),
                    multiply_up(a.high, b.high)})};
}

Interval operator/(const Interval& a, const Interval& b) {
  if (b.contains(0)) return {};
  return {std::min({divide_down(a.low, b.low), divide_down(a.low, b.high), divide_down(a.high, b.low),
                    divide_down(a.high, b.high)}),
          std::max({divide_up(a.low, b.low), divide_up(a.low, b.high), divide_up(a.high, b.low),
                    divide_up(a.high, b.high)})};
}

Interval operator-(const Interval& a) { return {-a.high, -a.low}; }

Interval apply(ScalarKind kind, const Interval* t) {
  switch (kind) {
    case ScalarKind::Add: return t[0] + t[1];
    case ScalarKind::Subtract: return t[0] - t[1];
    case ScalarKind::Multiply: return t[0] * t[1];
    case ScalarKind::Divide: return t[0] / t[1];
    case ScalarKind::Negate: return -t[0];
    case ScalarKind::Max: return {std::max(t[0].low, t[1].low), std::max(t[0].high, t[1].high)};
    case ScalarKind::Min: return {std::min(t[0].low, t[1].low), std::min(t[0].high, t[1].high)};
    case ScalarKind::Less:
    case ScalarKind::LessEqual:
    case ScalarKind::Equal: return compare(kind, t[0], t[1]);
    case ScalarKind::And:
    case ScalarKind::Or:
    case ScalarKind::Not: return logic(kind, t);
    case ScalarKind::Select:
      if (surely(t[0])) return t[1];
      return surely_not(t[0]) ? t[2] : hull(t[1], t[2]);
    case ScalarKind::Exp: return monotone(exp_of, t[0], 0, kInfinity);
    case ScalarKind::Expm1: return monotone(expm1_of, t[0], -1, kInfinity);
    case ScalarKind::Log: return logarithm(log_of, t[0], 0);
    case ScalarKind::Log1p: return logarithm(log1p_of, t[0], -1);
    case ScalarKind::Sqrt: return root(t[0]);
    case ScalarKind::Sin: return wave(sin_of, t[0], 1.57079632679489661923);
    case ScalarKind::Cos: return wave(cos_of, t[0], 0);
    case ScalarKind::Tanh: return monotone(tanh_of, t[0], -1, 1);
    case ScalarKind::Sigmoid: return monotone(sigmoid_of, t[0], 0, 1);
    case ScalarKind::Softplus: return monotone(softplus_of, t[0], 0, kInfinity);
    case ScalarKind::Erf: return monotone(erf_of, t[0], -1, 1);
    case ScalarKind::Floor: return {std::floor(t[0].low), std::floor(t[0].high)};
    case ScalarKind::Constant:
    case ScalarKind::Argument:
    case ScalarKind::Index:
    case ScalarKind::Size: break;
  }
  ensure(false, "[interval] a leaf has no terms");
  return {};
}

}  // namespace crease
