// Where a graph sits relative to its kinks: the sign of every comparison at every loop point.
#pragma once

#include <string>

#include "graph/evaluate.h"
#include "graph/graph.h"

namespace crease {

/// On which side of each kink a point lies: for each comparison of each node -1, 0 (on it) or 1; for floor
/// the piece; for the points of an extremum 0 if tied, else what tells the winner from the others.
using Sides = std::vector<Tensor>;

/// Watches the kinks that some of the nodes have.
class KinkProbe {
 public:
  /// Appends what computes the sides to the graph.
  KinkProbe(const Graph& graph, std::span<const bool> watched, const std::source_location& where);

  Sides sides(const Bindings& at) const;
  /// How many comparisons are on a kink.
  static int64_t hits(const Sides& sides);
  /// The kink that lies between the point with sides `from` and a point with sides `to`, in words; empty if
  /// there is none. A kink that `from` sits on is left in any direction.
  std::string crossed(const Sides& from, const Sides& to) const;
  /// Nodes with a comparison that sits on its kink.
  std::vector<NodeId> on_kinks(const Sides& sides) const;

 private:
  Graph graph_;
  std::vector<Value> sides_;
  std::vector<NodeId> nodes_;  // whose kink each of sides_ is
};

}  // namespace crease
