#include "graph/analysis/rational.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <numeric>
#include <optional>

#include "graph/error.h"

namespace crease {

namespace {

__extension__ typedef unsigned __int128 UInt128;  // NOLINT(modernize-use-using): see Int128

constexpr int kDigit = 52;
// Sums of so many products of two digits, of up to 4 pairs of planes and a carry, stay below 2^127.
constexpr int64_t kLongestRow = int64_t{1} << 19;
constexpr size_t kLeftPlanes = 4;
constexpr int64_t kDenominatorLimit = int64_t{1} << 40;
constexpr int64_t kRescaleLimit = int64_t{1} << 22;  // digit * 2^51 * this stays below 2^127

int64_t bits_for(int64_t count) { return std::bit_width(static_cast<uint64_t>(std::max<int64_t>(count, 1))); }

/// Takes the lowest digit off a number: what is left is the carry.
int64_t take_digit(Int128& value) {
  constexpr Int128 half = Int128{1} << (kDigit - 1);
  const Int128 carry = (value + half) >> kDigit;
  const auto digit = static_cast<int64_t>(value - (carry << kDigit));
  value = carry;
  return digit;
}

/// Least common multiple, or nothing beyond the limit.
std::optional<int64_t> common_multiple(int64_t a, int64_t b) {
  const int64_t factor = a / std::gcd(a, b);
  if (factor > kDenominatorLimit / b) return {};
  return factor * b;
}

/// Entries as digits over one scale.
struct Digits {
  std::vector<std::vector<int64_t>> planes;
  int64_t exponent = 0;
  int64_t denominator = 1;
};

/// The scale over which all entries are integers; false if the denominators have no small common multiple.
bool find_scale(const std::vector<MatrixEntry>& entries, Digits& digits) {
  int64_t exponent = std::numeric_limits<int64_t>::max();
  for (const MatrixEntry& entry : entries) {
    if (entry.value.is_zero()) continue;
    const int64_t odd = entry.value.odd_denominator();
    const auto common = odd == 0 ? std::nullopt : common_multiple(digits.denominator, odd);
    if (!common) return false;
    digits.denominator = *common;
    exponent = std::min(exponent, entry.value.exponent());
  }
  digits.exponent = exponent == std::numeric_limits<int64_t>::max() ? 0 : exponent;
  return true;
}

std::optional<Digits> digits_of(const std::vector<MatrixEntry>& entries) {
  Digits digits;
  if (!find_scale(entries, digits)) return {};
  digits.planes.assign(1, std::vector<int64_t>(entries.size()));
  for (size_t i = 0; i < entries.size(); ++i) {
    const Rational& value = entries[i].value;
    Int128 integer = 0;
    const Rational scaled = digits.denominator == 1 ? value : value * Rational(digits.denominator);
    if (!scaled.scaled_integer(digits.exponent, integer)) return {};
    for (size_t plane = 0; integer != 0; ++plane) {
      if (plane == digits.planes.size()) digits.planes.emplace_back(entries.size());
      digits.planes[plane][i] = take_digit(integer);
    }
  }
  if (digits.planes.size() > kLeftPlanes) return {};
  return digits;
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

/// Adds the products of one plane of the left factor with one of the right.
void add_plane(std::vector<Int128>& sums, const std::vector<MatrixEntry>& places,
               const std::vector<int64_t>& left, const std::vector<int64_t>& right, int64_t columns) {
  for (size_t k = 0; k < places.size(); ++k) {
    const int64_t factor = left[k];
    if (factor == 0) continue;
    Int128* to = &sums[static_cast<size_t>(places[k].row * columns)];
    const int64_t* from = &right[static_cast<size_t>(places[k].column * columns)];
    for (int64_t j = 0; j < columns; ++j) to[j] += static_cast<Int128>(from[j]) * factor;
  }
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

uint64_t inverse_modulo(uint64_t x, uint64_t prime) {
  uint64_t result = 1;
  for (uint64_t e = prime - 2; e > 0; e >>= 1) {
    if (e & 1) result = static_cast<uint64_t>(static_cast<UInt128>(result) * x % prime);
    x = static_cast<uint64_t>(static_cast<UInt128>(x) * x % prime);
  }
  return result;
}

ExactMatrix::ExactMatrix(int64_t rows, int64_t columns)
    : rows_(rows), columns_(columns), planes_(1, std::vector<int64_t>(static_cast<size_t>(rows * columns))) {}

ExactMatrix ExactMatrix::identity(int64_t size) {
  ExactMatrix result(size, size);
  for (int64_t i = 0; i < size; ++i) result.planes_[0][result.place(i, i)] = 1;
  return result;
}

ExactMatrix ExactMatrix::from(int64_t rows, int64_t columns, const std::vector<MatrixEntry>& entries) {
  return product(rows, entries, identity(columns));
}

Rational ExactMatrix::at(int64_t row, int64_t column) const {
  if (is_wide()) return wide_[place(row, column)];
  Rational sum;
  for (size_t k = 0; k < planes_.size(); ++k) {
    const int64_t digit = planes_[k][place(row, column)];
    if (digit != 0) sum += Rational::dyadic(digit, scale_.exponent + kDigit * static_cast<int64_t>(k));
  }
  return scale_.denominator == 1 ? sum : sum / Rational(scale_.denominator);
}

std::vector<Rational> ExactMatrix::expanded() const {
  if (is_wide()) return wide_;
  std::vector<Rational> result;
  result.reserve(planes_[0].size());
  for (int64_t i = 0; i < rows_; ++i)
    for (int64_t j = 0; j < columns_; ++j) result.push_back(at(i, j));
  return result;
}

bool ExactMatrix::operator==(const ExactMatrix& other) const {
  if (rows_ != other.rows_ || columns_ != other.columns_) return false;
  if (!is_wide() && scale_ == other.scale_ && planes_ == other.planes_) return true;
  return expanded() == other.expanded();
}

void ExactMatrix::tidy() {
  const auto is_zero = [](const std::vector<int64_t>& plane) {
    return std::all_of(plane.begin(), plane.end(), [](int64_t digit) { return digit == 0; });
  };
  while (planes_.size() > 1 && is_zero(planes_.back())) planes_.pop_back();
  while (planes_.size() > 1 && is_zero(planes_.front())) {
    planes_.erase(planes_.begin());
    scale_.exponent += kDigit;
  }
}

ExactMatrix ExactMatrix::product(int64_t rows, const std::vector<MatrixEntry>& left,
                                 const ExactMatrix& right) {
  check_inside(rows, right.rows_, left);
  if (rows * right.columns_ == 0) return {rows, right.columns_};
  if (longest_row(rows, left) > kLongestRow) {
    const auto middle = left.begin() + static_cast<std::ptrdiff_t>(left.size() / 2);
    return product(rows, {left.begin(), middle}, right) + product(rows, {middle, left.end()}, right);
  }
  const auto digits = right.is_wide() ? std::nullopt : digits_of(left);
  if (!digits || digits->denominator > kDenominatorLimit / right.scale_.denominator)
    return wide_product(rows, left, right);
  ExactMatrix result(rows, right.columns_);
  result.scale_ = {digits->exponent + right.scale_.exponent, digits->denominator * right.scale_.denominator};
  result.planes_.clear();
  std::vector<Int128> sums(static_cast<size_t>(rows * right.columns_));
  const size_t count = digits->planes.size() + right.planes_.size();
  for (size_t plane = 0; plane <= count; ++plane) {  // the last ones take carries
    for (size_t l = 0; l < digits->planes.size() && l <= plane; ++l)
      if (plane - l < right.planes_.size())
        add_plane(sums, left, digits->planes[l], right.planes_[plane - l], right.columns_);
    std::vector<int64_t>& to = result.planes_.emplace_back(sums.size());
    for (size_t k = 0; k < sums.size(); ++k) to[k] = take_digit(sums[k]);
  }
  result.tidy();
  return result;
}

ExactMatrix ExactMatrix::wide_product(int64_t rows, const std::vector<MatrixEntry>& left,
                                      const ExactMatrix& right) {
  const std::vector<Rational> from = right.expanded();
  ExactMatrix result(rows, right.columns_);
  result.planes_.clear();
  result.wide_.resize(static_cast<size_t>(rows * right.columns_));
  for (const MatrixEntry& entry : left)
    for (int64_t j = 0; j < right.columns_; ++j)
      result.wide_[result.place(entry.row, j)] += entry.value * from[right.place(entry.column, j)];
  return result;
}

std::optional<ExactMatrix> ExactMatrix::rescaled(Scale scale) const {
  const int64_t factor = scale.denominator / scale_.denominator;
  if (is_wide() || factor > kRescaleLimit) return {};
  const int64_t shift = scale_.exponent - scale.exponent;
  const auto whole = static_cast<size_t>(shift / kDigit);
  const Int128 multiplier = (Int128{1} << (shift % kDigit)) * factor;
  ExactMatrix result(rows_, columns_);
  result.scale_ = scale;
  result.planes_.assign(whole, result.planes_[0]);
  std::vector<Int128> sums(static_cast<size_t>(rows_ * columns_));
  for (size_t plane = 0; plane < planes_.size() + 2; ++plane) {
    std::vector<int64_t>& to = result.planes_.emplace_back(sums.size());
    for (size_t k = 0; k < sums.size(); ++k) {
      if (plane < planes_.size()) sums[k] += planes_[plane][k] * multiplier;
      to[k] = take_digit(sums[k]);
    }
  }
  return result;
}

ExactMatrix operator+(const ExactMatrix& a, const ExactMatrix& b) {
  expect(a.rows_ == b.rows_ && a.columns_ == b.columns_, "[matrix] sizes differ: got [{}, {}], want [{}, {}]",
         b.rows_, b.columns_, a.rows_, a.columns_);
  const auto denominator = common_multiple(a.scale_.denominator, b.scale_.denominator).value_or(0);
  const ExactMatrix::Scale scale{std::min(a.scale_.exponent, b.scale_.exponent), denominator};
  auto x = denominator ? a.rescaled(scale) : std::nullopt, y = denominator ? b.rescaled(scale) : std::nullopt;
  if (x && y) {
    if (x->planes_.size() < y->planes_.size()) std::swap(x, y);
    std::vector<Int128> sums(static_cast<size_t>(a.rows_ * a.columns_));
    for (size_t plane = 0; plane < x->planes_.size(); ++plane)  // rescaling left room for the carry
      for (size_t k = 0; k < sums.size(); ++k) {
        sums[k] += x->planes_[plane][k] + (plane < y->planes_.size() ? y->planes_[plane][k] : 0);
        x->planes_[plane][k] = take_digit(sums[k]);
      }
    x->tidy();
    return *x;
  }
  ExactMatrix result(a.rows_, a.columns_);
  result.planes_.clear();
  result.wide_ = a.expanded();
  const std::vector<Rational> other = b.expanded();
  for (size_t k = 0; k < other.size(); ++k) result.wide_[k] += other[k];
  return result;
}

int64_t ExactMatrix::rank_modulo(uint64_t prime) const {
  std::vector<uint64_t> residues;
  residues.reserve(static_cast<size_t>(rows_ * columns_));
  if (!is_wide()) {  // the common scale does not change the rank
    const uint64_t base = (uint64_t{1} << kDigit) % prime;
    for (size_t k = 0; k < planes_[0].size(); ++k) {
      uint64_t sum = 0;
      for (size_t plane = planes_.size(); plane-- > 0;) {
        const int64_t digit = planes_[plane][k];  // below 2^52, hence below the prime
        const uint64_t residue =
            digit < 0 ? prime - static_cast<uint64_t>(-digit) : static_cast<uint64_t>(digit);
        sum = static_cast<uint64_t>((static_cast<UInt128>(sum) * base + residue) % prime);
      }
      residues.push_back(sum);
    }
  } else {
    // Denominators are products of factors below 2^60 (doubles, sizes), which no prime near 2^61 divides.
    for (const Rational& x : wide_) residues.push_back(x.residue(prime));
  }
  return eliminate(residues, rows_, columns_, prime);
}

int64_t ExactMatrix::integer_bits() const {
  if (!is_wide()) return kDigit * static_cast<int64_t>(planes_.size());
  int64_t lowest = std::numeric_limits<int64_t>::max(), highest = 0, denominator = 1;
  for (const Rational& x : wide_)
    if (!x.is_zero()) lowest = std::min(lowest, x.exponent());
  for (const Rational& x : wide_) {
    if (x.is_zero()) continue;
    highest = std::max(highest, x.numerator_bits() + x.exponent() - lowest);
    denominator = std::max(denominator, x.denominator_bits());
  }
  // Each row times the product of its denominators: below 2^denominator each, or all 1.
  return highest + (denominator > 1 ? denominator : 0) * columns_;
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
    if (proved_bits > size * (static_cast<double>(bits) + 0.5 * static_cast<double>(bits_for(found + 1))))
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
