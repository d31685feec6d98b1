// What the pictures of a report draw: boxes with what is known of them, and arrows.
#pragma once

#include <string>
#include <vector>

#include "frontends/report.h"

namespace crease {

/// What a node does with the data that reaches it.
enum class NodeClass : uint8_t { Constant, Affine, Piecewise, Smooth };
std::string_view to_string(NodeClass node_class);

/// "input", "parameter", "constant", "random", "apply".
std::string_view role_name(Role role);

/// What a report knows of each node, by NodeId.
struct NodeFacts {
  std::vector<NodeClass> classes;
  std::vector<bool> sinks;               // an affine part ends here
  std::vector<std::string> scales;       // "s1..s64": rescaling coordinates that act on its elements
  std::vector<std::string> saturations;  // "saturates left hard, right none"
};
NodeFacts node_facts(const Graph& graph);

/// One node, or a folded group of them.
struct Box {
  std::string label;
  std::vector<NodeId> members;  // ascending
  int layer = 0;                // longest path from an input, over boxes
};

struct Arrow {
  int from = 0, to = 0;  // boxes
  std::string label;
  bool operator==(const Arrow&) const = default;
};

/// At most `limit` boxes of the nodes that depend on inputs or random numbers. Larger graphs are folded: by
/// the longest common part of their nodes' names ("encoder.3") that is short enough, else by runs of nodes in
/// order.
struct BoxGraph {
  std::vector<Box> boxes;  // in order of their first member
  std::vector<Arrow> arrows;
};
BoxGraph boxes_of(const Graph& graph, const NodeFacts& facts, size_t limit = 300);

}  // namespace crease
