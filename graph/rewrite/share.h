// Common subexpressions computed once.
#pragma once

#include "graph/graph.h"

namespace crease {

/// Merges nodes that are the same computation: equal body, combination, loops, type and operands, or equal
/// constants to the bit, or random leaves with one seed and counter.
/// Keeps: values to the bit; selection, since kinked nodes merge only if their ties are equal, and the slopes
/// of merged nodes add up as before. Names of operations and attributes do not count: bodies do.
/// Cost: never more nodes.
Rewrite share(const Graph& graph);

}  // namespace crease
