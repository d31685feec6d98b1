// The analyses of a report, one row each: what heads its lines in the text, and what finds them.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "frontends/report.h"
#include "graph/analysis/bounds/box_analysis.h"

namespace crease {

struct ReportSection {
  std::string_view label;  // "RESCALING"
  std::vector<Finding> (*find)(const Graph& graph, const AnalyzeOptions& options);
  /// What it finds on a box, where the options give one; null: nothing.
  std::vector<Finding> (*find_in_box)(const BoxAnalysis& box) = nullptr;
};

/// In the order in which the report shows them.
std::span<const ReportSection> report_sections();

}  // namespace crease
