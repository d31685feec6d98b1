// Kernels -> fewer kernels. Before and after: verify(Kernels) holds, operands come before their readers, and
// results have the same bits but for the order of sums.
#pragma once

#include "jit/kernel.h"

namespace crease {

/// Fuses consumers into the loops of their producers where every element is used where it is made (bias,
/// activation, mask and update into contractions and reductions; row maximum, exponentials and their sum into
/// one kernel), and cheap producers into the bodies of their readers. Never closes a cycle.
Kernels fuse(Kernels program);

/// Names by content: "matmul_add_relu_128x256".
void name_kernels(Kernels& program, const Graph& graph);

}  // namespace crease
