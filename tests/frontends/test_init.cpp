#include "frontends/init.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"

namespace crease {
namespace {

struct Moments {
  double mean = 0, variance = 0, least = 0, greatest = 0;
};

Moments moments(const Tensor& tensor) {
  Moments result;
  const auto values = tensor.read<float>();
  for (const float value : values) result.mean += value;
  result.mean /= static_cast<double>(values.size());
  for (const float value : values) result.variance += (value - result.mean) * (value - result.mean);
  result.variance /= static_cast<double>(values.size());
  result.least = *std::ranges::min_element(values);
  result.greatest = *std::ranges::max_element(values);
  return result;
}

InitRequest request(uint64_t seed = 1) {
  return {.sizes = {200, 100}, .fans = {.in = 200, .out = 100}, .seed = seed};
}

// Over n = 20000 draws of variance v the mean has deviation sqrt(v / n); the variance of the sample variance
// is (kurtosis - 1) v^2 / n <= 2 v^2 / n. Five deviations bound both with a chance of 1e-6 for a random seed.
void check_moments(const Tensor& tensor, double variance) {
  const Moments found = moments(tensor);
  const auto n = static_cast<double>(tensor.count());
  CHECK(std::abs(found.mean) < 5 * std::sqrt(variance / n));
  CHECK(std::abs(found.variance - variance) < 5 * variance * std::sqrt(2 / n));
}

TEST_CASE("initialisers have the variance that their papers state") {
  check_moments(he_normal(request()), 2.0 / 200);
  check_moments(he_uniform(request()), 2.0 / 200);
  check_moments(glorot_normal(request()), 2.0 / 300);
  check_moments(glorot_uniform(request()), 2.0 / 300);
  check_moments(normal(0, 3)(request()), 9);
}

TEST_CASE("fan rules divide by the fan they name, and the gain multiplies") {
  check_moments(fan_normal(2)(request()), 4.0 / 200);
  check_moments(fan_normal(1, FanRule::Out)(request()), 1.0 / 100);
  check_moments(fan_uniform(3, FanRule::Average)(request()), 9.0 / 150);
  CHECK(fan_normal(std::sqrt(2.0))(request()) == he_normal(request()));
  CHECK_THROWS_WITH_AS(fan_normal(0), doctest::Contains("got 0"), Error);
}

TEST_CASE("the gain of an activation is 1 over the root of its second moment") {
  CHECK(gain_of(identity) == 1);
  CHECK(gain_of(relu) == std::sqrt(2.0F));
  // E |z|^2 = 1; leaky: (1 + a^2) / 2, He et al. 2015, equation 15.
  CHECK(gain_of(abs_op) == 1);
  CHECK(std::abs(gain_of(leaky_relu(0.5)) - std::sqrt(2 / 1.25)) < 1e-7);
  // SELU has a fixed point at mean 0, variance 1: Klambauer et al. 2017.
  CHECK(std::abs(gain_of(selu) - 1) < 1e-6);
  CHECK(std::abs(gain_of(tanh_op) - 1.5925) < 1e-4);
  CHECK_THROWS_WITH_AS(gain_of(add), doctest::Contains("'add' has 2"), Error);
}

TEST_CASE("orthogonal matrices have orthonormal rows or columns") {
  for (const auto& sizes : std::vector<std::vector<int64_t>>{{5, 8}, {8, 5}, {6, 2, 3}}) {
    const Tensor w = orthogonal(3)({.type = Type::f64, .sizes = sizes, .seed = 4});
    const int64_t rows = sizes[0], columns = w.count() / rows;
    const bool wide = rows <= columns;
    for (int64_t a = 0; a < std::min(rows, columns); ++a)
      for (int64_t b = 0; b <= a; ++b) {
        double product = 0;
        for (int64_t k = 0; k < std::max(rows, columns); ++k)
          product += wide ? w.at(a * columns + k) * w.at(b * columns + k)
                          : w.at(k * columns + a) * w.at(k * columns + b);
        CHECK(std::abs(product - (a == b ? 9 : 0)) < 1e-13);
      }
  }
  CHECK_THROWS_WITH_AS(orthogonal()({.sizes = {3}}), doctest::Contains("at least two"), Error);
}

TEST_CASE("uniform initialisers stay inside their bounds and come near them") {
  const Moments he = moments(he_uniform(request()));
  const double bound = std::sqrt(6.0 / 200);
  CHECK(he.greatest <= bound);
  CHECK(he.least >= -bound);
  CHECK(he.greatest > 0.99 * bound);
  const Moments shifted = moments(uniform(2, 3)(request()));
  CHECK(shifted.least >= 2);
  CHECK(shifted.greatest <= 3);
}

TEST_CASE("normal deviates are the quantiles of the normal distribution") {
  // The quantile inverts the distribution function: Phi(z) is the middle of the uniform's cell.
  for (int64_t i = 0; i < 2000; ++i) {
    const double z = normal_deviate(7, i);
    const double p = 0.5 * std::erfc(-z / std::sqrt(2.0));
    const double cell = p * 0x1p24;  // k + 1/2 for an integer k
    CHECK(std::abs(cell - std::floor(cell) - 0.5) < 1e-6);
    CHECK(std::abs(z) < 5.5);
  }
}

TEST_CASE("equal seeds give equal numbers, other seeds and names give others") {
  CHECK(he_normal(request(5)) == he_normal(request(5)));
  CHECK_FALSE(he_normal(request(5)) == he_normal(request(6)));
  CHECK(seed_for(0, "0.weight") != seed_for(0, "1.weight"));
  CHECK(seed_for(0, "0.weight") != seed_for(1, "0.weight"));
}

TEST_CASE("initial numbers are the same on every platform") {
  const Tensor tensor = he_normal({.sizes = {4}, .fans = {.in = 8, .out = 2}, .seed = 42});
  const Tensor again = he_normal({.type = Type::f64, .sizes = {4}, .fans = {.in = 8, .out = 2}, .seed = 42});
  for (int64_t i = 0; i < 4; ++i) CHECK(tensor.at(i) == static_cast<float>(again.at(i)));
}

TEST_CASE("zeros and constants fill") {
  CHECK(zeros({.sizes = {2}}) == Tensor::f32({2}, {0, 0}));
  CHECK(filled(0.5)({.type = Type::f64, .sizes = {2}}) == Tensor::f64({2}, {0.5, 0.5}));
}

TEST_CASE("impossible initialisers are refused") {
  CHECK_THROWS_WITH_AS(uniform(1, 0), "[uniform] wants finite low <= high: got low 1, high 0", Error);
  CHECK_THROWS_WITH_AS(normal(0, -1),
                       "[normal] wants a finite mean and a finite deviation >= 0: got mean 0, deviation -1",
                       Error);
  CHECK_THROWS_WITH_AS(he_normal({.sizes = {1}, .fans = {.in = 0}}), "[init] fan-in must be positive: got 0",
                       Error);
  CHECK_THROWS_WITH_AS(glorot_normal({.sizes = {1}, .fans = {.in = 1, .out = 0}}),
                       "[init] fans must be positive: got in 1, out 0", Error);
  CHECK_THROWS_WITH_AS(filled(1)({.type = Type::i32, .sizes = {1}}),
                       "[init] parameters are floating: got i32", Error);
}

}  // namespace
}  // namespace crease
