// Certificates about linear separability, for check():
//
//   {"cert": "graph-cert/1", "kind": "separability", "graph": "<digest>", "semantics": "real",
//    "points": [["0", "1"], ...], "labels": [0, 1, ...],
//    "claim": {"h": {"0": "separable", "1": "inseparable"}},
//    "proofs": {"h": {"0": {"w": ["1", ...], "b": "-1/2"}, "1": {"multipliers": ["1/2", ...]}}}}
//
// Points list all inputs in the graph's order. A label is separable from all others at a tensor h if
// w . h + b > 0 at its points and < 0 at the others; it is not if multipliers m >= 0, not all 0, one a point,
// have sum of +-m h = 0 and sum of +-m = 0, the sign being + at its points. The checker computes h exactly.
#pragma once

#include <cstdint>
#include <vector>

#include "graph/analysis/finding.h"
#include "graph/analysis/separability.h"
#include "graph/graph.h"

namespace crease {

/// Whether one label is separable from all others at a tensor.
struct SeparableLabel {
  int64_t label = 0;
  Separability answer;  // undecided ones are left out
};
struct SeparableTensor {
  NodeId node = -1;
  std::vector<SeparableLabel> labels;
};

/// Claims what the answers say of these points. Errors: Error unless there is one label a point.
Certificate separability_certificate(const Graph& graph, const std::vector<std::vector<Rational>>& points,
                                     const std::vector<int64_t>& labels,
                                     const std::vector<SeparableTensor>& tensors);

}  // namespace crease
