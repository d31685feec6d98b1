// What a register-tiled product copies to scratch memory before its tiles read it.
#pragma once

#include <span>

#include "jit/emit/emit_contraction.h"

namespace crease {

/// Packs a panel of columns of the vector operand, `k` of them in each turn of the loops round k, whose
/// strides are SumLoopValues::b, in their order.
void emit_pack_panel(Emitter& emitter, Type type, const MatrixOperand& matrix,
                     std::span<const SumLoopValues> around, llvm::Value* k, const Panel& panel,
                     llvm::Value* target);

/// Packs `rows` (i64) of the scalar operand, whose rows are neighbours for each k: tile after tile, in a tile
/// what one k needs and then the next. `depth`: all products of a sum. Strides of the loops:
/// SumLoopValues::a.
void emit_pack_tiles(Emitter& emitter, Type type, const MatrixOperand& scalars,
                     std::span<const SumLoopValues> around, llvm::Value* k, llvm::Value* depth,
                     llvm::Value* rows, int tile_rows, llvm::Value* target);

}  // namespace crease
