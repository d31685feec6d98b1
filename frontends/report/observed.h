// The part of a report that needs samples: zeros, gradients, separability. Without samples of the user's,
// standard normal ones are drawn, and said to be.
#pragma once

#include <vector>

#include "frontends/report.h"

namespace crease {

std::vector<Finding> observed_sparsity(const Graph& graph, const AnalyzeOptions& options);
std::vector<Finding> observed_gradients(const Graph& graph, const AnalyzeOptions& options);
/// Regions on lines between the first samples; without samples, on the diagonal of the box; else nothing.
std::vector<Finding> observed_regions(const Graph& graph, const AnalyzeOptions& options);
/// One finding, id "separability": at the first input and behind the rectifiers, each class against all
/// others. None without labels.
std::vector<Finding> observed_separability(const Graph& graph, const AnalyzeOptions& options);

}  // namespace crease
