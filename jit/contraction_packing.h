// What of a matrix product is packed before the register tiles read it, and by which blocks. Private to
// jit/contraction.cpp.
#pragma once

#include "jit/contraction.h"

namespace crease {

/// Whether two units multiply vectors of 512 bits. No prefetcher that follows rows some hundred bytes apart
/// keeps up with them, so tiles ask the second cache for lines before they need them. Measured on Emerald
/// Rapids (share of the peak, bench/contraction): A B of 32 x 784 x 784 goes from 58 to 91 %, A^T B, asking
/// for both operands, of 784 x 256 x 1024 from 73 to 98, of 512 x 512 x 512 from 77 to 96. Zen 4, with one
/// unit, reaches 94 to 99 % without; narrower vectors were not measured.
bool has_two_wide_units(const Machine& machine);
int64_t bytes_of(const Extent& rows, const Extent& columns, Type type);

/// Decides what is packed as panels, of a plan whose tile is known; adds the scratch memory.
void choose_packing(const ContractionFacts& facts, const Machine& machine, ContractionPlan& plan);
/// Blocks of rows whose part of A takes three eighths of the second cache, if all of A would take more than
/// half. B is read once for each block: that pays only while B is not much larger than the cache, and in
/// place.
int64_t block_of_rows(const ContractionFacts& facts, const ContractionPlan& plan, const Machine& machine);
/// Packs the scalars where they are too many for the second cache, or lie apart in several loops, and a block
/// of them would use no more than a part of its sets, as their k lie a power of two apart that is longer than
/// the block. Measured on Emerald Rapids: A^T B of 1024 x 256 x 1024 goes from 75 to 83 % of the peak, of 256
/// x 768 x 2048 from 52 to 65; 512 x 512 x 512 would lose, 96 to 88.
void choose_scalars(const ContractionFacts& facts, const Machine& machine, ContractionPlan& plan);

}  // namespace crease
