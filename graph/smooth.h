// Whether a program can meet a kink, a jump or an infinite slope at all, told from its operations.
#pragma once

#include "graph/graph.h"

namespace crease {

/// Whether every operation of a graph, those in its loops over time included, is continuously differentiable
/// everywhere: nothing that depends on values is compared, cut or divided by, and there is no root or
/// logarithm. False where that is not plain.
bool is_smooth(const Graph& graph);

/// The first operand that a node takes for a truth value though it is a number that may vary, as
/// select(x, y, 0) does: its body jumps where that is 0, and holds no comparison that says so. -1: none.
int number_as_truth(const Graph& graph, const Node& node);

/// Whether some slope of a body can be infinite at a finite point: sqrt, log, division by what varies.
bool has_pole(const Scalar& body);

}  // namespace crease
