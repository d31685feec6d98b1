// The numbers that all programs of a comparison start from: a hash of each element's index.
#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

namespace crease::bench {

/// Element i of a tensor is between -scale/2 and scale/2, by a hash of (i, seed). A product alone would make
/// rows of numbers in even steps: weights of low rank, through which signals fade. Source of the mixing:
/// MurmurHash3's fmix32.
inline float filled_at(uint64_t i, uint64_t seed, double scale) {
  auto hash = static_cast<uint32_t>((i + 1) * 2654435761U + seed * 40503U * 65537U);
  hash = (hash ^ (hash >> 16)) * 0x85EBCA6BU;
  hash = (hash ^ (hash >> 13)) * 0xC2B2AE35U;
  hash ^= hash >> 16;
  return static_cast<float>((static_cast<double>(hash) / 4294967296.0 - 0.5) * scale);
}

/// 2 sqrt(6 / fan in): uniform weights that keep the variance through relu.
inline double weight_scale(double fan_in) { return 2 * std::sqrt(6.0 / fan_in); }

/// 2 / sqrt(units): uniform weights of an LSTM, as PyTorch starts it.
inline double lstm_scale(double units) { return 2 / std::sqrt(units); }

/// Widths of the dense networks among the workloads, by name; empty for the others.
inline std::vector<int64_t> dense_widths(const std::string& workload) {
  if (workload == "W1") return {2, 16, 16, 1};
  if (workload == "W2") return {784, 256, 256, 10};
  if (workload == "W3") return {784, 1000, 1000, 1000, 10};
  if (workload == "W4") return std::vector<int64_t>(33, 64);
  return {};
}

}  // namespace crease::bench
