// Rebuilds a network with fewer channels: stored tensors are cut, loops get shorter, and everything else
// stays the operation that it was.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <vector>

#include "graph/graph.h"
#include "graph/rational.h"
#include "graph/rewrite/units/axes.h"

namespace crease {

/// slope * x + offset.
struct LineOfUnit {
  Rational slope, offset;
};

/// A family computed in two parts that its sums add up again.
struct FamilySplit {
  int family = -1;
  std::vector<bool> linear;  // by channel
  std::set<NodeId> units;    // nodes that are their argument in the linear part
};

/// What becomes of a network.
struct Restriction {
  std::vector<std::vector<bool>> removed = {};             // by family and channel; empty: none
  std::map<NodeId, std::vector<Rational>> added = {};      // to the elements of a sum, one sample
  std::map<NodeId, std::vector<Rational>> constants = {};  // nodes that are these elements
  std::map<NodeId, LineOfUnit> lines = {};                 // nodes that are this function of their operand
  std::optional<FamilySplit> split = {};
};

struct Restricted {
  Graph graph;
  std::vector<NodeId> new_id;  // -1: gone; of a split family the part that is not linear
  bool rounded = false;        // a constant was rounded to the node's element type
};

/// The network with what `restriction` says. Parameters that nothing needs are dropped; inputs stay. A
/// parameter that both parts of a split read becomes two, NAME.kept and NAME.linear.
Restricted restricted(const Graph& graph, const AxisFamilies& families, const Restriction& restriction);

/// Whether a family can be split: no node has it twice.
bool can_split(const Graph& graph, const AxisFamilies& families, int family);

}  // namespace crease
