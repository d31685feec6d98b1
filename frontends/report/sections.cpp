#include "frontends/report/sections.h"

#include "autodiff/functional_dimension.h"
#include "frontends/report/observed.h"
#include "graph/analysis/balance/balance.h"
#include "graph/analysis/bounds/range.h"
#include "graph/analysis/bounds/unit_saturation.h"
#include "graph/analysis/bounds/units.h"
#include "graph/analysis/convexity.h"
#include "graph/analysis/finite.h"
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

/// The finder that needs no options, as one that takes them.
template <std::vector<Finding> (*find)(const Graph&)>
std::vector<Finding> plain(const Graph& graph, const AnalyzeOptions& /*options*/) {
  return find(graph);
}

/// The box of all input elements; all of the space where it has a side that is infinite or a point.
RegionBox region_box(const Graph& graph, const std::optional<InputBox>& box) {
  RegionBox sides;
  if (!box) return sides;
  for (const NodeId id : graph.inputs())
    for (const Interval& side : box_of(graph, id, *box)) {
      if (!side.is_finite() || side.low == side.high) return {};
      sides.emplace_back(Rational::of(side.low), Rational::of(side.high));
    }
  return sides;
}

}  // namespace

std::span<const ReportSection> report_sections() {
  static constexpr ReportSection rows[] = {
      {"PARAMETERS", "", plain<finite_findings>},
      {"AFFINE", "", [](const Graph& graph, const AnalyzeOptions&) { return linearity_findings(graph); }},
      {"NORMAL FORM", "",
       [](const Graph& graph, const AnalyzeOptions&) { return normal_form_findings(graph); }},
      {"RESCALING", "", [](const Graph& graph, const AnalyzeOptions&) { return scaling_findings(graph); }},
      {"RESCALING", "permutations", plain<permutation_findings>},
      {"RESCALING", "layers without activation", plain<linear_unit_findings>},
      {"RESCALING", "functional dimension", plain<functional_dimension_findings>},
      {"RESCALING", "balance", plain<balance_findings>},
      {"SATURATION", "", plain<saturation_findings>, unit_saturation_findings},
      {"UNITS", "", nullptr, unit_findings},
      {"KINKS", "", plain<own_bias_findings>},
      {"SHAPE", "", plain<convexity_findings>},
      {"RANGE", "", nullptr, range_findings},
      {"REGIONS", "",
       [](const Graph& graph, const AnalyzeOptions& options) {
         return region_findings(graph, options.regions, region_box(graph, options.box));
       }},
      {"REGIONS", "along lines", observed_regions},
      {"PATHS", "path norm", plain<path_norm_findings>},
      {"PATHS", "Lipschitz bound", plain<lipschitz_findings>},
      {"SPARSITY", "", observed_sparsity},
      {"GRADIENTS", "", observed_gradients},
      {"SEPARABILITY", "", observed_separability},
      {"LINT", "",
       [](const Graph& graph, const AnalyzeOptions& options) {
         return lint_findings(graph, {.targets = options.targets});
       }},
  };
  return rows;
}

}  // namespace crease
