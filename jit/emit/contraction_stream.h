// A product of few rows whose second operand no cache holds: that operand is read once from its first element
// to its last, several rows beside each other, and the sums wait in memory.
#pragma once

#include "jit/emit/emit_contraction.h"

namespace crease {

/// Emits the product of a plan with stream_rows > 0: all rows, of the columns wanted. m and n are known.
/// operands.scratch: a line of sums for each row, n of them rounded up to whole vectors. Every sum is one
/// chain of multiply-adds in the order of k.
void emit_streamed_contraction(Emitter& emitter, const ContractionFacts& facts, const ContractionPlan& plan,
                               const ContractionOperands& operands, const ContractionEpilogue& epilogue);

}  // namespace crease
