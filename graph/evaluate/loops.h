// The loop nest of one node, run over tensors.
#pragma once

#include <functional>

#include "graph/evaluate.h"

namespace crease {

/// The value of an Apply node from its operands' values.
Tensor run_loops(const Graph& graph, const Node& node, std::span<const Tensor* const> operands,
                 const Sizes& sizes);

}  // namespace crease
