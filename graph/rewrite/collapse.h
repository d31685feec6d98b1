// Replaces maximal affine sub-graphs by the one affine map that they are, where that saves multiplications.
// Assumes a verified graph. Holds afterwards: each replaced value is W f + b with W and b composed exactly in
// rational arithmetic and rounded once to the element type, so it differs from the real function by at most
// that rounding; where constants are irrational (batch normalisation), W and b are first enclosed, with a
// proved error of a few units in the last place of a double (enclosed_form.h); every other value, every Tie
// and every kink is kept.
#pragma once

#include <string>
#include <vector>

#include "graph/analysis/finding.h"
#include "graph/graph.h"

namespace crease {

/// One replaced sub-graph.
struct CollapsedSink {
  NodeId sink = -1;                    // in the old graph
  std::vector<NodeId> boundaries;      // old nodes kept between segments: frontier, ..., sink
  int64_t multiplications_before = 0;  // for one sample
  int64_t multiplications_after = 0;
  std::vector<Certificate> certificates;  // one for each segment, about the old graph
};

/// A collapsed graph, and what was done.
struct Collapsed {
  Rewrite rewrite;
  std::vector<CollapsedSink> sinks;
  std::vector<std::string> kept;  // sinks that could be merged but were not, and why
  /// What the rewrite preserves, for reports and for passes that need it.
  static constexpr const char* preserves =
      "values up to one rounding of each weight; left and right gradients in the inputs, since only affine "
      "nodes are replaced";
};

/// Collapses every sink for which the cost model says that it pays; chains keep narrow layers (a bottleneck
/// is never widened), and what is one convolution stays one (single_convolution.h). The new weights are
/// parameters named after the sink: "y.collapsed.weight.0" or "y.collapsed.kernel", "y.collapsed.bias".
/// Sub-graphs that read a parameter with an update are kept: training needs its gradient. Cost: exact
/// composition, about 2 ns for each multiply-add of the matrices. Source: linear collapse, W2(W1 x + b1) + b2
/// = W x + b; docs/analyses.md.
Collapsed collapse_explained(const Graph& graph);

/// The rewrite alone.
Rewrite collapse(const Graph& graph);

}  // namespace crease
