// Where a graph meets infinite slopes: sqrt and log at 0, a division by 0. Reverse mode multiplies them with
// adjoints, and 0 times infinity is whatever the rule says (AtPole), not a derivative: where the loss depends
// on such a point, nothing is known of its gradient. Roots of sums of squares, which have derivatives along
// directions, are no poles.
#pragma once

#include <optional>
#include <vector>

#include "graph/evaluate.h"
#include "graph/graph.h"

namespace crease {

class PoleProbe {
 public:
  /// Watches the active nodes that the loss needs, and appends what counts their poles to the graph.
  PoleProbe(const Graph& graph, const std::vector<bool>& active, const Value& loss,
            const std::source_location& where);

  /// How many points of the watched nodes are poles, a scalar; none if no operation can have one.
  const std::optional<Value>& count() const { return count_; }
  /// Whether the loss depends on one of them, other than through a branch that is not taken.
  /// `kinked`: some comparison is level, so that conditions that vary count as taken both ways.
  bool matters(const Bindings& at, bool kinked) const;

 private:
  Graph graph_;
  std::optional<Value> count_;
  Value stable_, kinked_;  // the poles that matter
};

}  // namespace crease
