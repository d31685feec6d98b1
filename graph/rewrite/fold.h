// Constants computed at compile time.
#pragma once

#include "graph/evaluate/float_mode.h"
#include "graph/graph.h"

namespace crease {

/// Replaces nodes that read only constants by their value, computed by the interpreter.
/// Keeps: values to the bit of the interpreter; gradients with respect to inputs and parameters, which do not
/// pass through such nodes.
/// Cost: a result is folded only if it takes no more bytes than its operands, or at most 4096, and its loops
/// have at most 2^20 points.
Rewrite fold(const Graph& graph);

/// One step of it: the value of `node` in the graph `to`, with operands there, as a constant if they are
/// constants and it pays, else as a copy of the node.
Value folded(Graph& to, const Node& node, const std::vector<Value>& operands, Subnormals subnormals);
/// Whether it would be a constant.
bool is_foldable(const Node& node, const std::vector<Value>& operands);

}  // namespace crease
