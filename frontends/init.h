// Initial values of parameters: seeded, counter-based, and the same numbers on every platform, because only
// IEEE additions, multiplications, divisions and square roots are used, no functions of the C library.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

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
