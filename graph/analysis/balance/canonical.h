// One network for all that differ by powers of two on hidden units and by the order of those units.
//
// First every coordinate of the rescaling group gets the power of two at which the greatest parameter that
// leads into its units lies in [1, 2), from the inputs on; then the units of every block that can change
// places are sorted by the parameters that they read, from the inputs on. Both steps are members of the
// group, so the function stays (structure level), and neither depends on where in its orbit the network was.
// Not claimed: one result where two units of a block read equal parameters, or where factors of one layer
// depend on each other; and networks that are equal in another way keep different forms (equivalence.h).
// Source: docs/analyses.md, canonical form.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "graph/analysis/permutations/permutations.h"
#include "graph/analysis/scaling.h"
#include "graph/graph.h"

namespace crease {

struct Canonical {
  Graph rescaled;         // after the first step: outputs equal to the bit, short of overflow
  Graph graph;            // after both: sums are taken in another order
  std::vector<double> t;  // log2 of the factor of each coordinate
  int64_t exchanged = 0;  // units that changed their place
};

/// `fixed`: parameters that keep their value, by name (running statistics). Errors: those of scaling_group.
/// Cost: that of the two groups, and of sorting the parameters that units read.
Canonical canonical(const Graph& graph, const std::set<std::string>& fixed = {});

/// The first step: log2 of the factor of each coordinate.
std::vector<double> canonical_factors(const Graph& graph, const ScalingGroup& group);

}  // namespace crease
