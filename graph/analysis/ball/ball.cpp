#include "graph/analysis/ball/ball.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "graph/analysis/check_replay.h"

namespace crease::checker {

namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

/// At least a number that is not negative.
double above(const Integer& number) {
  if (number == 0) return 0;
  const auto top = static_cast<int64_t>(msb(number));
  if (top < 53) return number.convert_to<double>();
  const Integer leading = number >> static_cast<unsigned>(top - 52);
  return std::ldexp(leading.convert_to<double>() + 1, static_cast<int>(std::min<int64_t>(top - 52, 4096)));
}

/// At least |a.middle|, in units of 1.
double magnitude(const Ball& a, int64_t bits) {
  const Integer size = abs(a.middle);
  if (size == 0) return 0;
  const int64_t drop = std::max<int64_t>(static_cast<int64_t>(msb(size)) - 60, 0);
  const double leading = above(size >> static_cast<unsigned>(drop));
  // The next one above, for what is below the least normal number.
  return std::nextafter(std::ldexp(sum_up(leading, 1), static_cast<int>(drop - bits)), infinite);
}

Integer whole(double radius) { return Integer(std::ceil(radius)); }

Integer low_of(const Ball& a) { return a.middle - whole(a.radius); }
Integer high_of(const Ball& a) { return a.middle + whole(a.radius); }

bool is_known(const Ball& a) { return std::isfinite(a.radius); }

Ball unknown() { return {0, infinite}; }

bool is_true(const Ball& condition) {
  if (condition.radius != 0) throw Refused("a condition is not decided by enclosures");
  return condition.middle != 0;
}

Rational rational(const Integer& number, int64_t bits) {
  return Rational::parse(number.str()) * Rational::dyadic(1, -bits);
}

}  // namespace

double sum_up(double a, double b) {
  if (a == 0 || b == 0) return a + b;
  return std::nextafter(a + b, infinite);
}

double product_up(double a, double b) {
  if (a == 0 || b == 0) return 0;
  return std::nextafter(a * b, infinite);
}

Ball BallArithmetic::shifted(const Integer& number, int64_t exponent, double radius) const {
  constexpr int64_t most = 16384;  // far beyond doubles; x * x, again and again, doubles the digits
  if (number == 0) return {0, radius};
  const Integer size = abs(number);
  if (static_cast<int64_t>(msb(size)) + exponent > most + bits_)
    throw Refused("a number is 2^" + std::to_string(most) + " or more");
  if (exponent >= 0) return {number << static_cast<unsigned>(exponent), radius};
  const auto drop = static_cast<unsigned>(-exponent);
  const Integer kept = size >> drop;
  return {number < 0 ? Integer(-kept) : kept, lsb(size) >= drop ? radius : sum_up(radius, 1)};
}

Ball BallArithmetic::of(double number) const {
  if (!std::isfinite(number)) throw Refused("a number is not finite");
  int exponent = 0;
  const auto digits = static_cast<int64_t>(std::ldexp(std::frexp(number, &exponent), 53));
  return shifted(Integer(digits), exponent - 53 + bits_, 0);
}

Ball BallArithmetic::of(const Rational& number) const {
  const double near = number.to_double();
  if (std::isfinite(near) && Rational::of(near) == number) return of(near);
  const Rational scaled = number * Rational::dyadic(1, bits_);
  return {Integer(to_string(scaled.floor())), scaled.is_integer() ? 0.0 : 1.0};
}

Enclosure BallArithmetic::ends(const Ball& ball) const {
  if (!is_known(ball)) throw Refused("nothing is known of a value");
  return {rational(low_of(ball), bits_), rational(high_of(ball), bits_)};
}

Rational BallArithmetic::short_number(const Ball& ball) const {
  const int drop = ball.radius < 2 ? 0 : std::ilogb(ball.radius) - 1;
  return rational(ball.middle / (Integer(1) << static_cast<unsigned>(drop)), bits_ - drop);
}

Ball BallArithmetic::hull(const Integer& low, const Integer& high) const {
  const Integer width = high - low, half = width >> 1;
  return {low + half, above(width - half)};
}

Ball BallArithmetic::either(const Ball& a, const Ball& b) const {
  if (!is_known(a) || !is_known(b)) return unknown();
  return hull(std::min(low_of(a), low_of(b)), std::max(high_of(a), high_of(b)));
}

Ball BallArithmetic::plus(const Ball& a, const Ball& b) const {
  return {a.middle + b.middle, sum_up(a.radius, b.radius)};
}

