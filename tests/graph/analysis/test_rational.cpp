#include "graph/analysis/rational.h"

#include <doctest/doctest.h>

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

TEST_CASE("products of exact matrices are exact, compact or not") {
  std::mt19937 random(1);
  ExactMatrix product = random_matrix(5, 4, random, small_float);
  CHECK(product.is_compact());
  bool left_compact = false;
  for (int layer = 0; layer < 5; ++layer) {
    const ExactMatrix next = random_matrix(4, 5, random, small_float);
    const ExactMatrix back = random_matrix(5, 4, random, small_float);
    check_product(next, product);
    product = back * (next * product);
    left_compact = left_compact || !product.is_compact();
  }
  CHECK(left_compact);
}

TEST_CASE("odd denominators stay compact and exact") {
  std::mt19937 random(2);
  const auto ninths = [](std::mt19937& r) { return Rational(static_cast<int64_t>(r() % 19) - 9, 9); };
  const auto fifths = [](std::mt19937& r) { return Rational(static_cast<int64_t>(r() % 19) - 9, 20); };
  const ExactMatrix a = random_matrix(3, 4, random, ninths), b = random_matrix(4, 2, random, fifths);
  CHECK((a * b).is_compact());
  check_product(a, b);
}

TEST_CASE("sums bring different scales together") {
  std::mt19937 random(3);
  const auto thirds = [](std::mt19937& r) { return Rational(static_cast<int64_t>(r() % 99), 3); };
  const auto tiny = [](std::mt19937& r) { return Rational::dyadic(static_cast<int>(r() % 99), -40); };
  const auto huge = [](std::mt19937& r) { return Rational::dyadic(static_cast<int>(r() % 99) + 1, 200); };
  const ExactMatrix a = random_matrix(3, 3, random, thirds), b = random_matrix(3, 3, random, tiny),
                    c = random_matrix(3, 3, random, huge);
  CHECK((a + b).is_compact());
  CHECK_FALSE((a + c).is_compact());
  for (int64_t i = 0; i < 3; ++i)
    for (int64_t j = 0; j < 3; ++j) {
      CHECK((a + b).at(i, j) == a.at(i, j) + b.at(i, j));
      CHECK((a + c).at(i, j) == a.at(i, j) + c.at(i, j));
    }
  CHECK(a + b == b + a);
  CHECK((a + c) + b == a + (b + c));
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
