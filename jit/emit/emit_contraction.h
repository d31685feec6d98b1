// The register-tiled matrix product C[m, n] = sum_k A[m, k] B[k, n], with what follows it applied to the
// accumulators before anything is stored.
#pragma once

#include <functional>

#include "jit/contraction.h"
#include "jit/emit/emitter.h"

namespace crease {

/// A matrix in memory; strides in elements, i64, constants where known.
struct MatrixOperand {
  llvm::Value* base;  // element (0, 0)
  llvm::Value* row_stride;
  llvm::Value* column_stride;
};

struct ContractionOperands {
  MatrixOperand a;                   // [m, k]
  MatrixOperand b;                   // [k, n]
  llvm::Value *row_begin, *row_end;  // rows of the result to compute: constants or not
  llvm::Value *n, *k;                // constants where known
  llvm::Value* scratch;              // 64-byte aligned, plan.scratch elements; null if that is 0
};

/// Emits what is done with one vector of results: `accumulator` holds C[row, column .. column + lanes), the
/// lanes in `mask` are valid (null: all). Called many times while code is made, so it should be short.
using ContractionEpilogue =
    std::function<void(llvm::Value* row, llvm::Value* column, llvm::Value* accumulator, llvm::Value* mask)>;

/// Emits the product at the builder's place and leaves the builder behind it. Every element of the rows is
/// passed to the epilogue exactly once. The epilogue may write memory that A and B do not overlap.
/// k = 0 gives accumulators of 0.
void emit_contraction(Emitter& emitter, const ContractionFacts& facts, const ContractionPlan& plan,
                      const ContractionOperands& operands, const ContractionEpilogue& epilogue);

}  // namespace crease
