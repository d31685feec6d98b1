#include "frontends/report/sections.h"

#include "graph/analysis/linearity.h"
#include "graph/analysis/normal_form/normal_form.h"
#include "graph/analysis/saturation.h"
#include "graph/analysis/scaling_report.h"

namespace crease {

std::span<const ReportSection> report_sections() {
  static constexpr ReportSection rows[] = {
      {"AFFINE", [](const Graph& graph, const AnalyzeOptions&) { return linearity_findings(graph); }},
      {"NORMAL FORM", [](const Graph& graph, const AnalyzeOptions&) { return normal_form_findings(graph); }},
      {"RESCALING", [](const Graph& graph, const AnalyzeOptions&) { return scaling_findings(graph); }},
      {"SATURATION", [](const Graph& graph, const AnalyzeOptions&) { return saturation_findings(graph); }},
  };
  return rows;
}

}  // namespace crease
