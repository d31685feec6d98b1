// Numbers modulo a prime: what is equal of rationals is equal of residues, and what is not hardly ever is.
// Tells at the cost of reading them once whether it is worth to compute with numbers of thousands of bits.
#pragma once

#include "graph/analysis/rational.h"

namespace crease {

class Residue {
 public:
  Residue() = default;
  /// 0 in place of what has no residue: numbers whose denominator the prime divides.
  Residue(const Rational& number) {  // NOLINT(google-explicit-constructor)
    try {
      value_ = static_cast<int64_t>(number.residue(kPrime));
    } catch (const Error&) {
      value_ = 0;
    }
  }

  bool is_zero() const { return value_ == 0; }
  int64_t value() const { return value_; }
  friend Residue operator*(Residue a, Residue b) { return reduced(Int128{a.value_} * b.value_); }
  friend Residue operator-(Residue a, Residue b) { return reduced(Int128{a.value_} + kPrime - b.value_); }
  /// 0 for 0.
  Residue inverse() const {
    return reduced(static_cast<Int128>(inverse_modulo(static_cast<uint64_t>(value_), kPrime)));
  }

 private:
  static constexpr int64_t kPrime = (int64_t{1} << 61) - 1;

  static Residue reduced(Int128 value) {
    Residue result;
    result.value_ = static_cast<int64_t>(value % kPrime);
    return result;
  }

  int64_t value_ = 0;  // from 0 to kPrime - 1
};

}  // namespace crease
