// Matrix products in the tile registers of a processor (AMX): whether a product can use them, how it is cut,
// and what it costs. Facts in, plan out; no LLVM.
#pragma once

#include <optional>
#include <span>

#include "jit/contraction.h"

namespace crease {

/// A tile register: 16 rows of 64 bytes. Sums are 16 x 16 numbers of f32; of the first factor it holds 16
/// rows of 32 bfloat16 numbers along k, of the second one 16 pairs of rows along k, each pair beside each
/// other.
inline constexpr int64_t tile_side = 16, tile_depth = 32, tile_elements = 256, tile_row_bytes = 64;

/// One product of a part of A with a part of B; part 0 is the greatest.
struct PartProduct {
  int a, b;
};
/// The products for operands of 1, 2 or 3 parts, in the order in which they are added: the smallest first.
std::span<const PartProduct> part_products(int parts);

/// The plan in tiles, whether it pays or not; none if the machine has no tiles, or the product is not meant
/// for them, changes its operands as they are loaded, or sums nothing.
std::optional<ContractionPlan> plan_tiles(const ContractionFacts& facts, const Machine& machine);

/// Cycles of the whole product under such a plan, packing included. From Intel's figures for the units: 16
/// cycles a product of two tiles, 8 to load one from the first cache, about 16 from the second.
double tiled_cycles(const ContractionFacts& facts, const ContractionPlan& plan, const Machine& machine);

}  // namespace crease
