// Linear bounds: an interval of an element by way of lines. Every function on the way back to the inputs is
// replaced by a line below or above it, so that what remains is a linear function on the box; what cancels in
// the network cancels in the bound. Lattice and claim as in node_bounds.h, with which every bound is
// intersected: it is never weaker. Rounding: coefficients are computed in double; what they may be wrong by,
// times the greatest magnitude of what they multiply, is added to each bound (gamma_n of Higham, Accuracy and
// Stability, 3.1), so the bounds hold for the exact function.
// Source: Zhang et al. 2018 (CROWN); Singh et al. 2019 (DeepPoly); docs/analyses.md, bounds.
#pragma once

#include <vector>

#include "graph/analysis/bounds/stages.h"

namespace crease {

struct LineOptions {
  /// Multiply-adds to spend in all. Networks that would need more are walked back only so far, to the
  /// intervals of a layer on the way.
  double work_limit = 2e9;
  /// Where the whole network costs less than this, each bound is the best of three choices of lower lines.
  double choice_limit = 1e8;
};

/// What linear bounds did.
struct LinearBounds {
  StagedNetwork network;  // its stages' bounds are the result
  int64_t bounded = 0;    // numbers bounded by lines
  double work = 0;        // multiply-adds
  bool complete = true;   // no walk was cut short
};

/// Narrows the bounds of what decides the lines (arguments of curves, factors) and of `wanted`.
LinearBounds linear_bounds(StagedNetwork network, const std::vector<NodeId>& wanted,
                           const LineOptions& options = {});

}  // namespace crease
