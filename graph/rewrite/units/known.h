// Elements that are one number on all of a box: dead and saturated units, and what follows from them, through
// sums, poolings and products with 0.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "graph/analysis/bounds/units.h"

namespace crease {

/// What is known of the elements of a network on a box, exactly. Keeps a reference to the analysis.
class KnownElements {
 public:
  KnownElements(const BoxAnalysis& box, const std::vector<UnitNode>& units);

  /// The value of an element; nothing if it is not known to be constant.
  std::optional<Rational> at(NodeId node, int64_t element) const;
  /// All elements of a node; nothing if some are not known to be constant.
  std::optional<std::vector<Rational>> all(NodeId node) const;

 private:
  void propagate(NodeId id);

  const BoxAnalysis& box_;
  std::map<NodeId, std::vector<std::optional<Rational>>> found_;  // beyond what intervals say
};

/// The value of a body some of whose arguments are known: 0 times anything is 0.
std::optional<Rational> partial_value(const Scalar& body,
                                      const std::vector<std::optional<Rational>>& arguments,
                                      const std::vector<int64_t>& labels);

}  // namespace crease
