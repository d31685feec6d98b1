#include "graph/rational.h"

#include <bit>
#include <boost/multiprecision/cpp_int.hpp>
#include <charconv>
#include <cmath>
#include <numeric>

#include "graph/error.h"

namespace crease {

using Wide = boost::multiprecision::cpp_int;

struct Rational::Big {
  Wide numerator;    // odd
  Wide denominator;  // odd, positive
};

namespace {

__extension__ typedef unsigned __int128 UInt128;  // NOLINT(modernize-use-using): see Int128

constexpr int64_t kNumeratorBits = 126;
constexpr int64_t kDenominatorBits = 63;

// Each takes at most about a second: the decimal digits of the one, the greatest common divisor of the other.
constexpr int64_t kMostBits = int64_t{1} << 20;
constexpr int64_t kMostFractionBits = int64_t{1} << 17;

[[noreturn]] void fail_long(int64_t bits, int64_t most) {
  throw LongNumber(
      fmt::format("[rational] an exact number is too long: got {} bits, want at most {}", bits, most));
}

void expect_exponent(int64_t exponent) {
  if (std::abs(exponent) > kMostBits) fail_long(std::abs(exponent), kMostBits);
}

UInt128 magnitude(Int128 x) { return x < 0 ? -static_cast<UInt128>(x) : static_cast<UInt128>(x); }

int64_t bit_count(Int128 x) {
  const UInt128 m = magnitude(x);
  const auto high = static_cast<uint64_t>(m >> 64);
  return high ? 128 - std::countl_zero(high) : 64 - std::countl_zero(static_cast<uint64_t>(m));
}

int64_t bit_count(const Wide& x) {
  return x == 0 ? 0 : static_cast<int64_t>(boost::multiprecision::msb(boost::multiprecision::abs(x))) + 1;
}

int64_t trailing_zeros(Int128 x) {
  const auto low = static_cast<uint64_t>(x);
  return low ? std::countr_zero(low) : 64 + std::countr_zero(static_cast<uint64_t>(magnitude(x) >> 64));
}

Wide to_wide(Int128 x) {
  const UInt128 m = magnitude(x);
  Wide wide = (Wide(static_cast<uint64_t>(m >> 64)) << 64) | Wide(static_cast<uint64_t>(m));
  return x < 0 ? Wide(-wide) : wide;
}

Int128 to_small(const Wide& x) {
  const Wide m = boost::multiprecision::abs(x);
  const auto high = static_cast<uint64_t>(Wide(m >> 64));
  const auto low = static_cast<uint64_t>(Wide(m & Wide(~uint64_t{0})));
  const auto value = static_cast<Int128>((static_cast<UInt128>(high) << 64) | low);
  return x < 0 ? -value : value;
}

Int128 common_divisor(Int128 a, int64_t b) {
  auto rest = static_cast<int64_t>(magnitude(a) % static_cast<UInt128>(b));
  return std::gcd(rest, b);
}

/// b is positive. What fits one word takes one division; the library takes a step for each bit.
Wide common_divisor(const Wide& a, const Wide& b) {
  if (bit_count(b) > kDenominatorBits) return boost::multiprecision::gcd(a, b);
  return std::gcd(static_cast<int64_t>(Wide(a % b)), static_cast<int64_t>(b));
}

}  // namespace

/// Reads and makes the parts of a Rational.
struct RationalParts {
  static Wide numerator(const Rational& x) { return x.big_ ? x.big_->numerator : to_wide(x.numerator_); }
  static Wide denominator(const Rational& x) { return x.big_ ? x.big_->denominator : Wide(x.denominator_); }
  static int64_t exponent(const Rational& x) { return x.exponent_; }
  static bool is_small(const Rational& x) { return !x.big_; }
  static Int128 small_numerator(const Rational& x) { return x.numerator_; }
  static int64_t small_denominator(const Rational& x) { return x.denominator_; }

