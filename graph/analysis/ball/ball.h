// Long numbers for the checker: a value is known as a multiple of 2^-bits, and how far it may be off. As
// exact as the bits, and fast enough for networks of millions of weights, where rationals grow with every
// layer. Source: ball arithmetic (van der Hoeven 2010; Johansson 2017, Arb).
#pragma once

#include <boost/multiprecision/cpp_int.hpp>
#include <span>

#include "graph/analysis/check_enclosure.h"
#include "graph/scalar.h"

namespace crease::checker {

using Integer = boost::multiprecision::cpp_int;

/// All numbers within `radius` of `middle`, both in units of 2^-bits.
struct Ball {
  Integer middle;
  double radius = 0;  // rounded upwards; infinite: nothing is known
};

/// Arithmetic on balls of one precision.
class BallArithmetic {
 public:
  explicit BallArithmetic(int64_t bits) : bits_(bits) {}
  int64_t bits() const { return bits_; }

  /// Errors: Refused unless it is finite.
  Ball of(double number) const;
  Ball of(const Rational& number) const;
  /// Errors: Refused if nothing is known.
  Enclosure ends(const Ball& ball) const;
  /// A number with few digits inside of a ball.
  Rational short_number(const Ball& ball) const;

  Ball plus(const Ball& a, const Ball& b) const;
  Ball times(const Ball& a, const Ball& b) const;
  /// The greater one (direction 1) or the lesser (-1).
  Ball extreme(const Ball& a, const Ball& b, int direction) const;
  /// One step of a body; Select gives what holds either way where its condition is open. Errors: Refused for
  /// what has no enclosure: comparisons that are open, division by what may be 0.
  Ball apply(ScalarKind kind, std::span<const Ball> terms) const;
  /// Multiplies by 2^exponent. Errors: Refused for numbers of 2^16384 and more.
  Ball shifted(const Integer& number, int64_t exponent, double radius) const;

 private:
  int64_t bits_;

  Ball hull(const Integer& low, const Integer& high) const;
  Ball either(const Ball& a, const Ball& b) const;
  Ball inverse(const Ball& a) const;
  Ball root(const Ball& a) const;
  Ball floor(const Ball& a) const;
  Ball truth(bool always, bool never) const;
  Ball compared(ScalarKind kind, const Ball& a, const Ball& b) const;
};

/// a + b, a * b of numbers that are not negative, rounded upwards.
double sum_up(double a, double b);
double product_up(double a, double b);

}  // namespace crease::checker
