// One network for all that differ by powers of two on hidden units, by signs of units of odd activations and
// by the order of units.
//
// First every coordinate of the rescaling group gets the power of two at which the greatest parameter that
// leads into its units lies in [1, 2), from the inputs on (or, for `real`, the factor at which it is 1); then
// units that may change their sign get the one at which these parameters are positive; then the units of
// every block that can change places are sorted by the parameters that they read, and where these are equal
// by what they write and so on (unit_colours.h). All steps are members of the group, so the function stays
// (structure level), and none depends on where in its orbit the network was. Not claimed: one result where
// factors of one layer depend on each other, or where what decides a sign cancels out; networks that differ
// by units inside of a loop over time, and those that are equal in another way, keep different forms
// (equivalence.h). Source: docs/analyses.md, canonical form.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "graph/analysis/permutations/permutations.h"
#include "graph/analysis/scaling.h"
#include "graph/graph.h"

namespace crease {

struct CanonicalOptions {
  std::set<std::string> fixed = {};  // parameters that keep their value, by name: running statistics
  /// Any positive factors: the greatest parameter that leads into a unit becomes 1. Computed in double and
  /// rounded once: every parameter is within 1 part in 2^24 of its value in f32 (and of 2^48 or so in f64),
  /// so members of one orbit give the same form up to such rounding, not the same bytes.
  bool real = false;
};

struct Canonical {
  Graph rescaled;         // after scales and signs: outputs equal to the bit, short of overflow
  Graph graph;            // after all: sums are taken in another order
  std::vector<double> t;  // log2 of the factor of each coordinate
  int64_t flipped = 0;    // coordinates of the group of signs that changed theirs
  int64_t exchanged = 0;  // units that changed their place
};

/// Errors: those of scaling_group. Cost: that of the three groups, and of unit_colours.
Canonical canonical(const Graph& graph, const CanonicalOptions& options = {});

/// The first step: log2 of the factor of each coordinate.
std::vector<double> canonical_factors(const Graph& graph, const ScalingGroup& group, bool real = false);

}  // namespace crease