  /// From numerator * 2^exponent / denominator in any form with denominator odd and positive.
  static Rational make(Int128 numerator, int64_t denominator, int64_t exponent) {
    Rational result;
    if (numerator == 0) return result;
    expect_exponent(exponent);
    if (denominator != 1) {
      const Int128 divisor = common_divisor(numerator, denominator);
      numerator /= divisor;
      denominator /= static_cast<int64_t>(divisor);
    }
    const int64_t zeros = trailing_zeros(numerator);
    result.numerator_ = numerator >> zeros;
    result.denominator_ = denominator;
    result.exponent_ = exponent + zeros;
    if (bit_count(result.numerator_) > kNumeratorBits)
      result.big_ = std::make_shared<Rational::Big>(Rational::Big{to_wide(result.numerator_), denominator});
    return result;
  }

  static Rational make(Wide numerator, Wide denominator, int64_t exponent) {
    if (numerator == 0) return {};
    expect_exponent(exponent);
    const int64_t bits = bit_count(numerator) + bit_count(denominator);
    const int64_t most = denominator == 1 ? kMostBits : kMostFractionBits;
    if (bits > most) fail_long(bits, most);
    if (denominator != 1) {
      const Wide divisor = common_divisor(numerator, denominator);
      numerator /= divisor;
      denominator /= divisor;
    }
    const auto zeros = boost::multiprecision::lsb(boost::multiprecision::abs(numerator));
    numerator = numerator < 0 ? Wide(-(Wide(-numerator) >> zeros)) : Wide(numerator >> zeros);
    Rational result;
    result.exponent_ = exponent + static_cast<int64_t>(zeros);
    if (bit_count(numerator) <= kNumeratorBits && bit_count(denominator) <= kDenominatorBits) {
      result.numerator_ = to_small(numerator);
      result.denominator_ = static_cast<int64_t>(denominator);
      return result;
    }
    result.big_ =
        std::make_shared<Rational::Big>(Rational::Big{std::move(numerator), std::move(denominator)});
    return result;
  }
};

namespace {

using Parts = RationalParts;

/// a + b in 127 bits, if that suffices.
bool small_sum(const Rational& a, const Rational& b, Rational& result) {
  Int128 x = Parts::small_numerator(a), y = Parts::small_numerator(b);
  const int64_t exponent = std::min(Parts::exponent(a), Parts::exponent(b));
  const int64_t shift_x = Parts::exponent(a) - exponent, shift_y = Parts::exponent(b) - exponent;
  if (bit_count(x) + shift_x > kNumeratorBits || bit_count(y) + shift_y > kNumeratorBits) return false;
  x *= Int128{1} << shift_x;
  y *= Int128{1} << shift_y;
  const int64_t p = Parts::small_denominator(a), q = Parts::small_denominator(b);
  int64_t denominator = p;
  if (p != q) {
    if (__builtin_mul_overflow(p, q, &denominator) || __builtin_mul_overflow(x, Int128{q}, &x) ||
        __builtin_mul_overflow(y, Int128{p}, &y))
      return false;
  }
  Int128 total;
  if (__builtin_add_overflow(x, y, &total)) return false;
  if (bit_count(total) > kNumeratorBits) return false;
  result = Parts::make(total, denominator, exponent);
  return true;
}

/// Of a and b, over the product of their denominators and the lower of their powers of two.
std::pair<Wide, Wide> aligned_numerators(const Rational& a, const Rational& b) {
  const int64_t exponent = std::min(Parts::exponent(a), Parts::exponent(b));
  const int64_t shift = std::max(Parts::exponent(a), Parts::exponent(b)) - exponent;
  if (shift > kMostBits) fail_long(shift, kMostBits);
  const auto aligned = [&](const Rational& x, const Rational& other) {
    return Wide((Parts::numerator(x) * Parts::denominator(other))
                << static_cast<unsigned>(Parts::exponent(x) - exponent));
  };
  return {aligned(a, b), aligned(b, a)};
}

Rational wide_sum(const Rational& a, const Rational& b) {
  const auto [x, y] = aligned_numerators(a, b);
  return Parts::make(Wide(x + y), Wide(Parts::denominator(a) * Parts::denominator(b)),
                     std::min(Parts::exponent(a), Parts::exponent(b)));
}

/// Rounds |x| = numerator 2^exponent / denominator to `bits` bits, ties to even, on the grid 2^lowest.
double round_to(const Rational& x, int64_t bits, int64_t lowest) {
  const Wide numerator = boost::multiprecision::abs(Parts::numerator(x));
  const Wide denominator = Parts::denominator(x);
  // Whether |x| >= 2^power: finds floor(log2 |x|), of which the bit counts leave two candidates.
  auto at_least = [&](int64_t power) {
    const int64_t shift = Parts::exponent(x) - power;
    return shift >= 0 ? (numerator << static_cast<unsigned>(shift)) >= denominator
                      : numerator >= (denominator << static_cast<unsigned>(-shift));
  };
  int64_t power = bit_count(numerator) - bit_count(denominator) + Parts::exponent(x);
  if (power > 2000) return HUGE_VAL;
  if (power < lowest - 2) return 0;
  if (!at_least(power)) --power;
  const int64_t grid = std::max(power - (bits - 1), lowest);
  const int64_t shift = Parts::exponent(x) - grid;
  const Wide top = shift >= 0 ? Wide(numerator << static_cast<unsigned>(shift)) : numerator;
  const Wide bottom = shift >= 0 ? denominator : Wide(denominator << static_cast<unsigned>(-shift));
  Wide quotient, rest;
  boost::multiprecision::divide_qr(top, bottom, quotient, rest);
  rest *= 2;
  if (rest > bottom || (rest == bottom && boost::multiprecision::bit_test(quotient, 0))) ++quotient;
  return std::ldexp(static_cast<double>(static_cast<uint64_t>(quotient)), static_cast<int>(grid));
}

uint64_t power_modulo(uint64_t base, uint64_t exponent, uint64_t prime) {
  uint64_t result = 1;
  for (; exponent > 0; exponent >>= 1) {
    if (exponent & 1) result = static_cast<uint64_t>(static_cast<UInt128>(result) * base % prime);
    base = static_cast<uint64_t>(static_cast<UInt128>(base) * base % prime);
  }
  return result;
}

Rational parse_decimal(std::string_view text, std::string_view whole) {
  const auto mark = text.find_first_of("eE");
  int64_t power = 0;
  if (mark != std::string_view::npos) {
    std::string_view exponent = text.substr(mark + 1);
    if (exponent.starts_with('+') && !exponent.starts_with("+-")) exponent.remove_prefix(1);
    const char* end = exponent.data() + exponent.size();
    const auto [stop, code] = std::from_chars(exponent.data(), end, power);
    expect(code == std::errc() && stop == end, "[rational] not a number: got '{}', want 'p/q' or a decimal",
           whole);
    expect(power >= -10000 && power <= 10000,
           "[rational] exponent out of range: got '{}', want at most 10000", whole);
    text = text.substr(0, mark);
  }
  bool negative = !text.empty() && text[0] == '-';
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
  std::string digits;
  bool point = false;
  for (const char c : text) {
    const bool known = (c >= '0' && c <= '9') || (c == '.' && !point);
    expect(known, "[rational] not a number: got '{}', want 'p/q' or a decimal", whole);
    if (c == '.')
      point = true;
    else
      digits += c;
    if (point && c != '.') --power;
  }
  expect(!digits.empty(), "[rational] not a number: got '{}', want 'p/q' or a decimal", whole);
  // A leading 0 would make the library read octal.
  const auto first = std::min(digits.find_first_not_of('0'), digits.size() - 1);
  Wide value(digits.substr(first));
  Rational result = Parts::make(negative ? Wide(-value) : value, Wide(1), 0);
  const Wide ten = boost::multiprecision::pow(Wide(10), static_cast<unsigned>(std::abs(power)));
  const Rational scale = Parts::make(ten, Wide(1), 0);
  return power >= 0 ? result * scale : result / scale;
}

}  // namespace

Rational::Rational(int64_t value) : Rational(dyadic(value, 0)) {}

Rational::Rational(int64_t numerator, int64_t denominator) {
  expect(denominator != 0, "[rational] denominator is 0: got {}/0, want any other denominator", numerator);
  *this = Rational(numerator) / Rational(denominator);
}

Rational Rational::dyadic(Int128 integer, int64_t exponent) { return Parts::make(integer, 1, exponent); }

Rational Rational::of(double value) {
  expect(std::isfinite(value), "[rational] not finite: got {}, want a finite number", value);
  int exponent = 0;
  const double fraction = std::frexp(value, &exponent);
  return dyadic(static_cast<int64_t>(std::ldexp(fraction, 53)), exponent - 53);
}

Rational Rational::parse(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return parse_decimal(text, text);
  const Rational denominator = parse_decimal(text.substr(slash + 1), text);
  expect(!denominator.is_zero(), "[rational] denominator is 0: got '{}', want any other denominator", text);
  return parse_decimal(text.substr(0, slash), text) / denominator;
}

int Rational::sign() const {
  if (big_) return big_->numerator.sign();
  return numerator_ > 0 ? 1 : numerator_ < 0 ? -1 : 0;
}

bool Rational::is_integer() const { return is_dyadic() && exponent_ >= 0; }
bool Rational::is_dyadic() const { return big_ ? big_->denominator == 1 : denominator_ == 1; }

Rational Rational::floor(int64_t power) const {
  const int64_t shift = exponent_ - power;
  if (is_zero() || (is_dyadic() && shift >= 0)) return *this;
  expect_exponent(shift);
  Wide top = Parts::numerator(*this), bottom = Parts::denominator(*this);
  if (shift >= 0)
    top <<= static_cast<unsigned>(shift);
  else
    bottom <<= static_cast<unsigned>(-shift);
  Wide quotient = top / bottom;  // toward zero, and never exact here
  if (top < 0) --quotient;
  return Parts::make(std::move(quotient), Wide(1), power);
}

Rational Rational::abs() const { return sign() < 0 ? -*this : *this; }

double Rational::to_double() const { return sign() * (is_zero() ? 0.0 : round_to(*this, 53, -1074)); }

float Rational::to_float() const {
  return static_cast<float>(sign() * (is_zero() ? 0.0 : round_to(*this, 24, -149)));
}

int64_t Rational::odd_denominator() const {
  if (!big_) return denominator_;
  return bit_count(big_->denominator) <= kDenominatorBits ? static_cast<int64_t>(big_->denominator) : 0;
}

Rational Rational::denominator() const { return Parts::make(Parts::denominator(*this), Wide(1), 0); }

bool Rational::scaled_integer(int64_t power, Int128& integer) const {
  integer = 0;
  if (is_zero()) return true;
  if (big_ || denominator_ != 1 || exponent_ < power) return false;
  if (bit_count(numerator_) + exponent_ - power > kNumeratorBits) return false;
  integer = numerator_ * (Int128{1} << (exponent_ - power));
  return true;
}

uint64_t Rational::residue(uint64_t prime) const {
  const auto reduce = [&](const Wide& x) {
    const Wide rest = x % Wide(prime);
    return static_cast<uint64_t>(rest < 0 ? Wide(rest + prime) : rest);
  };
  const auto times = [&](uint64_t a, uint64_t b) {
    return static_cast<uint64_t>(static_cast<UInt128>(a) * b % prime);
  };
  const uint64_t bottom = reduce(Parts::denominator(*this));
  if (bottom == 0)
    fail("[rational] no residue: got denominator of {} divisible by {}, want another prime", to_string(*this),
         prime);
  const uint64_t two = exponent_ >= 0 ? 2 : (prime + 1) / 2;  // (p + 1) / 2 is the inverse of 2
  const uint64_t scale = power_modulo(two, static_cast<uint64_t>(std::abs(exponent_)), prime);
  const uint64_t scaled = times(reduce(Parts::numerator(*this)), scale);
  return bottom == 1 ? scaled : times(scaled, power_modulo(bottom, prime - 2, prime));  // Fermat
}

int64_t Rational::numerator_bits() const { return big_ ? bit_count(big_->numerator) : bit_count(numerator_); }

int64_t Rational::denominator_bits() const {
  return big_ ? bit_count(big_->denominator) : bit_count(denominator_);
}

Rational Rational::operator-() const {
  Rational result = *this;
  result.numerator_ = -numerator_;
  if (big_) result.big_ = std::make_shared<Big>(Big{-big_->numerator, big_->denominator});
  return result;
}

Rational operator+(const Rational& a, const Rational& b) {
  if (a.is_zero()) return b;
  if (b.is_zero()) return a;
  Rational result;
  if (Parts::is_small(a) && Parts::is_small(b) && small_sum(a, b, result)) return result;
  return wide_sum(a, b);
}

Rational operator-(const Rational& a, const Rational& b) { return a + -b; }

Rational operator*(const Rational& a, const Rational& b) {
  const int64_t exponent = a.exponent_ + b.exponent_;
  if (!a.big_ && !b.big_) {
    Int128 numerator;
    int64_t denominator = 0;
    if (!__builtin_mul_overflow(a.numerator_, b.numerator_, &numerator) &&
        !__builtin_mul_overflow(a.denominator_, b.denominator_, &denominator))
      return Parts::make(numerator, denominator, exponent);
  }
  return Parts::make(Wide(Parts::numerator(a) * Parts::numerator(b)),
                     Wide(Parts::denominator(a) * Parts::denominator(b)), exponent);
}

Rational operator/(const Rational& a, const Rational& b) {
  if (b.is_zero()) fail("[rational] division by 0: got {}/0, want any other divisor", to_string(a));
  const int64_t exponent = a.exponent_ - b.exponent_;
  const Wide divisor = Parts::numerator(b);
  Wide numerator = Parts::numerator(a) * Parts::denominator(b);
  if (divisor < 0) numerator = -numerator;
  return Parts::make(std::move(numerator), Wide(Parts::denominator(a) * boost::multiprecision::abs(divisor)),
                     exponent);
}

Rational exact_quotient(const Rational& a, const Rational& b) {
  if (b.is_zero()) fail("[rational] division by 0: got {}/0, want any other divisor", to_string(a));
  const int64_t exponent = a.exponent_ - b.exponent_;
  constexpr const char* problem = "[rational] a quotient is not dyadic";
  if (!a.big_ && !b.big_) {
    ensure(a.numerator_ % b.numerator_ == 0, problem);
    return Parts::make(a.numerator_ / b.numerator_, 1, exponent);
  }
  Wide quotient, rest;
  boost::multiprecision::divide_qr(Parts::numerator(a), Parts::numerator(b), quotient, rest);
  ensure(rest == 0, problem);
  return Parts::make(std::move(quotient), Wide(1), exponent);
}

bool operator==(const Rational& a, const Rational& b) {
  if (a.exponent_ != b.exponent_ || !a.big_ != !b.big_) return false;
  if (!a.big_) return a.numerator_ == b.numerator_ && a.denominator_ == b.denominator_;
  return a.big_->numerator == b.big_->numerator && a.big_->denominator == b.big_->denominator;
}

std::strong_ordering operator<=>(const Rational& a, const Rational& b) {
  if (a.sign() != b.sign()) return a.sign() <=> b.sign();
  if (Parts::is_small(a) && Parts::is_small(b)) return (a - b).sign() <=> 0;
  const auto [x, y] = aligned_numerators(a, b);  // no common divisor is needed
  return x.compare(y) <=> 0;
}

std::optional<Rational> square_root(const Rational& number) {
  if (number.is_zero()) return number;
  if (number.sign() < 0 || Parts::exponent(number) % 2 != 0) return {};
  // In lowest terms the root is rational only if numerator and denominator are squares each.
  const Wide top = Parts::numerator(number), bottom = Parts::denominator(number);
  const Wide top_root = boost::multiprecision::sqrt(top), bottom_root = boost::multiprecision::sqrt(bottom);
  if (top_root * top_root != top || bottom_root * bottom_root != bottom) return {};
  return Parts::make(top_root, bottom_root, Parts::exponent(number) / 2);
}

std::string to_string(const Rational& number) {
  Wide top = Parts::numerator(number), bottom = Parts::denominator(number);
  const int64_t exponent = Parts::exponent(number);
  if (exponent >= 0)
    top *= Wide(1) << static_cast<unsigned>(exponent);
  else
    bottom <<= static_cast<unsigned>(-exponent);
  return bottom == 1 ? top.str() : top.str() + "/" + bottom.str();
}

}  // namespace crease
