#include "frontends/init.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <span>

#include "graph/error.h"
#include "graph/evaluate.h"

namespace crease {
namespace {

double horner(std::span<const double> coefficients, double x) {
  double result = 0;
  for (auto c = coefficients.rbegin(); c != coefficients.rend(); ++c) result = result * x + *c;
  return result;
}

// log m = 2 atanh((m - 1) / (m + 1)) with m in [sqrt(1/2), sqrt(2)): 12 terms leave less than 1e-19.
double natural_log(double x) {
  int exponent = 0;
  double mantissa = std::frexp(x, &exponent);  // exact, in [1/2, 1)
  if (mantissa < 0.70710678118654752) {
    mantissa *= 2;
    --exponent;
  }
  const double s = (mantissa - 1) / (mantissa + 1);
  double series = 0;
  for (int term = 12; term >= 0; --term) series = series * (s * s) + 1.0 / (2 * term + 1);
  return 2 * s * series + exponent * 0.69314718055994530942;
}

double central_quantile(double q) {
  static constexpr std::array a{3.3871328727963666080,    1.3314166789178437745e+2, 1.9715909503065514427e+3,
                                1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
                                3.3430575583588128105e+4, 2.5090809287301226727e+3};
  static constexpr std::array b{1.0,
                                4.2313330701600911252e+1,
                                6.8718700749205790830e+2,
                                5.3941960214247511077e+3,
                                2.1213794301586595867e+4,
                                3.9307895800092710610e+4,
                                2.8729085735721942674e+4,
                                5.2264952788528545610e+3};
  const double r = 0.180625 - q * q;
  return q * horner(a, r) / horner(b, r);
}

// For tail probabilities of at least exp(-25), which 24-bit uniforms never go below.
double tail_quantile(double tail_probability) {
  static constexpr std::array c{1.42343711074968357734,    4.63033784615654529590,
                                5.76949722146069140550,    3.64784832476320460504,
                                1.27045825245236838258,    2.41780725177450611770e-1,
                                2.27238449892691845833e-2, 7.74545014278341407640e-4};
  static constexpr std::array d{1.0,
                                2.05319162663775882187,
                                1.67638483018380384940,
                                6.89767334985100004550e-1,
                                1.48103976427480074590e-1,
                                1.51986665636164571966e-2,
                                5.47593808499534494600e-4,
                                1.05075007164441684324e-9};
  const double r = std::sqrt(-natural_log(tail_probability)) - 1.6;
  return horner(c, r) / horner(d, r);
}

double normal_quantile(double p) {
  const double q = p - 0.5;
  if (std::abs(q) <= 0.425) return central_quantile(q);
  return q < 0 ? -tail_quantile(p) : tail_quantile(1 - p);
}

template <class F>
Tensor fill(const InitRequest& request, F element) {
  expect(is_floating(request.type), "[init] parameters are floating: got {}", to_string(request.type));
  Tensor result(request.type, request.sizes);
  if (request.type == Type::f64) {
    const auto values = result.write<double>();
    for (size_t i = 0; i < values.size(); ++i) values[i] = element(static_cast<int64_t>(i));
    return result;
  }
  const auto values = result.write<float>();
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(element(static_cast<int64_t>(i)));
  return result;
}

Tensor fill_normal(const InitRequest& request, double mean, double deviation) {
  return fill(request, [&](int64_t i) { return mean + deviation * normal_deviate(request.seed, i); });
}

Tensor fill_uniform(const InitRequest& request, double low, double high) {
  return fill(request, [&](int64_t i) {
    return low + (high - low) * static_cast<double>(philox_uniform(request.seed, 0, i));
  });
}

double fan_in(const InitRequest& request) {
  expect(request.fans.in > 0, "[init] fan-in must be positive: got {}", request.fans.in);
  return static_cast<double>(request.fans.in);
}

double fan_sum(const InitRequest& request) {
  expect(request.fans.in > 0 && request.fans.out > 0, "[init] fans must be positive: got in {}, out {}",
         request.fans.in, request.fans.out);
  return static_cast<double>(request.fans.in + request.fans.out);
}

double fan_by(const InitRequest& request, FanRule rule) {
  switch (rule) {
    case FanRule::In: return fan_in(request);
    case FanRule::Average: return fan_sum(request) / 2;
    case FanRule::Out: break;
  }
  expect(request.fans.out > 0, "[init] fan-out must be positive: got {}", request.fans.out);
  return static_cast<double>(request.fans.out);
}

void expect_gain(const char* name, double gain) {
  expect(std::isfinite(gain) && gain > 0, "[{}] the gain must be positive and finite: got {}", name, gain);
}

/// Makes `rows` vectors of length `size` orthonormal. A second pass removes what rounding left.
void orthonormalise(std::vector<double>& matrix, size_t rows, size_t size) {
  for (size_t i = 0; i < rows; ++i) {
    const std::span own(&matrix[i * size], size);
    for (int pass = 0; pass < 2; ++pass)
      for (size_t k = 0; k < i; ++k) {
        double product = 0;
        for (size_t j = 0; j < size; ++j) product += own[j] * matrix[k * size + j];
        for (size_t j = 0; j < size; ++j) own[j] -= product * matrix[k * size + j];
      }
    double squares = 0;
    for (const double v : own) squares += v * v;
    for (double& v : own) v /= std::sqrt(squares);
  }
}

}  // namespace

Tensor he_normal(const InitRequest& request) {
  return fill_normal(request, 0, std::sqrt(2 / fan_in(request)));
}

Tensor he_uniform(const InitRequest& request) {
  const double bound = std::sqrt(6 / fan_in(request));
  return fill_uniform(request, -bound, bound);
}

Tensor glorot_normal(const InitRequest& request) {
  return fill_normal(request, 0, std::sqrt(2 / fan_sum(request)));
}

Tensor glorot_uniform(const InitRequest& request) {
  const double bound = std::sqrt(6 / fan_sum(request));
  return fill_uniform(request, -bound, bound);
}

Tensor zeros(const InitRequest& request) { return Tensor(request.type, request.sizes); }

Init fan_normal(double gain, FanRule rule) {
  expect_gain("fan_normal", gain);
  return [=](const InitRequest& request) {
    return fill_normal(request, 0, gain / std::sqrt(fan_by(request, rule)));
  };
}

Init fan_uniform(double gain, FanRule rule) {
  expect_gain("fan_uniform", gain);
  return [=](const InitRequest& request) {
    const double bound = gain * std::sqrt(3 / fan_by(request, rule));
    return fill_uniform(request, -bound, bound);
  };
}

double gain_of(const Op& activation) {
  expect(activation.body.arity == 1, "[gain_of] wants an activation of one argument: '{}' has {}",
         activation.name, activation.body.arity);
  constexpr int intervals = 4096;  // even, and knots at integers are nodes
  constexpr double reach = 16, width = 2 * reach / intervals;
  double total = 0;
  for (int i = 0; i <= intervals; ++i) {
    const double z = -reach + width * i;
    const double f = evaluate(activation.body.expression, {.arguments = {&z, 1}});
    const double weight = i == 0 || i == intervals ? 1 : (i % 2 == 1 ? 4 : 2);
    total += weight * f * f * std::exp(-z * z / 2);
  }
  const double moment = total * width / 3 / std::sqrt(2 * std::numbers::pi);
  expect(std::isfinite(moment) && moment > 0, "[gain_of] '{}' has no positive finite second moment: got {}",
         activation.name, moment);
  return static_cast<float>(1 / std::sqrt(moment));
}

Init orthogonal(double gain) {
  expect_gain("orthogonal", gain);
  return [gain](const InitRequest& request) {
    expect(request.sizes.size() >= 2 && element_count(request.sizes) > 0,
           "[orthogonal] wants at least two positive sizes, got {}", to_string(request.sizes));
    const auto first = static_cast<size_t>(request.sizes[0]);
    const size_t rest = static_cast<size_t>(element_count(request.sizes)) / first;
    const size_t rows = std::min(first, rest), size = std::max(first, rest);
    std::vector<double> matrix(rows * size);
    for (size_t i = 0; i < matrix.size(); ++i)
      matrix[i] = normal_deviate(request.seed, static_cast<int64_t>(i));
    orthonormalise(matrix, rows, size);
    return fill(request, [&](int64_t i) {
      const size_t row = static_cast<size_t>(i) / rest, column = static_cast<size_t>(i) % rest;
      return gain * (first <= rest ? matrix[row * size + column] : matrix[column * size + row]);
    });
  };
}

Init uniform(double low, double high) {
  expect(std::isfinite(low) && std::isfinite(high) && low <= high,
         "[uniform] wants finite low <= high: got low {}, high {}", low, high);
  return [low, high](const InitRequest& request) { return fill_uniform(request, low, high); };
}

Init normal(double mean, double deviation) {
  expect(std::isfinite(mean) && std::isfinite(deviation) && deviation >= 0,
         "[normal] wants a finite mean and a finite deviation >= 0: got mean {}, deviation {}", mean,
         deviation);
  return [mean, deviation](const InitRequest& request) { return fill_normal(request, mean, deviation); };
}

Init filled(double value) {
  return [value](const InitRequest& request) { return fill(request, [value](int64_t) { return value; }); };
}

uint64_t seed_for(uint64_t seed, std::string_view name) {
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  hash += seed * 0x9e3779b97f4a7c15;  // then the finaliser of SplitMix64
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111eb;
  return hash ^ (hash >> 31);
}

double normal_deviate(uint64_t seed, int64_t index) {
  // The middle of the uniform's cell: symmetric about 1/2, never 0 or 1.
  const double p = static_cast<double>(philox_uniform(seed, 0, index)) + 0x1p-25;
  return normal_quantile(p);
}

}  // namespace crease
