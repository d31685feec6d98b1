// The kinks that a point sits on, one by one, with the derivative of what decides each.
#pragma once

#include "autodiff/certified_gradient.h"
#include "autodiff/kink_probe.h"

namespace crease {

class KinkRecords {
 public:
  /// Watches the active nodes that the loss needs.
  KinkRecords(const Graph& graph, const std::vector<bool>& active, NodeId loss);

  /// Appends the derivatives of all differences along `tangents`, inputs of the graph; once, before hits.
  void differentiate(ValueSpan wrt, ValueSpan tangents, const std::source_location& where);
  /// At most `most` kinks, with the first of `directions` (if any) as tangents.
  std::vector<KinkHit> hits(Bindings at, const std::vector<std::vector<Tensor>>& directions,
                            int64_t most) const;
  /// Whether these are one comparison, or the two points of one tied extremum.
  static bool is_one_of_two(const std::vector<KinkHit>& kinks);

 private:
  Graph graph_;
  std::vector<char> watched_;
  std::optional<KinkProbe> probe_;
  std::vector<std::string> names_;  // of the tangents
  std::vector<Value> derivatives_;
};

}  // namespace crease
