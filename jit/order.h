// The order in which kernels run: any that keeps operands first, chosen for memory.
#pragma once

#include <set>

#include "jit/kernel.h"

namespace crease {

/// Storages that a kernel reads, those that a combining store changes among them; and those that it writes.
std::set<int> storages_read(const Kernels& program, const Kernel& kernel);
std::set<int> storages_written(const Kernels& program, const Kernel& kernel);
/// Whether two sets of storages have one in common.
bool intersect(const std::set<int>& a, const std::set<int>& b);

/// Puts kernels in an order in which each, of those that may run, leaves the least memory in use, parameters
/// and carries are overwritten after their last reader where that can be, and every operand still comes
/// first. A step loop stays together and is ordered within.
void order_kernels(Kernels& program);

}  // namespace crease
