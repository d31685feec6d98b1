// Matrices of f32 as tiles of bfloat16 numbers: rounded, or taken apart into several numbers an element.
#pragma once

#include "jit/emit/emitter.h"

namespace crease {

/// What a row of a tile holds: of the first factor of a product 32 numbers along the depth, of the second one
/// 16 pairs of neighbours along the depth, one pair for each place across.
enum class TileRows : uint8_t { AlongDepth, Across };

/// A matrix in memory, `wide` x `depth` (i64); strides in elements, constants where known.
struct TileSource {
  llvm::Value* base;
  llvm::Value *wide_stride, *depth_stride;
  llvm::Value *wide, *depth;
};

/// Emits target[wide tile][depth tile][part][256 pairs]. `parts` = 1: elements are rounded to bfloat16. 2, 3:
/// part 0 is the rounded element, each further one the rounded rest. Beside the matrix there are zeros, so
/// that its tiles are whole and their number across a multiple of `tiles`.
/// Special values: in parts of finite numbers nothing is infinite (what would round to infinity is cut off
/// instead); of infinity and NaN the further parts are 0. Subnormal numbers and parts count as 0.
void emit_tile_pack(Emitter& emitter, const TileSource& source, TileRows rows, int parts, int64_t tiles,
                    llvm::Value* target);

}  // namespace crease
