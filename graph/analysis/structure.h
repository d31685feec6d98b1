// The shape of the computation: which nodes everything passes through, where it forks and joins again, and
// which of these regions are residual blocks. From dominators; no values, no shapes.
#pragma once

#include <vector>

#include "graph/graph.h"

namespace crease {

/// A fork: every path from `entry` to an output comes together again in `exit`, and not earlier.
struct Region {
  NodeId entry;
  NodeId exit;  // -1: the paths end in different outputs
  /// Nodes strictly between, ascending.
  std::vector<NodeId> inside;
  /// `exit` adds `entry` itself to what the other paths made of it.
  bool residual = false;
};

struct Structure {
  /// The nodes that every path from an input to an output passes, in order: borders at which the network can
  /// be cut in two (checkpoints, pipeline stages).
  std::vector<NodeId> stages;
  /// In order of entry.
  std::vector<Region> regions;
};

/// Structure of what leads from the inputs to the outputs; parameters and constants are not paths.
/// Errors: Error if the graph has no outputs. Cost: nearly linear.
/// Source: Lengauer and Tarjan 1979, by Boost.Graph.
Structure structure(const Graph& graph);

}  // namespace crease
