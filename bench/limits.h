// What this machine can do at most, measured in the run that uses it: fused multiply-adds per second and
// bytes copied per second of one core.
#pragma once

#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <string>
#include <vector>

namespace crease::bench {

/// Processor time of this process: other work on the machine does not count.
inline double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

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
    const double start = processor_seconds();
    run();
    best = std::min(best, processor_seconds() - start);
  }
  return best;
}

#if defined(__x86_64__)

// Twelve or twenty-four independent chains, in registers named here: compilers keep an array of accumulators
// in memory, which shows a third of the peak.
#define CREASE_CHAINS_12(P, R)                                                                         \
  "vfmadd231ps " P "0," P "1," R "2\n vfmadd231ps " P "0," P "1," R "3\n vfmadd231ps " P "0," P "1," R \
  "4\n"                                                                                                \
  "vfmadd231ps " P "0," P "1," R "5\n vfmadd231ps " P "0," P "1," R "6\n vfmadd231ps " P "0," P "1," R \
  "7\n"                                                                                                \
  "vfmadd231ps " P "0," P "1," R "8\n vfmadd231ps " P "0," P "1," R "9\n vfmadd231ps " P "0," P "1," R \
  "10\n vfmadd231ps " P "0," P "1," R "11\n vfmadd231ps " P "0," P "1," R "12\n vfmadd231ps " P "0," P \
  "1," R "13\n"

inline void multiply_add_512(long turns) {
  for (long i = 0; i < turns; ++i)
    asm volatile(CREASE_CHAINS_12("%%zmm", "%%zmm")::
                     : "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
                       "xmm12", "xmm13");
}
inline void multiply_add_256(long turns) {
  for (long i = 0; i < turns; ++i)
    asm volatile(CREASE_CHAINS_12("%%ymm", "%%ymm")::
                     : "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
                       "xmm12", "xmm13");
}
#undef CREASE_CHAINS_12

/// f32 operations per second of one core at the widest vectors, a multiply-add counting as two; 0 if unknown.
inline double peak_flops() {
  constexpr long turns = 200000;
  if (__builtin_cpu_supports("avx512f"))
    return 2.0 * 16 * 12 * turns / best_seconds(10, [] { multiply_add_512(turns); });
  if (__builtin_cpu_supports("fma"))
    return 2.0 * 8 * 12 * turns / best_seconds(10, [] { multiply_add_256(turns); });
  return 0;
}

#else

inline double peak_flops() { return 0; }

#endif

/// Bytes read plus bytes written per second by a copy of `bytes`.
inline double copy_bandwidth(size_t bytes) {
  std::vector<char> from(bytes, 1), to(bytes, 2);
  const int turns = static_cast<int>(std::max<size_t>(1, (size_t{64} << 20) / bytes));
  const double seconds = best_seconds(5, [&] {
    for (int i = 0; i < turns; ++i) {
      std::memcpy(to.data(), from.data(), bytes);
      asm volatile("" ::"r"(to.data()) : "memory");
    }
  });
  return 2.0 * static_cast<double>(bytes) * turns / seconds;
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
