// One scalar instruction as LLVM code. Every function works on scalars and on vectors alike; both operands of
// a function have the same form.
#pragma once

#include <span>

#include "jit/emit/emitter.h"
#include "jit/kernel.h"

namespace crease {

/// `value` of a type in `lanes` copies (1: a scalar stays one).
llvm::Constant* emit_constant(const Emitter& emitter, Type type, double value, int lanes = 1);
/// A scalar repeated in all lanes; vectors and lanes == 1 as they are.
llvm::Value* emit_splat(const Emitter& emitter, llvm::Value* value, int lanes);
/// The value of `from` type as `to` type. To boolean: is not 0 (NaN is true).
llvm::Value* emit_convert(const Emitter& emitter, llvm::Value* value, Type from, Type to);
/// A function of one number, as emit_math; rounding up, it is widened by 8 units in the last place: the
/// errors in docs/numerics.md are at most 3.3, and 5.3 without fused multiply-add.
llvm::Value* emit_function(const Emitter& emitter, ScalarKind function, llvm::Value* x);
/// `function` of operands of type `operand_type`. max and min give NaN if an operand is NaN, and the first
/// operand if both are equal.
llvm::Value* emit_compute(const Emitter& emitter, ScalarKind function, Type operand_type,
                          std::span<llvm::Value* const> operands);
/// a * b + sum, rounded once where the machine can; rounded up where the emitter rounds so.
llvm::Value* emit_multiply_add(const Emitter& emitter, llvm::Value* a, llvm::Value* b, llvm::Value* sum);
/// round_bf16(x) of graph/precision.h: f32, scalar or vector.
llvm::Value* emit_rounded(const Emitter& emitter, llvm::Value* x);
/// Its bits: i32, the lower half 0.
llvm::Value* emit_rounded_bits(const Emitter& emitter, llvm::Value* x);
/// One step of a reduction: Sum, Product, Max, Min (the greater; the first of equals; NaN wins).
llvm::Value* emit_combine(const Emitter& emitter, Combine combine, Type type, llvm::Value* total,
                          llvm::Value* value);
/// Whether `value` takes the place of `best` under Max, ArgMax (Min, ArgMin): it is greater, or the first
/// NaN.
llvm::Value* emit_wins(const Emitter& emitter, Combine combine, Type type, llvm::Value* best,
                       llvm::Value* value);
/// philox_uniform(seed, counter, index) of graph/evaluate.h; counter and index are i64 of one form.
llvm::Value* emit_uniform(const Emitter& emitter, uint64_t seed, llvm::Value* counter, llvm::Value* index);

}  // namespace crease
