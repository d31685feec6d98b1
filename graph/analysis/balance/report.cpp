#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "graph/analysis/balance/balance.h"
#include "graph/analysis/certificate.h"
#include "graph/analysis/conserved.h"
#include "graph/analysis/cost.h"
#include "graph/ops/hold.h"

namespace crease {
using Json = nlohmann::ordered_json;

std::string unit_name(const Graph& graph, const ScalingCoordinate& unit) {
  if (unit.tensor < 0) return fmt::format("{}[{}]", graph.node(unit.parameter).name, unit.element);
  const std::string key = node_key(graph, unit.tensor);
  std::string name = key.starts_with('%') ? graph.node(unit.tensor).op->name + " " + key : key;
  std::string index;
  for (const int64_t position : unit.index)
    if (position >= 0) index += (index.empty() ? "" : ",") + std::to_string(position);
  return index.empty() ? name : name + "[" + index + "]";
}

std::string rescaling_scope(const Graph& graph) {
  return std::string("all networks equal by rescaling") +
         (has_loop(graph) ? " outside of the loop over time" : "");
}

std::string escape_sentence(const Graph& graph, const EscapingUnit& escaping) {
  return fmt::format("{} has no {} weight that its scale moves: its {} can shrink for ever, unseen",
                     unit_name(graph, escaping.unit), escaping.grows ? "incoming" : "outgoing",
                     escaping.grows ? "outgoing weights" : "incoming weights");
}

namespace {

Finding conserved_finding(const Graph& graph, const ScalingGroup& group) {
  if (const auto held = held_in_network(graph))
    return {.id = "conserved",
            .subject = "parameters",
            .sentences = {fmt::format(
                "what gradient flow conserves is not known: stop_gradient holds node {} constant",
                describe(graph, *held))},
            .certificate = {}};
  const std::vector<SignedSum> conserved = conserved_quantities(graph, group);
  std::string text;
  Json list = Json::array();
  constexpr size_t shown = 3;
  for (size_t k = 0; k < conserved.size(); ++k) {
    const std::string name = unit_name(graph, group.coordinates()[k]);
    list.push_back({{"unit", name}, {"q", conserved[k].sum}});
    if (k < shown) text += fmt::format("{}{} {:.4g}", k > 0 ? "  " : "", name, conserved[k].sum);
  }
  if (conserved.size() > shown) text += fmt::format("  ... and {} more", conserved.size() - shown);
  return {.id = "conserved",
          .subject = "parameters",
          .verdict = Verdict::Proved,
          .level = Level::Structure,
          .sentences = {fmt::format("gradient flow conserves {} numbers Q = sum of E theta^2 / 2: {}",
                                    conserved.size(), text)},
          .evidence = Json{{"q", list}}.dump(),
          .certificate = {}};
}

}  // namespace

std::vector<Finding> balance_findings(const Graph& graph) {
  if (parameter_count(graph) > (int64_t{1} << 17)) return {};
  const ScalingGroup group = scaling_group(graph, {.fixed = running_statistics(graph)});
  if (group.dimension() == 0) return {};
  const Balance found = balance(graph, group);
  if (!std::isfinite(found.squares_before))
    return {
        {.id = "balance",
         .subject = "parameters",
         .sentences = {"parameters are not finite numbers: nothing is conserved, and none is the least sum "
                       "of squares"},
         .certificate = {}}};
  Finding finding{.id = "balance",
                  .subject = "parameters",
                  .verdict = Verdict::Proved,
                  .level = Level::Values,
                  .sentences = {},
                  .certificate = {}};
  finding.sentences.push_back(fmt::format(
      "sum of squares {:.5g}: {:.5g} is the {} of {}, {:.5g} with powers of two", found.squares_before,
      found.squares_least, found.attained ? "least" : "infimum, not reached,", rescaling_scope(graph),
      found.squares_after));
  Json escaping = Json::array();
  for (const EscapingUnit& unit : found.escaping) escaping.push_back(unit_name(graph, unit.unit));
  if (!found.escaping.empty()) finding.sentences.push_back(escape_sentence(graph, found.escaping.front()));
  if (found.escaping.size() > 1)
    finding.sentences.push_back(fmt::format("... and {} more units", found.escaping.size() - 1));
  finding.evidence = Json{
      {"sum_squares_before", found.squares_before},
      {"sum_squares_min", found.squares_least},
      {"sum_squares_powers_of_two", found.squares_after},
      {"attained", found.attained},
      {"escaping",
       escaping}}.dump();
  return {conserved_finding(graph, group), std::move(finding)};
}

}  // namespace crease
