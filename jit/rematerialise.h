// Memory for time: values that are computed again where they are needed, instead of being kept.
#pragma once

#include "jit/kernel.h"
#include "jit/machine.h"
#include "jit/schedule.h"

namespace crease {

struct MemoryLimit {
  int64_t bytes;  // of the arena
  Sizes sizes;    // of all named dimensions
  Threads threads = {};
};

/// Kernels whose arena takes no more than the limit. While it takes more: at the kernel where most is in use,
/// a minimal cut parts what was computed before it from what is needed after it, by the bytes that would have
/// to be kept; what lies behind the cut is computed again just before its first later use, by a copy of the
/// kernel that made it. Elementwise values come first, products and long sums only where those do not do.
/// Assumes ordered kernels that verify; so are those that are returned. Results have the same bits: a copy
/// runs the same instructions in the same order on the same values, stored decisions at kinks stay, and truth
/// values lie in memory as without a limit: Buffer::bits is decided.
/// Errors: Error naming the least possible if the limit cannot be met; Error for a named dimension without
/// size.
/// Source: the minimal cuts between forward and backward part as in the min-cut partitioner of PyTorch
/// (functorch 2022).
Kernels rematerialise(Kernels program, const Machine& machine, const MemoryLimit& limit);

}  // namespace crease
