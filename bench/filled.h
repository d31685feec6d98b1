// The numbers that all programs of a comparison start from: a hash of each element's index.
#pragma once

#include <cmath>
#include <cstdint>

namespace crease::bench {

/// Element i of a tensor is between -scale/2 and scale/2, by a multiplicative hash of (i, seed).
inline float filled_at(uint64_t i, uint64_t seed, double scale) {
  const uint64_t hash = ((i + 1) * 2654435761U + seed * 40503U * 65537U) & 0xFFFFFFFFU;
  return static_cast<float>((static_cast<double>(hash) / 4294967296.0 - 0.5) * scale);
}

/// 2 sqrt(6 / fan in): uniform weights that keep the variance through relu.
inline double weight_scale(double fan_in) { return 2 * std::sqrt(6.0 / fan_in); }

}  // namespace crease::bench
