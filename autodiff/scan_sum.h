// Sums of products over all steps of a loop, taken at once outside of it.
#pragma once

#include <vector>

#include "graph/graph.h"

namespace crease {

/// An operand of a node inside a loop, seen from outside.
struct OuterOperand {
  Value value;
  bool stacked;  // [length, ...], an element for each step; else the same in every step
};

/// Whether a node is a sum of products of two operands, such as the gradient of a weight.
bool is_sum_of_products(const Node& node);

/// The sum over all steps of what `node`, a sum of products in the body of a loop, gives in each: the same
/// operation with the step as one more label to sum over, the first. One product of long operands is faster
/// than a short one each step that reads and writes the sum. Shape: that of the node.
Value sum_over_steps(Graph& graph, const Node& node, const std::vector<OuterOperand>& operands,
                     const Dim& length, const std::source_location& where);

}  // namespace crease
