// What a machine can do at most, measured: the yardstick of profiles and benchmarks.
#pragma once

#include <cstddef>
#include <memory>

#include "jit/machine.h"

namespace crease {

struct PeakLoop;

/// The multiply-add peak of one core, by a loop that touches nothing but registers.
class PeakMeter {
 public:
  /// Compiles the loop. `pairs`: of two bfloat16 products each, where the machine multiplies those.
  explicit PeakMeter(const Machine& machine, bool pairs = false);
  // Copies only, as they cost as little as moves: what was moved from measures still.
  PeakMeter(const PeakMeter&) = default;
  PeakMeter& operator=(const PeakMeter&) = default;
  ~PeakMeter() = default;
  /// f32 operations a second, a multiply-add counting as two: the best of some runs, about a millisecond in
  /// all.
  double flops() const;

 private:
  std::shared_ptr<const PeakLoop> loop_;
};

/// Bytes read plus bytes written a second by one core that copies `bytes`: the best of some runs of at least
/// 16 MiB each.
double copy_bandwidth(size_t bytes);

struct MachineLimits {
  double flops;      // of PeakMeter
  double bandwidth;  // of a copy of one MiB
};

/// Measures this machine for about 20 ms of its time.
MachineLimits measure_limits(const Machine& machine);

}  // namespace crease
