#include "frontends/report/sections.h"

#include "autodiff/functional_dimension.h"
#include "frontends/report/observed.h"
#include "graph/analysis/balance/balance.h"
#include "graph/analysis/bounds/range.h"
#include "graph/analysis/bounds/unit_saturation.h"
#include "graph/analysis/bounds/units.h"
#include "graph/analysis/convexity.h"
#include "graph/analysis/linear_units.h"
#include "graph/analysis/linearity.h"
#include "graph/analysis/lint.h"
#include "graph/analysis/normal_form/normal_form.h"
#include "graph/analysis/own_bias.h"
#include "graph/analysis/path_norm.h"
#include "graph/analysis/permutations/permutations.h"
#include "graph/analysis/regions.h"
#include "graph/analysis/saturation.h"
#include "graph/analysis/scaling_report.h"

namespace crease {

namespace {

/// Everything that leaves the outputs as they are.
std::vector<Finding> symmetry_findings(const Graph& graph) {
  std::vector<Finding> findings = scaling_findings(graph);
  for (Finding& finding : permutation_findings(graph)) findings.push_back(std::move(finding));
  for (Finding& finding : linear_unit_findings(graph)) findings.push_back(std::move(finding));
  for (Finding& finding : functional_dimension_findings(graph)) findings.push_back(std::move(finding));
  for (Finding& finding : balance_findings(graph)) findings.push_back(std::move(finding));
  return findings;
}

/// All of space, where they are few; lines between samples.
std::vector<Finding> piece_findings(const Graph& graph, const AnalyzeOptions& options) {
  std::vector<Finding> findings = region_findings(graph, options.regions);
  for (Finding& finding : observed_regions(graph, options)) findings.push_back(std::move(finding));
  return findings;
}

/// Sums over paths: the norm, and the bound of the Lipschitz constant.
std::vector<Finding> path_findings(const Graph& graph) {
  std::vector<Finding> findings = path_norm_findings(graph);
  for (Finding& finding : lipschitz_findings(graph)) findings.push_back(std::move(finding));
  return findings;
}

}  // namespace

std::span<const ReportSection> report_sections() {
  static constexpr ReportSection rows[] = {
      {"AFFINE", [](const Graph& graph, const AnalyzeOptions&) { return linearity_findings(graph); }},
      {"NORMAL FORM", [](const Graph& graph, const AnalyzeOptions&) { return normal_form_findings(graph); }},
      {"RESCALING", [](const Graph& graph, const AnalyzeOptions&) { return symmetry_findings(graph); }},
      {"SATURATION", [](const Graph& graph, const AnalyzeOptions&) { return saturation_findings(graph); },
       unit_saturation_findings},
      {"UNITS", nullptr, unit_findings},
      {"KINKS", [](const Graph& graph, const AnalyzeOptions&) { return own_bias_findings(graph); }},
      {"SHAPE", [](const Graph& graph, const AnalyzeOptions&) { return convexity_findings(graph); }},
      {"RANGE", nullptr, range_findings},
      {"REGIONS", piece_findings},
      {"PATHS", [](const Graph& graph, const AnalyzeOptions&) { return path_findings(graph); }},
      {"SPARSITY", observed_sparsity},
      {"GRADIENTS", observed_gradients},
      {"SEPARABILITY", observed_separability},
      {"LINT",
       [](const Graph& graph, const AnalyzeOptions& options) {
         return lint_findings(graph, {.targets = options.targets});
       }},
  };
  return rows;
}

}  // namespace crease
