// What code is made for: instruction set, vector width, caches. No LLVM in this header.
#pragma once

#include <cstdint>
#include <string>

#include "graph/type.h"

namespace crease {

struct Machine {
  std::string triple;
  std::string cpu;
  std::string features;         // "+avx2,-avx512f,..."
  int vector_bits = 128;        // width that code uses
  int widest_bits = 128;        // width that the processor has
  int vector_registers = 16;    // at vector_bits
  bool fused_multiply = false;  // a fused multiply-add in hardware
  int cores = 1;
  int64_t l1_bytes = 32 << 10, l2_bytes = 1 << 20;

  /// Elements of `type` in one vector.
  int lanes(Type type) const { return vector_bits / (8 * static_cast<int>(size_of(type))); }
};

/// The machine this process runs on, with vectors of `vector_bits` (0: the widest).
/// Errors: Error if vector_bits is none of 0, 128, 256, 512, or the processor has less (says what it has).
Machine host_machine(int vector_bits = 0);

}  // namespace crease
