// Limits of one core: multiply-adds, hyperbolic tangents, and copies by size. Usage: limits
#include "bench/limits.h"

#include <fmt/format.h>

#include "jit/machine_limits.h"

int main() {
  using namespace crease;
  fmt::print("multiply-adds  {:8.1f} GFLOP/s (f32, one core)\n", PeakMeter(host_machine()).flops() / 1e9);
  fmt::print("tanh           {:8.1f} G/s (f32, one core)\n", bench::tangents_per_second() / 1e9);
  for (size_t kib : {16, 256, 4096, 65536})
    fmt::print("copy {:6} KiB {:8.1f} GB/s\n", kib, copy_bandwidth(kib << 10) / 1e9);
}
