// A witness against affine-ness for networks that are too deep for exact arithmetic: three points on a line
// whose values are enclosed by intervals, tightly enough to tell.
#pragma once

#include <optional>
#include <vector>

#include "graph/analysis/bounds/interval.h"
#include "graph/graph.h"

namespace crease {

/// f(a) + f(b) - 2 f(mid), which is 0 for affine functions, lies in `defect`, which does not contain 0.
struct IntervalWitness {
  int64_t index = 0;              // element of the output
  std::vector<double> a, b, mid;  // elements of the input that varies; mid is halfway
  Interval f_a, f_b, f_mid, defect;
};

/// Tries points at which all other inputs are 0. Nothing if none tells, or if a value on the way has no
/// interval. Cost: three walks of node_bounds a try.
std::optional<IntervalWitness> interval_witness(const Graph& graph, NodeId output, NodeId input,
                                                int tries = 4);

}  // namespace crease
