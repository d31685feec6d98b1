// A matrix product in the tile registers of the processor.
#pragma once

#include "jit/emit/emit_contraction.h"

namespace crease {

/// Emits the product of a plan with tile_parts > 0. An element's sum depends on the order along k alone:
/// steps of 32 from 0 on, in each the products of parts from the smallest to the greatest, each of them a sum
/// as multiply_tiles makes it. So the bits do not depend on the range of rows of a thread, nor on how the
/// product is cut.
void emit_tile_contraction(Emitter& emitter, const ContractionFacts& facts, const ContractionPlan& plan,
                           const ContractionOperands& operands, const ContractionEpilogue& epilogue);

}  // namespace crease
