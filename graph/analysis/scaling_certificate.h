// The certificate of a rescaling group, in the format graph-cert/1, kind "rescaling-invariance":
//
//   {..., "dimension": 5, "exponents": {"w1": [[], [[[0, "1"]], [[1, "1"]], [[2, "1"]]]], ...},
//    "independent": [["w1", 0], ...]}
//
// An exponent is a list of [k, coefficient] over the coordinates t_k. A parameter has one list of exponents
// for each axis, the exponent of an entry being their sum (no list: nothing changes along that axis), or
// {"elements": [...]} where that does not hold. "independent" names one entry a coordinate that proves the
// dimension. The checker carries the exponents forward and finds none at the outputs.
#pragma once

#include "graph/analysis/finding.h"
#include "graph/analysis/scaling.h"

namespace crease {

/// Claims a group of mode Invariance. Cost: linear in the entries of the parameters.
Certificate rescaling_certificate(const Graph& graph, const ScalingGroup& group);

}  // namespace crease
