// The loop nest of one node, run over tensors.
#pragma once

#include <functional>
#include <map>
#include <set>

#include "graph/evaluate.h"

namespace crease {

/// The value of an Apply node from its operands' values.
Tensor run_loops(const Graph& graph, const Node& node, std::span<const Tensor* const> operands,
                 const Sizes& sizes);

/// The wanted results of a loop over time, by number, from its operands' values.
std::map<int, Tensor> run_scan(const Scan& scan, std::span<const Tensor* const> operands,
                               const std::set<int>& wanted, const Sizes& sizes);

/// Values of nodes, given those of inputs and the sizes of named dimensions.
std::vector<Tensor> evaluate_nodes(const Graph& graph, const Bindings& inputs, const Sizes& sizes,
                                   std::span<const NodeId> wanted);

}  // namespace crease
