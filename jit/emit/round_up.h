// Arithmetic that is never less than the exact result: what Rounding::Up makes of +, -, *, /, roots and
// conversions. With AVX-512 the direction is part of the instruction (embedded rounding), which no pass of
// LLVM folds or reorders; elsewhere the nearest number and then the next one above, in integer arithmetic.
// (Rounding metadata of LLVM's constrained intrinsics sets no direction on x86, and is not used.)
#pragma once

#include <span>

#include "graph/scalar.h"
#include "jit/emit/emitter.h"

namespace crease {

/// Add, Subtract, Multiply, Divide or Sqrt of floating operands of one form. With embedded rounding the least
/// number that is not below the exact result; elsewhere possibly the one above it, and exact where an operand
/// of a sum or product is 0. Overflow below gives the least finite number; NaN stays NaN.
llvm::Value* emit_round_up(const Emitter& emitter, ScalarKind function, std::span<llvm::Value* const> x);

/// a * b + c, as above, rounded once where the machine can.
llvm::Value* emit_multiply_add_up(const Emitter& emitter, llvm::Value* a, llvm::Value* b, llvm::Value* c);

/// f64 to f32.
llvm::Value* emit_narrow_up(const Emitter& emitter, llvm::Value* x, llvm::Type* target);

/// The `steps`-th number above x, of which 0 and -0 are two; +infinity and NaN stay.
llvm::Value* emit_steps_up(const Emitter& emitter, llvm::Value* x, int steps);

}  // namespace crease
