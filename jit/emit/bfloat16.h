// Matrices rounded to bfloat16 and packed, and products of them.
#pragma once

#include "jit/contraction.h"
#include "jit/emit/emitter.h"
#include "jit/emit/pack.h"

namespace crease {

/// sum + a * b of vectors of pairs (two bfloat16 numbers in each f32 lane): first the products of the upper
/// halves, then those of the lower, each rounded to f32. Subnormal sums become 0. Source: Intel, Architecture
/// Instruction Set Extensions, VDPBF16PS; AMD's processors give the same bits (tests/jit).
llvm::Value* emit_pairs_multiply_add(const Emitter& emitter, llvm::Value* a, llvm::Value* b,
                                     llvm::Value* sum);

/// Packs a rounded operand: `wide` rows along the direction that is not summed, `depth` along the other one.
/// An element of the target is one number, or if `pairs` two neighbours along the depth, the first in the
/// upper half; 0 follows an odd last one.
class RoundedPack {
 public:
  RoundedPack(Emitter& emitter, bool pairs) : emitter_(emitter), pairs_(pairs) {}

  /// Elements of the target along the depth.
  llvm::Value* packed_depth(llvm::Value* depth) const;

  /// target[d * stride + w] from source[w * wide_stride + d * depth_stride], where wide_stride is 1.
  void across(const MatrixOperand& source, llvm::Value* wide, llvm::Value* depth, llvm::Value* target,
              llvm::Value* stride) const;
  /// target[w * stride + d]: fast where depth_stride is 1.
  void along(const MatrixOperand& source, llvm::Value* wide, llvm::Value* depth, llvm::Value* target,
             llvm::Value* stride) const;

 private:
  llvm::Value* at(llvm::Value* base, llvm::Value* index, llvm::Value* stride) const;
  llvm::Value* load(llvm::Value* from, llvm::Value* mask) const;
  void store(llvm::Value* value, llvm::Value* to, llvm::Value* mask) const;
  void across_line(llvm::Value* upper, llvm::Value* lower, llvm::Value* wide, llvm::Value* target) const;
  void along_vector(llvm::Value* row, llvm::Value* first, llvm::Value* depth, llvm::Value* target,
                    bool whole) const;
  void along_one(llvm::Value* row, llvm::Value* depth_stride, llvm::Value* first, llvm::Value* depth,
                 llvm::Value* target) const;
  llvm::Value* element_of(llvm::Value* first, llvm::Value* second) const;

  Emitter& emitter_;
  bool pairs_;
};

}  // namespace crease
