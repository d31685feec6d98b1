// The register-tiled matrix product C[m, n] = sum_k A[m, k] B[k, n], with what follows it applied to the
// accumulators before anything is stored.
#pragma once

#include <functional>
#include <vector>

#include "jit/contraction.h"
#include "jit/emit/emitter.h"
#include "jit/emit/pack.h"

namespace crease {

/// Changes an element of A (a scalar), or a vector of B, as it is loaded: gets the value, its row and column
/// in its matrix (i64; of the first lane) and the mask of a vector (null: all lanes). Emitted once for every
/// load.
using ContractionPrologue =
    std::function<llvm::Value*(llvm::Value* value, llvm::Value* row, llvm::Value* column, llvm::Value* mask)>;

/// A SumLoop in code, i64.
struct SumLoopValues {
  llvm::Value *turns, *a, *b;
};

struct ContractionOperands {
  MatrixOperand a;  // [m, k]
  MatrixOperand b;  // [k, n]
  /// The part of the result to compute, constants or not: ranges of split_of (jit/schedule.h), which begin at
  /// a multiple of its step and end at one or at the end of all.
  llvm::Value *row_begin, *row_end;
  llvm::Value *column_begin, *column_end;
  llvm::Value* k;                          // a constant where known
  llvm::Value* scratch;                    // 64-byte aligned, plan.scratch elements; null if that is 0
  std::vector<SumLoopValues> around = {};  // of facts.around
  ContractionPrologue prologue_a = {}, prologue_b = {};  // only where facts.prologue
  /// Emitted before the loop over k of each tile of rows x columns from (row, column) on, some of which may
  /// not exist: the place to prefetch, or to forget what an epilogue kept for the tile before.
  std::function<void(llvm::Value* row, llvm::Value* column, int rows, int columns)> before_tile = {};
};

/// Emits what is done with one vector of results: `accumulator` holds C[row, column .. column + lanes), the
/// lanes in `mask` are valid (null: all). Called many times while code is made, so it should be short. Within
/// a tile the vectors come column by column, rows innermost.
using ContractionEpilogue =
    std::function<void(llvm::Value* row, llvm::Value* column, llvm::Value* accumulator, llvm::Value* mask)>;

/// Emits the product at the builder's place and leaves the builder behind it. Every element of the rows is
/// passed to the epilogue exactly once. The epilogue may write memory that A and B do not overlap, and may
/// make basic blocks. k = 0 gives accumulators of 0. Errors: Bug for a type other than f32 and f64, or
/// operands that contradict the plan.
void emit_contraction(Emitter& emitter, const ContractionFacts& facts, const ContractionPlan& plan,
                      const ContractionOperands& operands, const ContractionEpilogue& epilogue);

}  // namespace crease
