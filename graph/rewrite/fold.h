// Constants computed at compile time.
#pragma once

#include "graph/graph.h"

namespace crease {

/// Replaces nodes that read only constants by their value, computed by the interpreter.
/// Keeps: values to the bit of the interpreter; gradients with respect to inputs and parameters, which do not
/// pass through such nodes.
/// Cost: a result is folded only if it takes no more bytes than its operands, or at most 4096, and its loops
/// have at most 2^20 points.
Rewrite fold(const Graph& graph);

}  // namespace crease
