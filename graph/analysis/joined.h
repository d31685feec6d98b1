// Two networks side by side over the same inputs, and the differences of their outputs: the graph that
// certificates of equivalence speak of.
#pragma once

#include <utility>
#include <vector>

#include "graph/graph.h"

namespace crease {

/// Nodes of the first network come first. Parameters are called "a.NAME" and "b.NAME", or "a.a.NAME" where an
/// input is called "a.NAME".
struct Joined {
  Graph graph;  // outputs: a difference for each output of the first network, under its name
  std::vector<NodeId> from_a, from_b;              // where each node went
  std::vector<std::pair<NodeId, NodeId>> outputs;  // of a and b, in `graph`
  std::vector<NodeId> differences;                 // a - b
};

/// Inputs and outputs belong together by name; where names differ, by position. The second network may lack
/// inputs of the first, if those that it has are called as in the first.
/// Errors: Error if they differ in number, shape or type, or an output is not of a floating type.
Joined joined(const Graph& a, const Graph& b);

}  // namespace crease
