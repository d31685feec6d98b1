// Where what a node stores is the number that its body says.
#pragma once

#include "graph/graph.h"

namespace crease {

/// Whether the result of an operation is its real value, or a position (arg max): not where a number is cut
/// to an integer or to whether it is 0, and not for quotients and fractions in integer arithmetic.
bool stores_exactly(const Graph& graph, const Node& node);

}  // namespace crease
