// The sums of a tile of few rows whose vector operand lies the other way round in memory: it is turned round
// in registers, a square of as many columns as a vector has lanes and as many k at a time, and used from
// there.
#pragma once

#include <vector>

#include "jit/emit/pack.h"

namespace crease {

/// As many columns of a matrix as a vector has lanes, each contiguous in memory.
struct SquarePanel {
  llvm::Value* base;                  // element (0, first column)
  std::vector<llvm::Value*> columns;  // elements from there to where each lane's column begins
};

/// The panel that begins at `column` of a matrix with `end` columns (i64; null: there is one for each lane).
/// Lanes without a column of their own read the last one: nobody uses what becomes of it. Condition:
/// matrix.row_stride is 1.
SquarePanel square_panel(Emitter& emitter, Type type, const MatrixOperand& matrix, llvm::Value* column,
                         llvm::Value* end);

/// What one tile multiplies with a panel.
struct SquareTile {
  MatrixOperand scalars;  // element (0, 0) of the tile's rows, which are broadcast
  int rows;
  int64_t depth;
  int chains = 1;                     // see chain_count
  int64_t ahead = 0;                  // elements along k that the panel's lines are asked for before
  llvm::Value* next_panel = nullptr;  // elements from this panel to the one that is read next
};

/// sums[row] = sum over k of scalars[row, k] panel[k], in chains in the order of k.
std::vector<llvm::Value*> emit_square_sums(Emitter& emitter, Type type, const SquarePanel& panel,
                                           const SquareTile& tile);

}  // namespace crease