Ball BallArithmetic::times(const Ball& a, const Ball& b) const {
  if (!is_known(a) || !is_known(b)) return unknown();
  const double both = std::ldexp(product_up(a.radius, b.radius), static_cast<int>(-bits_));
  double radius =
      sum_up(product_up(magnitude(a, bits_), b.radius), product_up(magnitude(b, bits_), a.radius));
  if (a.radius != 0 && b.radius != 0) radius = sum_up(radius, sum_up(both, 1));
  return shifted(a.middle * b.middle, -bits_, radius);
}

Ball BallArithmetic::extreme(const Ball& a, const Ball& b, int direction) const {
  if (!is_known(a) || !is_known(b)) return unknown();
  const Integer low_a = low_of(a), high_a = high_of(a), low_b = low_of(b), high_b = high_of(b);
  if (low_a >= high_b) return direction > 0 ? a : b;
  if (low_b >= high_a) return direction > 0 ? b : a;
  if (direction > 0) return hull(std::max(low_a, low_b), std::max(high_a, high_b));
  return hull(std::min(low_a, low_b), std::min(high_a, high_b));
}

Ball BallArithmetic::inverse(const Ball& a) const {
  if (!is_known(a)) return unknown();
  const Integer low = low_of(a), high = high_of(a);
  if (low <= 0 && high >= 0) throw Refused("division by what may be 0");
  const Integer one = Integer(1) << static_cast<unsigned>(2 * bits_);
  const Integer first = one / high, second = one / low;  // towards 0
  return hull(std::min(first, second) - 1, std::max(first, second) + 1);
}

Ball BallArithmetic::root(const Ball& a) const {
  if (!is_known(a)) return unknown();
  const Integer low = low_of(a), high = high_of(a);
  if (low < 0) throw Refused("the root of what may be negative");
  const auto up = static_cast<unsigned>(bits_);
  const Integer first = sqrt(Integer(low << up)), last = sqrt(Integer(high << up));
  return hull(first, last * last == (high << up) ? last : Integer(last + 1));
}

Ball BallArithmetic::floor(const Ball& a) const {
  if (!is_known(a)) return unknown();
  const auto down = [&](const Integer& number) {
    const Integer unit = Integer(1) << static_cast<unsigned>(bits_);
    Integer quotient = number / unit;
    if (number < 0 && quotient * unit != number) --quotient;
    return Integer(quotient * unit);
  };
  return hull(down(low_of(a)), down(high_of(a)));
}

Ball BallArithmetic::truth(bool always, bool never) const {
  if (!always && !never) throw Refused("a comparison is not decided by enclosures");
  return of(always ? 1.0 : 0.0);
}

Ball BallArithmetic::compared(ScalarKind kind, const Ball& a, const Ball& b) const {
  if (!is_known(a) || !is_known(b)) throw Refused("a comparison is not decided by enclosures");
  const Integer low_a = low_of(a), high_a = high_of(a), low_b = low_of(b), high_b = high_of(b);
  if (kind == ScalarKind::Less) return truth(high_a < low_b, low_a >= high_b);
  if (kind == ScalarKind::LessEqual) return truth(high_a <= low_b, low_a > high_b);
  const bool single = a.radius == 0 && b.radius == 0;
  return truth(single && a.middle == b.middle, high_a < low_b || high_b < low_a);
}

Ball BallArithmetic::apply(ScalarKind kind, std::span<const Ball> t) const {
  const auto negated = [](const Ball& a) { return Ball{-a.middle, a.radius}; };
  switch (kind) {
    case ScalarKind::Add: return plus(t[0], t[1]);
    case ScalarKind::Subtract: return plus(t[0], negated(t[1]));
    case ScalarKind::Negate: return negated(t[0]);
    case ScalarKind::Multiply: return times(t[0], t[1]);
    case ScalarKind::Divide: return times(t[0], inverse(t[1]));
    case ScalarKind::Max: return extreme(t[0], t[1], 1);
    case ScalarKind::Min: return extreme(t[0], t[1], -1);
    case ScalarKind::Sqrt: return root(t[0]);
    case ScalarKind::Floor: return floor(t[0]);
    case ScalarKind::Less:
    case ScalarKind::LessEqual:
    case ScalarKind::Equal: return compared(kind, t[0], t[1]);
    case ScalarKind::And: return of(is_true(t[0]) && is_true(t[1]) ? 1.0 : 0.0);
    case ScalarKind::Or: return of(is_true(t[0]) || is_true(t[1]) ? 1.0 : 0.0);
    case ScalarKind::Not: return of(is_true(t[0]) ? 0.0 : 1.0);
    case ScalarKind::Select: return t[0].radius == 0 ? t[t[0].middle != 0 ? 1 : 2] : either(t[1], t[2]);
    default: break;
  }
  const Enclosure value = enclosed_function(kind, ends(t[0]));
  const Ball low = of(value.low), high = of(value.high);
  return either(low, high);
}

}  // namespace crease::checker
