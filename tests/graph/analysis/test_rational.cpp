#include "graph/analysis/rational.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "graph/error.h"

using namespace crease;

namespace {

std::vector<MatrixEntry> dense_entries(int64_t rows, int64_t columns, std::mt19937& random, auto&& value) {
  std::vector<MatrixEntry> entries;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) entries.push_back({i, j, value(random)});
  return entries;
}

Rational small_float(std::mt19937& random) {
  return Rational::of(std::normal_distribution<float>(0, 0.06f)(random));
}

ExactMatrix random_matrix(int64_t rows, int64_t columns, std::mt19937& random, auto&& value) {
  return ExactMatrix::from(rows, columns, dense_entries(rows, columns, random, value));
}

void check_product(const ExactMatrix& a, const ExactMatrix& b) {
  const ExactMatrix product = a * b;
  for (int64_t i = 0; i < a.rows(); ++i)
    for (int64_t j = 0; j < b.columns(); ++j) {
      Rational sum;
      for (int64_t k = 0; k < a.columns(); ++k) sum += a.at(i, k) * b.at(k, j);
      CHECK(product.at(i, j) == sum);
    }
}

}  // namespace

TEST_CASE("products of exact matrices are exact, however many digits they need") {
  std::mt19937 random(1);
  ExactMatrix product = random_matrix(5, 4, random, small_float);
  CHECK(product.planes() == 1);
  for (int layer = 0; layer < 5; ++layer) {
    const ExactMatrix next = random_matrix(4, 5, random, small_float);
    const ExactMatrix back = random_matrix(5, 4, random, small_float);
    check_product(next, product);
    product = back * (next * product);
  }
  CHECK(product.planes() > 5);
}

TEST_CASE("odd denominators stay digits and exact") {
  std::mt19937 random(2);
  const auto ninths = [](std::mt19937& r) { return Rational(static_cast<int64_t>(r() % 19) - 9, 9); };
  const auto fifths = [](std::mt19937& r) { return Rational(static_cast<int64_t>(r() % 19) - 9, 20); };
  const ExactMatrix a = random_matrix(3, 4, random, ninths), b = random_matrix(4, 2, random, fifths);
  CHECK((a * b).planes() == 1);
  check_product(a, b);
}

TEST_CASE("sums bring different scales together") {
  std::mt19937 random(3);
  const auto thirds = [](std::mt19937& r) { return Rational(static_cast<int64_t>(r() % 99), 3); };
  const auto tiny = [](std::mt19937& r) { return Rational::dyadic(static_cast<int>(r() % 99), -40); };
  const auto huge = [](std::mt19937& r) { return Rational::dyadic(static_cast<int>(r() % 99) + 1, 200); };
  const ExactMatrix a = random_matrix(3, 3, random, thirds), b = random_matrix(3, 3, random, tiny),
                    c = random_matrix(3, 3, random, huge);
  for (int64_t i = 0; i < 3; ++i)
    for (int64_t j = 0; j < 3; ++j) {
      CHECK((a + b).at(i, j) == a.at(i, j) + b.at(i, j));
      CHECK((a + c).at(i, j) == a.at(i, j) + c.at(i, j));
    }
  CHECK(a + b == b + a);
  CHECK((a + c) + b == a + (b + c));
}

TEST_CASE("denominators without a small common multiple are kept as rationals") {
  std::mt19937 random(5);
  const auto odd = [](std::mt19937& r) {
    return Rational(static_cast<int64_t>(r() % 99) + 1, 1'000'003 + 2 * static_cast<int64_t>(r() % 999));
  };
  const ExactMatrix a = random_matrix(3, 4, random, odd), b = random_matrix(4, 2, random, odd);
  CHECK(a.planes() == 0);
  check_product(a, b);
  const ExactMatrix c = random_matrix(3, 4, random, small_float);
  CHECK((a + c).at(1, 1) == a.at(1, 1) + c.at(1, 1));
  CHECK(c + a == a + c);
  CHECK(a.rank(10) == 3);
}

TEST_CASE("entries of very different size are exact") {
  std::mt19937 random(6);
  const auto spread = [](std::mt19937& r) {
    const double size = std::ldexp(1 + static_cast<double>(r() % 1000) / 1024, -static_cast<int>(r() % 100));
    return Rational::of(r() % 2 ? size : -size);
  };
  const ExactMatrix a = random_matrix(3, 4, random, spread), b = random_matrix(4, 3, random, spread);
  check_product(a, b);
  check_product(a * b, a);
  CHECK((a * b) * a == a * (b * a));
}

TEST_CASE("rank is exact, with bottlenecks, duplicate rows and multiples of a prime") {
  std::mt19937 random(4);
  for (const int64_t inner : {0, 1, 3, 7}) {
    const ExactMatrix a = random_matrix(9, inner, random, small_float),
                      b = random_matrix(inner, 8, random, small_float);
    CHECK((a * b).rank(100) == inner);
    CHECK((a * b).rank(inner) == inner);
  }
  CHECK(random_matrix(6, 9, random, small_float).rank(100) == 6);
  // Singular modulo the first prime that is tried, and modulo no other.
  const Rational prime = Rational::dyadic(1, 61) - 1;
  CHECK(ExactMatrix::from(2, 2, {{0, 0, prime}, {1, 1, 1}}).rank(2) == 2);
  CHECK(ExactMatrix(4, 4).rank(4) == 0);
  CHECK(ExactMatrix::from(2, 2,
                          {{0, 0, Rational(1, 3)},
                           {0, 1, 1},
                           {1, 0, Rational::dyadic(1, 400)},
                           {1, 1, Rational::dyadic(3, 400)}})
            .rank(2) == 1);
}

TEST_CASE("entries outside a matrix and sizes that do not match are errors") {
  CHECK_THROWS_AS(ExactMatrix::from(2, 2, {{2, 0, 1}}), Error);
  CHECK_THROWS_AS(ExactMatrix(2, 3) * ExactMatrix(2, 3), Error);
  CHECK_THROWS_AS(ExactMatrix(2, 3) + ExactMatrix(3, 2), Error);
}
