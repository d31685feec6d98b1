// Copies a panel of columns of a matrix into contiguous rows, transposing on the way where the matrix lies
// the other way round. The transposing code is one shared function per module, type and vector width.
#pragma once

#include <string>
#include <vector>

#include "jit/emit/emitter.h"

namespace crease {

/// A matrix in memory; strides in elements, i64, constants where known.
struct MatrixOperand {
  llvm::Value* base;  // element (0, 0)
  llvm::Value* row_stride;
  llvm::Value* column_stride;
};

/// The address of an element.
llvm::Value* matrix_element(const Emitter& emitter, Type type, const MatrixOperand& matrix, llvm::Value* row,
                            llvm::Value* column);

/// `vectors` vectors of columns from `column` on, of which `columns` (i64) exist.
struct Panel {
  llvm::Value* column;
  llvm::Value* columns;
  int vectors;
};

/// Emits target[row][vectors * lanes] = matrix[row][panel.column + ...] for all `rows` (i64). Columns that do
/// not exist repeat the last one that does: no other memory is read.
void emit_pack(Emitter& emitter, Type type, const MatrixOperand& matrix, llvm::Value* rows,
               const Panel& panel, llvm::Value* target);

/// A function of the module without a result, called and not copied into its callers, with an entry block and
/// nothing in it.
llvm::Function* emit_helper(Emitter& emitter, const std::string& name,
                            const std::vector<llvm::Type*>& parameters);

/// The transpose of a square: as many vectors as each has lanes, by log2(lanes) rounds of two-input shuffles.
/// There may be fewer lines than lanes; the lanes that stand for the missing ones are then undefined.
std::vector<llvm::Value*> emit_transpose(Emitter& emitter, std::vector<llvm::Value*> lines);

}  // namespace crease
