// Where a graph sits relative to its kinks: the sign of every comparison at every loop point.
#pragma once

#include <string>

#include "graph/evaluate.h"
#include "graph/graph.h"

namespace crease {

/// On which side of each kink a point lies: for each comparison of each node -1, 0 (on it) or 1; for floor
/// the piece; for the points of an extremum 0 if tied, else what tells the winner from the others. An element
/// is not compared with itself. Each is decided in the arithmetic of its node.
using Sides = std::vector<Tensor>;

/// Where a side is decided.
struct KinkPlace {
  NodeId node;
  int comparison;   // within the node's body; -1: a point of its extremum
  bool continuous;  // the branches are what is compared: level where it is level
};

/// Watches the kinks that some of the nodes have.
class KinkProbe {
 public:
  /// Appends what computes the sides to the graph.
  KinkProbe(const Graph& graph, std::span<const bool> watched, const std::source_location& where);

  Sides sides(const Bindings& at) const;
  /// For each of the sides, the number whose sign it is, at every loop point: first term less second of a
  /// comparison, the distance of a point from the extremum, the distance from the integer below. Appended to
  /// the graph at the first call.
  const std::vector<Value>& differences(const std::source_location& where);
  /// The place of each of the sides.
  const std::vector<KinkPlace>& places() const { return places_; }
  /// How many comparisons are on a kink.
  static int64_t hits(const Sides& sides);
  /// The kink that lies between the point with sides `from` and a point with sides `to`, in words; empty if
  /// there is none. A kink that `from` sits on is left in any direction.
  std::string crossed(const Sides& from, const Sides& to) const;
  /// Nodes with a comparison that sits on its kink.
  std::vector<NodeId> on_kinks(const Sides& sides) const;

 private:
  Graph graph_;
  std::vector<Value> sides_, differences_;
  std::vector<KinkPlace> places_;  // of each of sides_
};

}  // namespace crease
