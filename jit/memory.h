// One arena for everything between inputs and results: who lives when, and where.
#pragma once

#include <cstddef>

#include "jit/kernel.h"
#include "jit/schedule.h"

namespace crease {

/// A stretch of memory that is needed from kernel `first` to kernel `last`.
struct Slot {
  int number;  // of a buffer, or from the number of buffers on: scratch memory of kernel `first`
  Extent bytes;
  int first, last;
};

struct MemoryPlan {
  std::vector<Slot> slots;
  /// By buffer: the buffer whose memory it takes (aliases and in-place results followed to the end).
  std::vector<int> home;
  /// By buffer: Next buffers that overwrite their parameter. Others have memory of their own, and change
  /// places with it after each run.
  std::vector<bool> in_place;
  /// By kernel: number of its scratch memory in the table of addresses, -1: none.
  std::vector<int> scratch;
  /// Buffers and scratch memories.
  int table_size = 0;
};

/// Lifetimes and sharing. An elementwise result takes the memory of an operand that dies there; the next
/// value of a parameter takes the parameter's if nobody reads the old value later or at another element.
MemoryPlan plan_memory(const Kernels& program, const Schedule& schedule);

/// Offsets of the slots, multiples of 64 bytes, and the size of the arena.
struct Layout {
  std::vector<int64_t> offsets;
  int64_t bytes = 0;
};
/// Greedy by size: each slot, greatest first, at the lowest place where no slot of its time lies.
/// Errors: Error for a symbol without size.
Layout lay_out(const MemoryPlan& plan, const Sizes& sizes);

/// Asks the system to back the whole huge pages within a range by such, if there are any: fewer misses of the
/// table of addresses. Where it cannot, nothing changes.
void prefer_huge_pages(std::byte* begin, int64_t bytes) noexcept;

std::string to_string(const MemoryPlan& plan, const Kernels& program);

}  // namespace crease
