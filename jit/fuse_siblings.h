// Sums over the same elements: one pass for all of them.
#pragma once

#include "jit/kernel.h"

namespace crease {

/// Kernels of which neither needs the other become one where both go once over the same array and add up: the
/// gradients of scale and shift of a normalisation with that of its argument. Not products of matrices, which
/// read each element often. Before and after: verify(Kernels); results have the same bits but for the order
/// of sums.
Kernels merge_siblings(Kernels program);

}  // namespace crease
