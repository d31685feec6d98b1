// Which kernels several threads share. Private to scheduling.
#pragma once

#include "jit/schedule.h"

namespace crease {

/// Marks the kernels that gain more than a fifth by being split. A program that runs less than about 0.3 ms
/// is left alone; threads.split_all marks all that can be.
void split_kernels(const Kernels& program, const Machine& machine, Threads threads, Schedule& schedule);

}  // namespace crease
