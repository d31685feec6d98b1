// The analyses of a report, one row each: what heads its lines in the text, and what finds them. Rows one
// after the other may share a heading; one that does not decide leaves the others as they are.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "frontends/report.h"
#include "graph/analysis/bounds/box_analysis.h"

namespace crease {

struct ReportSection {
  std::string_view label;  // "RESCALING"
  std::string_view part;   // "permutations": what is undecided if only this row is; empty: all of it
  std::vector<Finding> (*find)(const Graph& graph, const AnalyzeOptions& options);
  /// What it finds on a box, where the options give one; null: nothing.
  std::vector<Finding> (*find_in_box)(const BoxAnalysis& box) = nullptr;
};

/// In the order in which the report shows them.
std::span<const ReportSection> report_sections();

}  // namespace crease
