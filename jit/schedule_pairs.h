// Kernels that take turns. Private to scheduling.
#pragma once

#include "jit/schedule.h"

namespace crease {

/// Lets an input's gradient g W^T and the update of W behind it alternate, some rows of W each time, where W
/// is too large for the second cache: the update finds there what the gradient has read. Only where half of
/// that cache holds whole tiles of both kernels, and the other half what each range reads again. Neither the
/// order in which sums are made nor any result changes.
void pair_kernels(const Kernels& program, const Machine& machine, Schedule& schedule);

}  // namespace crease
