// A graph as a picture, in Graphviz's DOT language. Colours and labels come from whoever draws; without them
// a node shows its name, operation and shape.
#pragma once

#include <map>
#include <string>

#include "graph/graph.h"

namespace crease {

/// What a picture adds to a node. Empty fields keep the default.
struct NodeStyle {
  std::string note;  // a second line
  std::string fill;  // a colour name of Graphviz
  bool thick = false;
};

struct DrawOptions {
  std::string title = {};
  std::map<NodeId, NodeStyle> nodes = {};
  /// Labels of the edges that leave a node.
  std::map<NodeId, std::string> edges = {};
  /// Parameters and constants too; otherwise only what depends on inputs.
  bool weights = false;
  /// Leaves out arrows that other arrows imply: for orders of computation. A skip connection is such an
  /// arrow, so not for pictures of data flow.
  bool transitive_reduction = false;
};

/// DOT text of what the outputs (and updates) need. `dot -Tsvg` makes a picture of it.
/// Errors: Error if the graph has no outputs and no updates.
std::string to_dot(const Graph& graph, const DrawOptions& options = {});

}  // namespace crease
