// What a machine can do at most, measured: the yardstick of profiles.
#pragma once

#include "jit/machine.h"

namespace crease {

struct MachineLimits {
  double flops;      // f32 operations a second of one core; a multiply-add counts as two
  double bandwidth;  // bytes read plus bytes written a second by a copy of one MiB
};

/// Measures this machine for about 20 ms of its time: multiply-adds in registers, and a copy.
MachineLimits measure_limits(const Machine& machine);

}  // namespace crease
