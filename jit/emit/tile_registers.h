// The tile registers of a processor (AMX): what is done with them, as instructions, or, for tests on other
// processors, as plain code that gives the same bits.
#pragma once

#include "jit/emit/emitter.h"

namespace crease {

/// Eight registers of 16 rows of 64 bytes, numbered from 0. Their contents outlive neither release() nor a
/// call of code that uses them. Source: Intel, Software Developer's Manual, volume 2, LDTILECFG, TILELOADD,
/// TILESTORED, TILEZERO, TDPBF16PS, TILERELEASE.
class TileRegisters {
 public:
  /// Emits what gives all eight their form.
  explicit TileRegisters(Emitter& emitter);
  void zero(int tile) const;
  /// Rows begin `row_bytes` apart in memory.
  void load(int tile, llvm::Value* from, int64_t row_bytes) const;
  void store(int tile, llvm::Value* to, int64_t row_bytes) const;
  /// sum[i, j] += sum_p a[i, 2p] b[p, 2j] + a[i, 2p + 1] b[p, 2j + 1] of bfloat16 numbers, see
  /// multiply_tiles.
  void multiply(int sum, int a, int b) const;
  void release() const;

 private:
  llvm::Value* number(int tile) const;
  llvm::Value* emulated(int tile) const;
  void copy_rows(llvm::Value* to, int64_t to_bytes, llvm::Value* from, int64_t from_bytes) const;

  Emitter& emitter_;
  llvm::Value* memory_ = nullptr;  // that stands for the registers; null: there are some
};

/// What TDPBF16PS does: all even products of a row and a column are added to one f32 number in the order of
/// p, the odd ones to another, by fused multiply-adds; the sum of both is added to the element. Rounded to
/// nearest, ties to even; subnormal numbers count as 0 and become 0, whatever mode the processor is in.
/// Shapes: sum [16, 16]; a, b [16, 16] pairs, the number of even index in the lower half. Source: Intel,
/// Software Developer's Manual, volume 2, TDPBF16PS, Operation.
void multiply_tiles(float* sum, const uint32_t* a, const uint32_t* b) noexcept;

}  // namespace crease
