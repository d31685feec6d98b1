// Parameters that hold infinities or NaN: a training that diverged. What a report must say first, since
// nothing that is proved of numbers holds of them.
#pragma once

#include <vector>

#include "graph/analysis/finding.h"
#include "graph/graph.h"

namespace crease {

/// The first parameter or constant that `node` needs and that holds an infinity or NaN; -1: none.
NodeId first_not_finite(const Graph& graph, NodeId node);

/// One finding, id "finite-parameters", refuted: how many entries of which parameters that the outputs need
/// are not finite. None where all are. Constants may be infinite: a mask means it.
std::vector<Finding> finite_findings(const Graph& graph);

}  // namespace crease
