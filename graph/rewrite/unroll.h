// Loops over time written out: each step of a scan as nodes of its own, for what does not look inside loops:
// locked gradients, certificates, the census, analyses.
#pragma once

#include "graph/graph.h"

namespace crease {

/// The same program without a scan, nested ones included: the same values (a stacked -0 becomes +0) and
/// gradients under every Tie (a Tie of a body goes to its nodes). The graph grows with the number of steps.
/// Errors: Error for a scan whose length is a named dimension, naming it, and for one of no steps whose
/// stacked results have named dimensions.
Rewrite unroll(const Graph& graph);

}  // namespace crease
