// Exact rational numbers. Every float is a dyadic rational, so parameters enter without error and a claim
// about a network can be decided instead of estimated.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "graph/error.h"

namespace crease {

__extension__ typedef __int128 Int128;  // NOLINT(modernize-use-using): __extension__ takes no using

/// An exact number became too long to compute with: squared again and again, a number doubles its digits.
class LongNumber : public Error {
 public:
  using Error::Error;
};

/// An exact rational number: numerator * 2^exponent / denominator with both odd and coprime. Numbers whose
/// numerator fits 126 bits and whose denominator fits 63 bits take no memory allocation, and dyadic ones no
/// greatest common divisor; larger ones use multiprecision integers. A value type.
/// Errors of all arithmetic: LongNumber for results of more than 2^20 bits, 2^17 where a fraction must be
/// brought to lowest terms.
class Rational {
 public:
  /// 0.
  Rational() = default;
  Rational(int64_t value);                                        // NOLINT(google-explicit-constructor)
  Rational(int value) : Rational(static_cast<int64_t>(value)) {}  // NOLINT(google-explicit-constructor)
  /// numerator / denominator. Errors: Error if the denominator is 0.
  Rational(int64_t numerator, int64_t denominator);
  /// integer * 2^exponent.
  static Rational dyadic(Int128 integer, int64_t exponent);
  /// The exact value of a double. Errors: Error unless it is finite.
  static Rational of(double value);
  /// "-3", "17/4", "1e-3" or "0.125" (decimals exactly). Errors: Error naming the text.
  static Rational parse(std::string_view text);

  /// -1, 0 or 1.
  int sign() const;
  bool is_zero() const { return sign() == 0; }
  bool is_integer() const;
  /// Whether the denominator is a power of two.
  bool is_dyadic() const;
  /// The greatest multiple of 2^power that is not greater.
  Rational floor(int64_t power = 0) const;
  Rational abs() const;
  /// The nearest double, ties to even; infinite where that overflows.
  double to_double() const;
  /// The nearest float, rounded once (not by way of double).
  float to_float() const;
  /// The odd part of the denominator if it fits 63 bits, else 0.
  int64_t odd_denominator() const;
  /// The odd denominator, of any length.
  Rational denominator() const;
  /// If this is integer * 2^power with an integer of at most 126 bits and the given power: that integer.
  /// Returns whether it is.
  bool scaled_integer(int64_t power, Int128& integer) const;
  /// Greatest power of two that divides the number (numerator * 2^exponent); 0 for 0.
  int64_t exponent() const { return exponent_; }
  /// The number modulo an odd prime below 2^62. Errors: Error if the prime divides the denominator.
  uint64_t residue(uint64_t prime) const;
  /// Bits of the odd numerator.
  int64_t numerator_bits() const;
  /// Bits of the odd denominator: 1 for a dyadic number.
  int64_t denominator_bits() const;
  /// Of both: how long the number is to compute with.
  int64_t bits() const { return numerator_bits() + denominator_bits(); }

  Rational operator-() const;
  friend Rational operator+(const Rational& a, const Rational& b);
  friend Rational operator-(const Rational& a, const Rational& b);
  friend Rational operator*(const Rational& a, const Rational& b);
  /// Errors: Error if b is 0.
  friend Rational operator/(const Rational& a, const Rational& b);
  /// a / b where that is dyadic, as are a and b: without a search for common divisors.
  /// Errors: Error if b is 0; Bug if a / b is not dyadic.
  friend Rational exact_quotient(const Rational& a, const Rational& b);
  Rational& operator+=(const Rational& other) { return *this = *this + other; }
  Rational& operator-=(const Rational& other) { return *this = *this - other; }
  Rational& operator*=(const Rational& other) { return *this = *this * other; }
  Rational& operator/=(const Rational& other) { return *this = *this / other; }
  friend bool operator==(const Rational& a, const Rational& b);
  friend std::strong_ordering operator<=>(const Rational& a, const Rational& b);

  /// Numerator and denominator beyond the small range; its definition is private to rational.cpp.
  struct Big;

 private:
  friend struct RationalParts;
  Int128 numerator_ = 0;     // odd or 0; unused when big_ is set
  int64_t denominator_ = 1;  // odd, positive; unused when big_ is set
  int64_t exponent_ = 0;
  std::shared_ptr<const Big> big_;
};

/// The square root, if it is rational.
std::optional<Rational> square_root(const Rational& number);

/// "17/4", "-3": lowest terms, read back by parse.
std::string to_string(const Rational& number);

}  // namespace crease
