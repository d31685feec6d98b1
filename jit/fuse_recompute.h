// Values that are cheaper to compute again than to keep.
#pragma once

#include "jit/kernel.h"

namespace crease {

/// A number that a kernel stores beside others is no longer stored where a few instructions make it of what
/// is in memory anyway, other results of the kernel and what it reads, and those are no more bytes: x - mean
/// beside x, a gradient times the scale of its channel. Its readers, which read each element once, compute
/// it. Truth values stay: decisions at kinks are made once. Before and after: verify(Kernels); results have
/// the same bits but for the order of sums.
Kernels recompute_cheap(Kernels program);

}  // namespace crease
