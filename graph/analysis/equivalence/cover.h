// Covers input space by cells in which every relu is decided, and shows that a difference is 0 in each.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "graph/analysis/normal_form/normal_form.h"
#include "graph/graph.h"

namespace crease {

/// What came of a search over cells.
struct Cover {
  bool proved = false;
  /// A point where a form is not 0: values of the leaves' elements, by variable.
  std::optional<std::map<int, Rational>> counterexample = {};
  std::string tree = {};    // the proof, as JSON text
  std::string reason = {};  // why there is neither
};

struct CoverLimits {
  int64_t cells, work;  // work: operations on rational numbers, as ExploreLimits::work
};

/// Whether these nodes are 0 for all values of the leaves and other functions. Cells are cut where a relu
/// changes sign, by linear programs over rationals; each relu that does not is proved by their multipliers.
Cover cover(const Graph& graph, const NormalForm& normal, const std::vector<NodeId>& wanted,
            const CoverLimits& limits);

}  // namespace crease
