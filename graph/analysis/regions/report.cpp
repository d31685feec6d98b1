#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "graph/analysis/decimals.h"
#include "graph/analysis/linearity.h"
#include "graph/analysis/regions.h"

namespace crease {
namespace {

using Json = nlohmann::ordered_json;

/// "28", or "2^173" where the digits say nothing: the least power that is not below.
std::string count_text(const Rational& number) {
  if (number < 1'000'000'000) return to_string(number);
  const bool is_power = number.numerator_bits() == 1;
  return fmt::format("2^{}", number.numerator_bits() + number.exponent() - (is_power ? 1 : 0));
}

void add_bound(const RegionBound& bound, Finding& finding, Json& evidence) {
  finding.sentences.push_back(
      fmt::format("at most {} activation regions by the widths alone{}", count_text(bound.serra),
                  bound.chain ? fmt::format(" (product of layers {})", count_text(bound.montufar)) : ""));
  evidence["bound"] = {{"widths", bound.widths},
                       {"chain", bound.chain},
                       {"serra2018", to_string(bound.serra)},
                       {"montufar2017", to_string(bound.montufar)}};
}

/// Whether six digits, which proved bounds are printed with, say all of a number.
bool is_told(const std::optional<Rational>& number) {
  return !number || at_most_text(*number) == at_least_text(*number);
}

std::string range_text(const RationalRange& range) {
  return fmt::format("[{}, {}]", range.low ? at_least_text(*range.low) : "-inf",
                     range.high ? at_most_text(*range.high) : "inf");
}

std::string shape_text(const PieceFacts& facts) {
  if (!facts.convex) return "";
  if (*facts.convex) return *facts.concave ? ", affine" : ", convex";
  return *facts.concave ? ", concave" : ", neither convex nor concave";
}

void add_outputs(const Graph& graph, const Regions& found, Finding& finding, Json& evidence) {
  Json list = Json::array();
  constexpr size_t shown = 4;
  size_t e = 0;
  for (const Output& output : graph.outputs())
    for (size_t i = 0; i < found.cells[0].values.at(output.node).size(); ++i, ++e) {
      const PieceFacts& facts = found.outputs[e];
      Json monotone = Json::array();
      for (const Monotone m : facts.monotone) monotone.push_back(to_string(m));
      list.push_back({{"output", output.name}, {"index", i}, {"monotone", monotone}});
      for (const auto& [key, value] :
           {std::pair{"low", facts.range.low}, {"high", facts.range.high}, {"lipschitz", facts.lipschitz}})
        list.back()[key] = value ? Json(to_string(*value)) : Json();
      for (const auto& [key, value] : {std::pair{"convex", facts.convex}, {"concave", facts.concave}})
        list.back()[key] = value ? Json(*value) : Json();
      // Where it jumps, values on the creases need not be between those of the pieces.
      const bool told = is_told(facts.range.low) && is_told(facts.range.high);
      const std::string_view scope = !facts.lipschitz ? " inside of the pieces; it may jump between"
                                     : told           ? " exactly"
                                                      : ", rounded outward";
      if (e < shown)
        finding.sentences.push_back(fmt::format("{}[{}] in {}{}{}", output.name, i, range_text(facts.range),
                                                scope, shape_text(facts)));
    }
  evidence["outputs"] = list;
  if (const auto steepest = lipschitz(found)) {
    const std::string number = at_most_text(*steepest);
    finding.sentences.push_back(
        fmt::format("Lipschitz constant {} (maximum norm)",
                    is_told(steepest) ? "exactly " + number : number + ", rounded up"));
    evidence["lipschitz_inf"] = to_string(*steepest);
  }
}

bool worth_a_look(const Graph& graph) {
  const Linearity facts = linearity(graph);
  Piecewise most = Piecewise::Constant;
  for (const Output& output : graph.outputs())
    most = std::max(most, facts.piecewise[static_cast<size_t>(output.node)]);
  return most == Piecewise::Continuous || most == Piecewise::Jumps;
}

}  // namespace

std::vector<Finding> region_findings(const Graph& graph, int64_t cells, const RegionBox& box) {
  if (!worth_a_look(graph)) return {};
  Finding finding{
      .id = "regions", .subject = graph.outputs().front().name, .sentences = {}, .certificate = {}};
  Json evidence = Json::object();
  RegionOptions options{.box = box, .cell_limit = 600, .work_limit = kSecondOfWork};
  if (cells > 0) options = {.box = box, .cell_limit = cells};
  const Regions found = regions(graph, options);
  const auto bound = region_bound(graph);
  if (found.complete) {
    finding.verdict = Verdict::Proved;
    finding.level = box.empty() ? Level::Values : Level::Box;
    finding.sentences.push_back(
        fmt::format("{} activation regions, {} linear regions, {} distinct affine maps, exactly",
                    found.activation_regions, found.linear_regions, found.distinct_affine_maps));
    evidence["activation_regions"] = found.activation_regions;
    evidence["linear_regions"] = found.linear_regions;
    evidence["distinct_affine_maps"] = found.distinct_affine_maps;
    add_outputs(graph, found, finding, evidence);
  } else {
    const bool some = found.out_of_budget && found.activation_regions > 0;
    finding.sentences.push_back(some ? fmt::format("at least {} activation regions; not counted further: {}",
                                                   found.activation_regions, found.reason)
                                     : "regions are not counted: " + found.reason);
    if (some) evidence["activation_regions_at_least"] = found.activation_regions;
    if (found.out_of_budget)
      finding.sentences.emplace_back("`crease inspect --regions CELLS` counts up to so many");
    finding.sentences.emplace_back("where data or a box is given, they are counted along straight lines");
  }
  if (bound) add_bound(*bound, finding, evidence);
  finding.evidence = evidence.dump();
  return {std::move(finding)};
}

}  // namespace crease
