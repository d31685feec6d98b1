// Truth values between kernels: what a later kernel only compares is stored as the result of the comparison,
// one bit an element. This is how the forward pass decides at a kink and the backward pass reads the
// decision.
#pragma once

#include "jit/machine.h"
#include "jit/schedule.h"

namespace crease {

/// An intermediate number that later kernels only compare (the argument of relu in its derivative) is no
/// longer stored: the kernel that makes it makes the comparisons too and stores their truth values. Before
/// and after: verify(Kernels); results have the same bits, since the same values are compared. A number that
/// anybody reads for its own sake stays, and is compared again: it is in memory anyway.
Kernels store_masks(Kernels program);

/// Schedules, and marks as Buffer::bits the truth values that live between kernels where every kernel reads
/// and writes them in whole bytes: vectors of at least 8 lanes along the last dimension. Others stay bytes:
/// rows of unknown size, single values, and results of transposed tiles.
Schedule schedule_bits(Kernels& program, const Machine& machine, Threads threads = {});

/// Whether a kernel, run as planned, reads and writes a buffer of bits in whole bytes.
bool serves_bits(const Kernel& kernel, const KernelSchedule& plan, int buffer);

}  // namespace crease
