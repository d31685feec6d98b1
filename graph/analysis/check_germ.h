// Exact replay of a program next to a point: every value with its derivatives along given directions, every
// comparison decided by the first direction in which its sides move apart. Written apart from autodiff, for
// the checker of gradients.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "graph/analysis/check_replay.h"
#include "graph/evaluate.h"

namespace crease::checker {

/// A value on its side of every kink, and its derivatives along the directions.
struct Germ {
  Rational value;
  std::vector<Rational> tangents;
};

/// Equal sides at the point that differ as functions of the variables: of a comparison, or of an element of
/// an extremum (comparison -1).
struct GermTie {
  NodeId node;
  int comparison;
  std::vector<int64_t> points;  // of the loops: one, or all that attain the extremum
  int ways;                     // how many different functions are level: 2, or more in an extremum
  bool decided;                 // by some direction
};

/// What a replay is told.
struct GermSetting {
  Sizes sizes = {};
  std::map<NodeId, std::vector<Rational>> leaves = {};  // inputs, and parameters that have other values
  std::vector<NodeId> variables = {};
  std::vector<std::map<NodeId, std::vector<Rational>>> directions = {};  // by variable
  /// At every tie: 0 as the directions say, 1 the first side is greater (the first point wins), 2 the second.
  int forced = 0;
};

/// An element of a node.
using Element = std::pair<NodeId, int64_t>;

class GermReplay {
 public:
  /// Replays what `loss` needs. Errors: Refused for what has no exact value, and beyond 4 million loop
  /// points.
  GermReplay(const Graph& graph, NodeId loss, GermSetting setting);

  const Germ& loss() const { return values_.at(loss_)[0]; }
  const std::vector<GermTie>& ties() const { return ties_; }
  /// The derivative of a comparison's difference along the first direction, or nothing if its sides are not
  /// equal at that loop point.
  const Rational* level(NodeId node, int comparison, int64_t point) const;
  /// The gradient of the locked program.
  std::map<NodeId, std::vector<Rational>> gradient() const;

 private:
  friend class NodeReplay;
  const Graph& graph_;
  NodeId loss_;
  GermSetting setting_;
  std::map<NodeId, std::vector<Germ>> values_;
  std::map<NodeId, std::vector<std::map<Element, Rational>>> partials_;  // of each element of each node
  std::map<NodeId, bool> active_;                                        // depends on a variable
  std::map<std::tuple<NodeId, int, int64_t>, Rational> level_;
  std::vector<GermTie> ties_;
  int64_t budget_ = 4'000'000;
};

}  // namespace crease::checker
