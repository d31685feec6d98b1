#include "graph/rational.h"

#include <doctest/doctest.h>

#include <boost/multiprecision/cpp_int.hpp>
#include <cmath>
#include <limits>
#include <random>

#include "graph/error.h"

using namespace crease;
using Reference = boost::multiprecision::cpp_rational;

namespace {

Reference reference(const Rational& x) { return Reference(to_string(x)); }

/// Numbers of all sizes: small, dyadic, with odd denominators, and beyond 126 bits.
Rational random_rational(std::mt19937_64& random) {
  const auto numerator = static_cast<int64_t>(random()) >> (random() % 64);
  const auto odd = static_cast<int64_t>(random() >> (1 + random() % 63)) | 1;
  Rational x = Rational(numerator) / Rational(random() % 2 ? odd : 1);
  if (random() % 3 == 0) x *= Rational::dyadic(1, static_cast<int64_t>(random() % 200) - 100);
  if (random() % 5 == 0) x = x * x * x;
  return x;
}

}  // namespace

TEST_CASE("rational arithmetic agrees with multiprecision rationals") {
  std::mt19937_64 random(1);
  for (int round = 0; round < 3000; ++round) {
    const Rational a = random_rational(random), b = random_rational(random);
    CAPTURE(to_string(a));
    CAPTURE(to_string(b));
    const Reference x = reference(a), y = reference(b);
    CHECK(reference(a + b) == x + y);
    CHECK(reference(a - b) == x - y);
    CHECK(reference(a * b) == x * y);
    if (!b.is_zero()) CHECK(reference(a / b) == x / y);
    CHECK((a < b) == (x < y));
    CHECK((a == b) == (x == y));
    CHECK(a - a == Rational(0));
    CHECK(a + b == b + a);
    CHECK((a * b) / (b.is_zero() ? Rational(1) : b) == (b.is_zero() ? Rational(0) : a));
  }
}

TEST_CASE("a rational is written in lowest terms and read back") {
  CHECK(to_string(Rational(6, -4)) == "-3/2");
  CHECK(to_string(Rational()) == "0");
  CHECK(to_string(Rational::dyadic(3, -3)) == "3/8");
  CHECK(to_string(Rational::dyadic(3, 4)) == "48");
  CHECK(Rational::parse("-17/4") == Rational(-17, 4));
  CHECK(Rational::parse("0.125") == Rational(1, 8));
  CHECK(Rational::parse("1e-3") == Rational(1, 1000));
  CHECK(Rational::parse("007") == Rational(7));
  std::mt19937_64 random(2);
  for (int round = 0; round < 300; ++round) {
    const Rational x = random_rational(random);
    CHECK(Rational::parse(to_string(x)) == x);
  }
}

TEST_CASE("text that is no number is refused") {
  for (const char* text :
       {"", "-", "1/", "/2", "1/0", "x", "1/2/3", "1..2", "1e", "1e5abc", "1e 5", "1e5.5", "0x10", "nan"})
    CHECK_THROWS_AS(Rational::parse(text), Error);
  CHECK_THROWS_AS(Rational(1, 0), Error);
  CHECK_THROWS_AS(Rational(1) / Rational(0), Error);
  CHECK_THROWS_AS(Rational::of(std::numeric_limits<double>::infinity()), Error);
  CHECK_THROWS_AS(Rational::of(std::nan("")), Error);
}

TEST_CASE("every double is exact in both directions, subnormals included") {
  std::mt19937_64 random(3);
  for (int round = 0; round < 3000; ++round) {
    const auto x = std::bit_cast<double>(random());
    if (!std::isfinite(x)) continue;
    CHECK(Rational::of(x).to_double() == x);
    const auto y = std::bit_cast<float>(static_cast<uint32_t>(random()));
    if (std::isfinite(y)) CHECK(Rational::of(y).to_float() == y);
  }
  CHECK(Rational::of(0x1p-1074).to_double() == 0x1p-1074);
  CHECK(Rational::dyadic(1, -1075).to_double() == 0);  // a tie goes to even
  CHECK(Rational::dyadic(3, -1076).to_double() == 0x1p-1074);
  CHECK(Rational::dyadic(1, 1024).to_double() == std::numeric_limits<double>::infinity());
  CHECK(Rational::dyadic(-1, 128).to_float() == -std::numeric_limits<float>::infinity());
  CHECK(Rational::dyadic(1, 5000).to_double() == std::numeric_limits<double>::infinity());
  CHECK(Rational::dyadic(1, -5000).to_double() == 0);
}

TEST_CASE("rounding is to nearest, ties to even, and to float only once") {
  CHECK(Rational(1, 3).to_double() == 1.0 / 3.0);
  CHECK(Rational(1, 3).to_float() == 1.0f / 3.0f);
  CHECK(Rational(2, 7).to_double() == 2.0 / 7.0);
  const Rational one(1), half_step = Rational::dyadic(1, -53);
  CHECK((one + half_step).to_double() == 1.0);
  CHECK((one + half_step * 3).to_double() == 1.0 + 0x1p-51);
  CHECK((one + half_step + Rational::dyadic(1, -300)).to_double() == 1.0 + 0x1p-52);
  // 1 + 2^-24 + 2^-60: by way of double it would first become the tie 1 + 2^-24 and then 1.
  CHECK((one + Rational::dyadic(1, -24) + Rational::dyadic(1, -60)).to_float() == 1.0f + 0x1p-23f);
}

