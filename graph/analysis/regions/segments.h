// What can be said of the pieces of networks that have too many to count: exactly how many of them straight
// lines between a few points pass, and which affine map holds at a point, how far.
#pragma once

#include <string>
#include <vector>

#include "graph/analysis/finding.h"
#include "graph/analysis/regions/explore.h"
#include "graph/graph.h"

namespace crease {

/// Limits of what a report waits for.
struct SegmentLimits {
  /// Loop points of networks that are walked; 2^17 take some seconds.
  int64_t points = int64_t{1} << 17;
  /// Operations on rational numbers, for all lines together; lines that are not reached are not counted.
  int64_t work = kSecondOfWork;
  /// Loop points times input elements up to which the map at a point is formed.
  int64_t map_points = int64_t{1} << 23;
};

/// One finding, id "segments": activation regions from each point to the next, and the local affine map at
/// the first with the facet next to it; `where` is what the points are, "samples". Nothing for networks that
/// are affine or not piecewise linear, or without points. Level: values; exact. Points have an element for
/// each element of the inputs, in the graph's order.
std::vector<Finding> segment_findings(const Graph& graph, const std::vector<Point>& points,
                                      const std::string& where, const SegmentLimits& limits = {});

}  // namespace crease
