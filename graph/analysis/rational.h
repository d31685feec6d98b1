// Exact matrices: what collapsing layers multiplies. Entries share one power of two and one odd denominator,
// so that products are integer products; 128-bit integers while they provably suffice, exact rationals
// beyond.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "graph/rational.h"

namespace crease {

/// One entry of a sparse matrix.
struct MatrixEntry {
  int64_t row = 0;
  int64_t column = 0;
  Rational value;
};

/// A dense matrix of exact rational numbers, row-major.
class ExactMatrix {
 public:
  ExactMatrix() = default;
  /// Zeros.
  ExactMatrix(int64_t rows, int64_t columns);
  static ExactMatrix identity(int64_t size);
  /// The sum of entries at the same place is taken. Errors: Error if an entry lies outside.
  static ExactMatrix from(int64_t rows, int64_t columns, const std::vector<MatrixEntry>& entries);

  int64_t rows() const { return rows_; }
  int64_t columns() const { return columns_; }
  Rational at(int64_t row, int64_t column) const;
  /// Planes of digits: 1 for numbers below 2^51, one more for each 52 bits; 0 if entries are kept as
  /// rationals.
  size_t planes() const { return planes_.size(); }
  bool operator==(const ExactMatrix& other) const;

  /// left * right, where left is [rows, right.rows()] and given by its entries.
  /// Cost: entries * right.columns() * right.planes() multiply-adds of about 1 ns.
  /// Errors: Error if an entry lies outside.
  static ExactMatrix product(int64_t rows, const std::vector<MatrixEntry>& left, const ExactMatrix& right);
  friend ExactMatrix operator+(const ExactMatrix& a, const ExactMatrix& b);

  /// Exact rank. `at_most` is a bound known otherwise (a bottleneck), which can save most of the work.
  /// Method: elimination modulo primes gives lower bounds; the rank is settled when a bound is met, or when
  /// the primes' product exceeds Hadamard's bound of every larger minor.
  int64_t rank(int64_t at_most) const;

 private:
  struct Scale {
    int64_t exponent = 0;
    int64_t denominator = 1;  // odd
    bool operator==(const Scale&) const = default;
  };
  size_t place(int64_t row, int64_t column) const { return static_cast<size_t>(row * columns_ + column); }
  bool is_wide() const { return planes_.empty(); }
  /// Entries as rationals.
  std::vector<Rational> expanded() const;
  /// Drops planes that are all 0.
  void tidy();
  static ExactMatrix wide_product(int64_t rows, const std::vector<MatrixEntry>& left,
                                  const ExactMatrix& right);
  /// The same entries over a finer scale, or nothing if the denominators' ratio is too large.
  std::optional<ExactMatrix> rescaled(Scale scale) const;
  int64_t rank_modulo(uint64_t prime) const;
  /// Bits of the greatest entry after scaling to integers in a way that keeps the rank.
  int64_t integer_bits() const;

  int64_t rows_ = 0;
  int64_t columns_ = 0;
  Scale scale_;
  // entry = sum over k of planes[k] * 2^(52 k), times 2^exponent / denominator; digits in [-2^51, 2^51].
  std::vector<std::vector<int64_t>> planes_;
  std::vector<Rational> wide_;  // used if there are no planes
};

/// 1 / x modulo a prime below 2^63, 0 for 0.
uint64_t inverse_modulo(uint64_t x, uint64_t prime);

/// left * right. Errors: Error if the inner sizes differ.
ExactMatrix operator*(const ExactMatrix& left, const ExactMatrix& right);

}  // namespace crease