TEST_CASE("floor, signs and dyadic parts") {
  CHECK(Rational(7, 2).floor() == Rational(3));
  CHECK(Rational(-7, 2).floor() == Rational(-4));
  CHECK(Rational(-1, 3).floor() == Rational(-1));
  CHECK(Rational(4).floor() == Rational(4));
  CHECK(Rational(7, 3).floor(-2) == Rational(9, 4));
  CHECK(Rational(-7, 3).floor(-2) == Rational(-10, 4));
  CHECK(Rational(100, 7).floor(3) == Rational(8));
  CHECK(Rational(-1, 1000).floor(3) == Rational(-8));
  CHECK(Rational(5, 4).floor(-2) == Rational(5, 4));
  CHECK(Rational(0).floor(9) == Rational(0));
  CHECK(Rational(-3, 5).abs() == Rational(3, 5));
  CHECK(Rational(3, 8).is_dyadic());
  CHECK_FALSE(Rational(1, 3).is_dyadic());
  CHECK(Rational(5, 12).odd_denominator() == 3);
  Int128 integer = 0;
  CHECK(Rational(5, 4).scaled_integer(-3, integer));
  CHECK(integer == 10);
  CHECK_FALSE(Rational(5, 4).scaled_integer(-1, integer));
  CHECK_FALSE(Rational(1, 3).scaled_integer(-1, integer));
}

TEST_CASE("long fractions are negated, ordered and rounded down as short ones are") {
  const Rational third = Rational(1, 3), tiny = Rational::parse("1e-60");
  const Rational numbers[] = {-third - tiny, -third,       -third + tiny, -tiny,        0,
                              tiny,          third - tiny, third,         third + tiny, 1 + tiny};
  for (size_t i = 0; i < std::size(numbers); ++i)
    for (size_t j = 0; j < std::size(numbers); ++j) {
      CHECK((numbers[i] < numbers[j]) == (i < j));
      CHECK((numbers[i] == numbers[j]) == (i == j));
      CHECK((-numbers[i] < -numbers[j]) == (j < i));
    }
  for (const Rational& number : numbers) {
    CHECK(-(-number) == number);
    CHECK((number + -number).is_zero());
    for (const int64_t power : {-250, -100, 0, 2}) {
      const Rational below = number.floor(power);
      CHECK(below <= number);
      CHECK(number < below + Rational::dyadic(1, power));
      CHECK((below * Rational::dyadic(1, -power)).is_integer());
    }
  }
}

TEST_CASE("residues are a ring homomorphism") {
  const uint64_t kPrime = (uint64_t{1} << 61) - 1;
  const auto times = [kPrime](uint64_t a, uint64_t b) {
    return static_cast<uint64_t>(boost::multiprecision::cpp_int(a) * b % kPrime);
  };
  std::mt19937_64 random(4);
  for (int round = 0; round < 300; ++round) {
    const Rational a = random_rational(random), b = random_rational(random);
    CHECK((a + b).residue(kPrime) == (a.residue(kPrime) + b.residue(kPrime)) % kPrime);
    CHECK((a * b).residue(kPrime) == times(a.residue(kPrime), b.residue(kPrime)));
  }
  CHECK(Rational(-1).residue(7) == 6);
  CHECK(Rational(1, 2).residue(7) == 4);
  CHECK_THROWS_AS(Rational(1, 7).residue(7), Error);
}

TEST_CASE("numbers that are squared again and again end as an error, not in all memory") {
  const auto squared = [](Rational x) {
    for (int k = 0; k < 60; ++k) x = x * x + Rational(0);
    return x;
  };
  CHECK_THROWS_AS(squared(3), LongNumber);
  CHECK_THROWS_AS(squared(Rational(1, 3)), LongNumber);
  CHECK_THROWS_AS(squared(Rational(1, 2)), LongNumber);
  CHECK(squared(1) == Rational(1));
  const Rational far = Rational::dyadic(1, -800'000), farther = Rational::dyadic(1, 800'000);
  CHECK((Rational(1) + far) - far == Rational(1));
  CHECK_THROWS_AS(far + farther, LongNumber);
  CHECK_THROWS_AS(far * far, LongNumber);
  CHECK_THROWS_AS(far / farther, LongNumber);
}

TEST_CASE("square roots that are rational, and none that are not") {
  CHECK(square_root(Rational(9, 4)) == Rational(3, 2));
  CHECK(square_root(Rational(0)) == Rational(0));
  for (const Rational& x : {Rational(2), Rational(-4), Rational(1, 3), Rational(8)})
    CHECK_FALSE(square_root(x));
  std::mt19937_64 random(5);
  for (int round = 0; round < 100; ++round) {
    const Rational x = random_rational(random);
    CHECK(square_root(x * x) == x.abs());
  }
}

TEST_CASE("quotients that are dyadic take no common divisor, and others are refused") {
  const Rational three = 3, wide = Rational::parse("1000000000000000000000000000000000000000000001");
  CHECK_EQ(exact_quotient(Rational(21, 8), three), Rational(7, 8));
  CHECK_EQ(exact_quotient(Rational(-21), Rational(3, 4)), Rational(-28));
  CHECK_EQ(exact_quotient(wide * three, wide), three);
  CHECK_EQ(exact_quotient(0, wide), Rational(0));
  CHECK_THROWS_AS(exact_quotient(Rational(22), three), Bug);
  CHECK_THROWS_AS(exact_quotient(wide, three), Bug);
  CHECK_THROWS_AS(exact_quotient(three, 0), Error);
  CHECK_EQ(Rational(5, 12).denominator(), three);
  CHECK_EQ((1 / wide).denominator(), wide);
}
