// The kink census: how often a run sits on a kink, node by node, and whether the gradient depends on the rule
// there. Counted by nodes of the graph, so compiled code counts in the kernels that have the values at hand.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "graph/evaluate.h"
#include "graph/graph.h"

namespace crease {

/// What one node met in one run, or summed over several.
struct KinkCounts {
  /// The node's name; without one the operation and what it is applied to, "relu:dense1", or its number,
  /// "relu_7".
  std::string node;
  std::string operation;
  std::source_location where;
  /// Points at which the node decides: those of its loops; the results of a maximum or minimum.
  int64_t elements = 0;
  /// Points with different left and right slopes in what the gradient is taken through, and tied results.
  int64_t hits = 0;
  /// The hits at which different arguments are equal and extreme: max(a, b), a pooling window, a k-th
  /// element.
  int64_t ties = 0;
  /// Points at which the value jumps when one argument moves up or down. The slope there is 0 under any rule.
  int64_t jumps = 0;
  /// The hits whose adjoint is not 0: there the rule decides what the operand's gradient is. If live is 0 at
  /// every node, all rules give this gradient, to the bit.
  int64_t live = 0;
};

/// Appends to the graph what counts kinks on the way from `wrt` to `outputs`, as outputs "kinks/...": see
/// GradOptions::census. `adjoints`: of the nodes that have one.
void add_census(const Graph& graph, ValueSpan outputs, ValueSpan wrt,
                const std::map<NodeId, Value>& adjoints);

/// The census of a run: one entry for each node that has kinks or jumps, in the order of the graph. `graph`
/// is the one that was run or compiled, `inputs` and `results` are those of the run. Empty for a graph
/// without a census.
std::vector<KinkCounts> census_of(const Graph& graph, const Bindings& inputs, const NamedTensors& results);

/// Adds counts of another run of the same graph. Errors: Bug if the nodes differ.
void add_to(std::vector<KinkCounts>& total, const std::vector<KinkCounts>& run);

/// A table with one line a node.
std::string to_string(const std::vector<KinkCounts>& census);

}  // namespace crease
