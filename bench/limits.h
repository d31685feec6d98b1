// How benchmarks take times, and what one core can do of the one elementary function that a limit counts.
// Multiply-adds and bytes: jit/machine_limits.h.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

#include "jit/processor_time.h"

namespace crease::bench {

/// Seconds of the fastest of `repetitions` calls.
template <class Run>
double best_seconds(int repetitions, const Run& run) {
  double best = 1e30;
  for (int i = 0; i < repetitions; ++i) {
    const auto start = std::chrono::steady_clock::now();
    run();
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

/// The same in processor time.
template <class Run>
double best_processor_seconds(int repetitions, const Run& run) {
  double best = 1e30;
  for (int i = 0; i < repetitions; ++i) {
    const double start = process_seconds();
    run();
    best = std::min(best, process_seconds() - start);
  }
  return best;
}

/// Hyperbolic tangents of data in the first cache, by a rational function of degrees 13 and 6. Source of the
/// coefficients: Eigen 3.4, generic_fast_tanh_float; its clamp is left out, for a compiler may make it a
/// branch.
inline __attribute__((always_inline)) void tangents(const float* __restrict from, float* __restrict to,
                                                    size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const float above = from[i] < 7.9f ? from[i] : 7.9f;
    const float x = above > -7.9f ? above : -7.9f;
    const float s = x * x;
    float p = -2.76076847742355e-16f * s + 2.00018790482477e-13f;
    p = p * s - 8.60467152213735e-11f;
    p = p * s + 5.12229709037114e-08f;
    p = p * s + 1.48572235717979e-05f;
    p = p * s + 6.37261928875436e-04f;
    p = p * s + 4.89352455891786e-03f;
    float q = 1.19825839466702e-06f * s + 1.18534705686654e-04f;
    q = q * s + 2.26843463243900e-03f;
    q = q * s + 4.89352518554385e-03f;
    to[i] = x * p / q;
  }
}

#if defined(__x86_64__)
__attribute__((target("avx512f"))) inline void tangents_512(const float* from, float* to, size_t count) {
  tangents(from, to, count);
}
__attribute__((target("avx2,fma"))) inline void tangents_256(const float* from, float* to, size_t count) {
  tangents(from, to, count);
}
#endif

inline void widest_tangents(const float* from, float* to, size_t count) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) return tangents_512(from, to, count);
  if (__builtin_cpu_supports("fma")) return tangents_256(from, to, count);
#endif
  tangents(from, to, count);
}

/// Hyperbolic tangents (f32) per second of one core.
inline double tangents_per_second() {
  constexpr size_t count = 2048;
  std::vector<float> from(count, 0.5f), to(count);
  const double seconds = best_seconds(10, [&] {
    for (int turn = 0; turn < 20; ++turn) {
      widest_tangents(from.data(), to.data(), count);
      asm volatile("" ::"r"(to.data()) : "memory");
    }
  });
  return 20.0 * count / seconds;
}

}  // namespace crease::bench
