#include "graph/analysis/rational.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>
#include <optional>

#include "graph/error.h"

namespace crease {

namespace {

__extension__ typedef unsigned __int128 UInt128;

constexpr int64_t kBits = 126;
constexpr int64_t kDenominatorLimit = int64_t{1} << 40;

UInt128 magnitude(Int128 x) { return x < 0 ? -static_cast<UInt128>(x) : static_cast<UInt128>(x); }

int64_t bit_count(UInt128 x) {
  const auto high = static_cast<uint64_t>(x >> 64);
  return high ? 128 - std::countl_zero(high) : 64 - std::countl_zero(static_cast<uint64_t>(x));
}

int64_t trailing_zeros(UInt128 x) {
  const auto low = static_cast<uint64_t>(x);
  return low ? std::countr_zero(low) : 64 + std::countr_zero(static_cast<uint64_t>(x >> 64));
}

/// Bits that a sum of `count` numbers needs beyond those of one.
int64_t carry_bits(int64_t count) {
  return std::bit_width(static_cast<uint64_t>(std::max<int64_t>(count, 1)));
}

/// Least common multiple, or nothing beyond the limit.
std::optional<int64_t> common_multiple(int64_t a, int64_t b) {
  const int64_t factor = a / std::gcd(a, b);
  if (factor > kDenominatorLimit / b) return {};
  return factor * b;
}

/// Entries as integers over one scale.
struct Integers {
  std::vector<Int128> values;
  int64_t exponent = 0;
  int64_t denominator = 1;
  int64_t bits = 0;
};

std::optional<Integers> integers_of(const std::vector<MatrixEntry>& entries) {
  Integers result;
  result.exponent = std::numeric_limits<int64_t>::max();
  for (const MatrixEntry& entry : entries) {
    if (entry.value.is_zero()) continue;
    const int64_t odd = entry.value.odd_denominator();
    if (odd == 0) return {};
    const auto common = common_multiple(result.denominator, odd);
    if (!common) return {};
    result.denominator = *common;
    result.exponent = std::min(result.exponent, entry.value.exponent());
  }
  if (result.exponent == std::numeric_limits<int64_t>::max()) result.exponent = 0;
  result.values.resize(entries.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    const Rational& value = entries[i].value;
    const Rational scaled = result.denominator == 1 ? value : value * Rational(result.denominator);
    if (!scaled.scaled_integer(result.exponent, result.values[i])) return {};
    result.bits = std::max(result.bits, bit_count(magnitude(result.values[i])));
  }
  return result;
}

void check_inside(int64_t rows, int64_t columns, const std::vector<MatrixEntry>& entries) {
  for (const MatrixEntry& entry : entries) {
    const bool inside = entry.row >= 0 && entry.row < rows && entry.column >= 0 && entry.column < columns;
    expect(inside, "[matrix] entry outside: got [{}, {}], want inside [{}, {}]", entry.row, entry.column,
           rows, columns);
  }
}

/// The greatest number of entries in one row.
int64_t longest_row(int64_t rows, const std::vector<MatrixEntry>& entries) {
  std::vector<int64_t> counts(static_cast<size_t>(rows));
  for (const MatrixEntry& entry : entries) ++counts[static_cast<size_t>(entry.row)];
  return counts.empty() ? 0 : *std::max_element(counts.begin(), counts.end());
}

/// to[k] += factor * from[k]. A 64-bit factor takes half the multiplications of a 128-bit one.
void add_multiple(Int128* to, const Int128* from, Int128 factor, int64_t count) {
  const auto small = static_cast<int64_t>(factor);
  if (small == factor) {
    for (int64_t k = 0; k < count; ++k) to[k] += from[k] * small;
    return;
  }
  for (int64_t k = 0; k < count; ++k) to[k] += from[k] * factor;
}

bool is_prime(uint64_t candidate) {
  // Miller-Rabin with these bases is exact below 2^64. Source: Sorenson, Webster 2015.
  const auto times = [&](uint64_t a, uint64_t b) {
    return static_cast<uint64_t>(static_cast<UInt128>(a) * b % candidate);
  };
  const int zeros = std::countr_zero(candidate - 1);
  for (const uint64_t base : {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37}) {
    uint64_t x = 1, power = base;
    for (uint64_t e = (candidate - 1) >> zeros; e > 0; e >>= 1, power = times(power, power))
      if (e & 1) x = times(x, power);
    bool passes = x == 1 || x == candidate - 1;
    for (int i = 1; i < zeros && !passes; ++i) passes = (x = times(x, x)) == candidate - 1;
    if (!passes) return false;
  }
  return true;
}

uint64_t inverse_modulo(uint64_t x, uint64_t prime) {
  uint64_t result = 1;
  for (uint64_t e = prime - 2; e > 0; e >>= 1) {
    if (e & 1) result = static_cast<uint64_t>(static_cast<UInt128>(result) * x % prime);
    x = static_cast<uint64_t>(static_cast<UInt128>(x) * x % prime);
  }
  return result;
}

/// Rank of a row-major matrix over the integers modulo a prime; destroys it.
int64_t eliminate(std::vector<uint64_t>& a, int64_t rows, int64_t columns, uint64_t prime) {
  int64_t rank = 0;
  const auto at = [&](int64_t i, int64_t j) -> uint64_t& { return a[static_cast<size_t>(i * columns + j)]; };
  for (int64_t column = 0; column < columns && rank < rows; ++column) {
    int64_t pivot = rank;
    while (pivot < rows && at(pivot, column) == 0) ++pivot;
    if (pivot == rows) continue;
    for (int64_t j = 0; j < columns; ++j) std::swap(at(pivot, j), at(rank, j));
    const uint64_t inverse = inverse_modulo(at(rank, column), prime);
    for (int64_t i = rank + 1; i < rows; ++i) {
      if (at(i, column) == 0) continue;
      const auto factor = static_cast<uint64_t>(static_cast<UInt128>(at(i, column)) * inverse % prime);
      for (int64_t j = column; j < columns; ++j)
        at(i, j) =
            static_cast<uint64_t>((at(i, j) + static_cast<UInt128>(prime - factor) * at(rank, j)) % prime);
    }
    ++rank;
  }
  return rank;
}

}  // namespace

ExactMatrix::ExactMatrix(int64_t rows, int64_t columns)
    : rows_(rows), columns_(columns), compact_(static_cast<size_t>(rows * columns)) {}

ExactMatrix ExactMatrix::identity(int64_t size) {
  ExactMatrix result(size, size);
  for (int64_t i = 0; i < size; ++i) result.compact_[result.place(i, i)] = 1;
  result.bits_ = size > 0 ? 1 : 0;
  return result;
}

ExactMatrix ExactMatrix::from(int64_t rows, int64_t columns, const std::vector<MatrixEntry>& entries) {
  return product(rows, entries, identity(columns));
}

Rational ExactMatrix::at(int64_t row, int64_t column) const {
  if (!is_compact()) return wide_[place(row, column)];
  const Rational dyadic = Rational::dyadic(compact_[place(row, column)], scale_.exponent);
  return scale_.denominator == 1 ? dyadic : dyadic / Rational(scale_.denominator);
}

std::vector<Rational> ExactMatrix::expanded() const {
  if (!is_compact()) return wide_;
  std::vector<Rational> result;
  result.reserve(compact_.size());
  for (int64_t i = 0; i < rows_; ++i)
    for (int64_t j = 0; j < columns_; ++j) result.push_back(at(i, j));
  return result;
}

bool ExactMatrix::operator==(const ExactMatrix& other) const {
  if (rows_ != other.rows_ || columns_ != other.columns_) return false;
  if (is_compact() && other.is_compact() && scale_ == other.scale_) return compact_ == other.compact_;
  return expanded() == other.expanded();
}

void ExactMatrix::tidy() {
  UInt128 all = 0;
  for (const Int128 x : compact_) all |= magnitude(x);
  if (all == 0) {
    scale_ = {};
    bits_ = 0;
    return;
  }
  const int64_t zeros = trailing_zeros(all);
  if (zeros > 0)
    for (Int128& x : compact_) x >>= zeros;
  scale_.exponent += zeros;
  bits_ = bit_count(all) - zeros;
}

ExactMatrix ExactMatrix::product(int64_t rows, const std::vector<MatrixEntry>& left,
                                 const ExactMatrix& right) {
  check_inside(rows, right.rows_, left);
  ExactMatrix result(rows, right.columns_);
  const int64_t carry = carry_bits(longest_row(rows, left));
  const auto integers = right.is_compact() ? integers_of(left) : std::nullopt;
  const bool fits = integers && integers->denominator <= kDenominatorLimit / right.scale_.denominator &&
                    integers->bits + right.bits_ + carry <= kBits;
  if (fits) {
    for (size_t k = 0; k < left.size(); ++k)
      if (integers->values[k] != 0)
        add_multiple(&result.compact_[result.place(left[k].row, 0)],
                     &right.compact_[right.place(left[k].column, 0)], integers->values[k], right.columns_);
    result.scale_ = {integers->exponent + right.scale_.exponent,
                     integers->denominator * right.scale_.denominator};
    result.tidy();
    return result;
  }
  const std::vector<Rational> from = right.expanded();
  result.compact_.clear();
  result.wide_.resize(static_cast<size_t>(rows * right.columns_));
  for (const MatrixEntry& entry : left)
    for (int64_t j = 0; j < right.columns_; ++j)
      result.wide_[result.place(entry.row, j)] += entry.value * from[right.place(entry.column, j)];
  return result;
}

ExactMatrix operator+(const ExactMatrix& a, const ExactMatrix& b) {
  expect(a.rows_ == b.rows_ && a.columns_ == b.columns_, "[matrix] sizes differ: got [{}, {}], want [{}, {}]",
         b.rows_, b.columns_, a.rows_, a.columns_);
  ExactMatrix result(a.rows_, a.columns_);
  const auto denominator = common_multiple(a.scale_.denominator, b.scale_.denominator);
  const int64_t exponent = std::min(a.scale_.exponent, b.scale_.exponent);
  // Whether an operand's entries fit after being brought to the common scale.
  const auto lifted = [&](const ExactMatrix& m) {
    return m.bits_ + m.scale_.exponent - exponent +
           carry_bits(denominator.value_or(1) / m.scale_.denominator);
  };
  if (a.is_compact() && b.is_compact() && denominator && lifted(a) < kBits && lifted(b) < kBits) {
    const auto factor = [&](const ExactMatrix& m) {
      return (Int128{1} << (m.scale_.exponent - exponent)) * (*denominator / m.scale_.denominator);
    };
    const Int128 scale_a = factor(a), scale_b = factor(b);
    for (size_t k = 0; k < result.compact_.size(); ++k)
      result.compact_[k] = a.compact_[k] * scale_a + b.compact_[k] * scale_b;
    result.scale_ = {exponent, *denominator};
    result.tidy();
    return result;
  }
  result.compact_.clear();
  result.wide_ = a.expanded();
  const std::vector<Rational> other = b.expanded();
  for (size_t k = 0; k < other.size(); ++k) result.wide_[k] += other[k];
  return result;
}

int64_t ExactMatrix::rank_modulo(uint64_t prime) const {
  std::vector<uint64_t> residues;
  residues.reserve(static_cast<size_t>(rows_ * columns_));
  if (is_compact()) {  // the common scale does not change the rank
    for (const Int128 x : compact_) {
      const auto rest = static_cast<int64_t>(x % static_cast<Int128>(prime));
      residues.push_back(static_cast<uint64_t>(rest < 0 ? rest + static_cast<int64_t>(prime) : rest));
    }
  } else {
    // Denominators are products of factors below 2^60 (doubles, sizes), which no prime near 2^61 divides.
    for (const Rational& x : wide_) residues.push_back(x.residue(prime));
  }
  return eliminate(residues, rows_, columns_, prime);
}

int64_t ExactMatrix::integer_bits() const {
  if (is_compact()) return bits_;
  int64_t lowest = std::numeric_limits<int64_t>::max(), highest = 0, denominator = 1;
  for (const Rational& x : wide_)
    if (!x.is_zero()) lowest = std::min(lowest, x.exponent());
  for (const Rational& x : wide_) {
    if (x.is_zero()) continue;
    highest = std::max(highest, x.numerator_bits() + x.exponent() - lowest);
    denominator = std::max(denominator, x.denominator_bits());
  }
  return highest + (denominator - 1) * columns_;  // each row times the product of its denominators
}

int64_t ExactMatrix::rank(int64_t at_most) const {
  const int64_t limit = std::min({at_most, rows_, columns_});
  int64_t found = 0;
  double proved_bits = 0;
  const int64_t bits = integer_bits();
  uint64_t prime = (uint64_t{1} << 61) + 1;
  while (found < limit) {
    do prime -= 2;
    while (!is_prime(prime));
    const int64_t rank = rank_modulo(prime);
    // A minor that is not 0 is not 0 modulo all but few primes; a greater rank starts the count again.
    if (rank > found) proved_bits = 0;
    found = std::max(found, rank);
    proved_bits += 60;
    // Hadamard: a minor of size k is at most (sqrt(k) max)^k.
    const auto size = static_cast<double>(found + 1);
    if (proved_bits > size * (static_cast<double>(bits) + 0.5 * static_cast<double>(carry_bits(found + 1))))
      break;
  }
  return found;
}

ExactMatrix operator*(const ExactMatrix& left, const ExactMatrix& right) {
  expect(left.columns() == right.rows(), "[matrix] inner sizes differ: got [{}, {}] times [{}, {}]",
         left.rows(), left.columns(), right.rows(), right.columns());
  std::vector<MatrixEntry> entries;
  entries.reserve(static_cast<size_t>(left.rows() * left.columns()));
  for (int64_t i = 0; i < left.rows(); ++i)
    for (int64_t j = 0; j < left.columns(); ++j) entries.push_back({i, j, left.at(i, j)});
  return ExactMatrix::product(left.rows(), entries, right);
}

}  // namespace crease
