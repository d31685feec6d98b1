// Whether a result stays the same when a constant is added to a node, row by row: what makes the shift of a
// softmax free.
//
// Lattice: a value stays; gets a multiple of the constant added; is multiplied by e to a multiple of it;
// anything else. Transfer: exp and log turn one into the other, sums and products of the same kind add up. A
// fact holds for every constant of each row, for all parameter values.
#pragma once

#include "graph/graph.h"

namespace crease {

/// Whether no output changes when each row of `shift` (its elements with the same leading indices, one
/// element in the last dimension) gets a constant of its own. Cost: linear in the graph.
bool shift_invariant(const Graph& graph, std::span<const NodeId> outputs, NodeId shift);

}  // namespace crease
