// The findings of the scaling analysis, in words and numbers.
#pragma once

#include <vector>

#include "graph/analysis/finding.h"
#include "graph/graph.h"

namespace crease {

struct ScalingReportOptions {
  /// Parameters with more entries in all get no certificate, and the finding says so: making and checking one
  /// reads every entry (270,000 in about 0.5 s).
  int64_t certificate_limit = int64_t{1} << 21;
};

/// One finding, id "rescaling": what can be rescaled without changing the outputs, per neuron and per layer,
/// what multiplies all outputs by one factor, and which signs can flip. With a certificate of the group.
/// Errors: Error if the graph has no outputs.
std::vector<Finding> scaling_findings(const Graph& graph, const ScalingReportOptions& options = {});

}  // namespace crease
