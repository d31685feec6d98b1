// Initial values of parameters: seeded, counter-based, and the same numbers on every platform, because only
// IEEE additions, multiplications, divisions and square roots are used, no functions of the C library.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "graph/op.h"
#include "graph/tensor.h"

namespace crease {

/// How many values each unit of a layer reads (in) and how many units read each value (out).
struct Fans {
  int64_t in = 1;
  int64_t out = 1;
};

/// What an initialiser is asked for: one tensor, for a layer with these fans, from this seed.
struct InitRequest {
  Type type = Type::f32;
  std::vector<int64_t> sizes = {};
  Fans fans = {};
  uint64_t seed = 0;
};

/// Makes the initial value of a parameter. Errors: Error if a fan is not positive.
using Init = std::function<Tensor(const InitRequest&)>;

/// Normal with variance 2 / fan-in: keeps the variance of activations through ReLU layers.
/// Source: He, Zhang, Ren, Sun 2015, equation 10.
Tensor he_normal(const InitRequest& request);
/// Uniform in [-a, a], a = sqrt(6 / fan-in): the same variance.
Tensor he_uniform(const InitRequest& request);
/// Normal with variance 2 / (fan-in + fan-out). Source: Glorot and Bengio 2010, equation 12.
Tensor glorot_normal(const InitRequest& request);
/// Uniform in [-a, a], a = sqrt(6 / (fan-in + fan-out)). Source: Glorot and Bengio 2010, equation 16.
Tensor glorot_uniform(const InitRequest& request);
Tensor zeros(const InitRequest& request);

/// Which fan the variance of an initial value is divided by.
enum class FanRule : uint8_t { In, Out, Average };
/// Normal, or uniform in [-sqrt(3) s, sqrt(3) s), with deviation s = gain / sqrt(fan). he_normal is
/// fan_normal(sqrt 2), glorot_normal fan_normal(1, FanRule::Average). Errors: Error unless the gain is
/// positive and finite.
Init fan_normal(double gain, FanRule rule = FanRule::In);
Init fan_uniform(double gain, FanRule rule = FanRule::In);
/// The gain that keeps the second moment of a layer's input through an activation f: 1 / sqrt(E f(z)^2), z
/// standard normal, by Simpson's rule on [-16, 16]: sqrt 2 for relu, 1 for identity. In single precision, so
/// that it is the same number everywhere. Errors: Error if the integral is not positive and finite. Source:
/// He, Zhang, Ren, Sun 2015, section 2.2, for any f.
double gain_of(const Op& activation);

/// A matrix [first size, product of the others] with orthonormal rows or columns, whichever are fewer, times
/// `gain`. Gram-Schmidt, twice, of normal numbers. Source: Saxe, McClelland, Ganguli 2014.
Init orthogonal(double gain = 1);

/// Uniform in [low, high). Errors: Error unless low <= high, both finite.
Init uniform(double low, double high);
/// Normal. Errors: Error unless deviation >= 0, both finite.
Init normal(double mean, double deviation);
/// The same value everywhere.
Init filled(double value);

/// The seed of one parameter: a hash of a seed and a name, so that adding a layer changes no other layer.
uint64_t seed_for(uint64_t seed, std::string_view name);

/// Standard normal deviate number `index` of a seed: the normal quantile of a 24-bit uniform, so |z| < 5.5.
/// Accuracy: 1e-15 of the quantile. Source: Wichura 1988, algorithm AS 241 (PPND16).
double normal_deviate(uint64_t seed, int64_t index);

}  // namespace crease
