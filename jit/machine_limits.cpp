#include "jit/machine_limits.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "jit/emit/standalone.h"
#include "jit/processor_time.h"

namespace crease {
namespace {

/// Seconds of the fastest of 8 calls.
template <class Run>
double fastest(const Run& run) {
  double best = 1e30;
  for (int i = 0; i < 8; ++i) {
    const double start = thread_seconds();
    run();
    best = std::min(best, thread_seconds() - start);
  }
  return best;
}

}  // namespace

PeakMeter::PeakMeter(const Machine& machine, bool pairs)
    : loop_(std::make_shared<PeakLoop>(compile_peak(machine, Type::f32, pairs))) {}

double PeakMeter::flops() const {
  constexpr int64_t passes = 20000;
  const auto loop = reinterpret_cast<PeakFunction>(loop_->function.address());
  std::vector<float> values(64, 0.5f);
  const double seconds = fastest([&] { loop(values.data(), passes); });
  return loop_->flops_per_pass * static_cast<double>(passes) / seconds;
}

double copy_bandwidth(size_t bytes) {
  const size_t turns = std::max<size_t>(1, (size_t{16} << 20) / bytes);
  std::vector<char> from(bytes, 1), to(bytes, 2);
  const double seconds = fastest([&] {
    for (size_t turn = 0; turn < turns; ++turn) {
      // Each copy differs, so that none can be left out.
      from[turn % bytes] = to[(turn + 1) % bytes];
      std::memcpy(to.data(), from.data(), bytes);
    }
  });
  return 2.0 * static_cast<double>(bytes) * static_cast<double>(turns) / seconds;
}

MachineLimits measure_limits(const Machine& machine) {
  return {.flops = PeakMeter(machine).flops(), .bandwidth = copy_bandwidth(size_t{1} << 20)};
}

}  // namespace crease
