#include "jit/machine_limits.h"

#include <time.h>

#include <algorithm>
#include <cstring>

#include "jit/emit/standalone.h"

namespace crease {
namespace {

/// Of this thread: other work on the machine does not count.
double processor_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Seconds of the fastest of 8 calls.
template <class Run>
double fastest(const Run& run) {
  double best = 1e30;
  for (int i = 0; i < 8; ++i) {
    const double start = processor_seconds();
    run();
    best = std::min(best, processor_seconds() - start);
  }
  return best;
}

}  // namespace

MachineLimits measure_limits(const Machine& machine) {
  const PeakLoop peak = compile_peak(machine, Type::f32);
  const auto loop = reinterpret_cast<PeakFunction>(peak.function.address());
  constexpr int64_t passes = 20000;
  std::vector<float> values(64, 0.5f);
  const double arithmetic = fastest([&] { loop(values.data(), passes); });

  constexpr size_t bytes = size_t{1} << 20;
  constexpr int turns = 16;
  std::vector<char> from(bytes, 1), to(bytes, 2);
  const double copies = fastest([&] {
    for (int turn = 0; turn < turns; ++turn) {
      // Each copy differs, so that none can be left out.
      from[static_cast<size_t>(turn)] = to[static_cast<size_t>(turn) + 1];
      std::memcpy(to.data(), from.data(), bytes);
    }
  });
  return {.flops = peak.flops_per_pass * static_cast<double>(passes) / arithmetic,
          .bandwidth = 2.0 * static_cast<double>(bytes) * turns / copies};
}

}  // namespace crease
