// What is said of units.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "graph/analysis/bounds/units.h"
#include "graph/analysis/certificate.h"
#include "graph/analysis/decimals.h"
#include "graph/error.h"

namespace crease {

namespace {

using Json = nlohmann::ordered_json;

// Networks with at most this many units have each of them in the text.
constexpr size_t kListed = 12;

// The last one says nothing of a unit.
constexpr UnitState kStates[] = {UnitState::Dead,    UnitState::Active,        UnitState::Inactive,
                                 UnitState::Linear,  UnitState::SaturatedLeft, UnitState::SaturatedRight,
                                 UnitState::Unstable};

Json number(double value) {
  if (std::isfinite(value)) return value;
  return value > 0 ? "inf" : "-inf";
}

/// Exactly where that is short.
std::string interval_text(const ExactInterval& x) {
  constexpr size_t shortest = 12;
  std::string low = x.low ? to_string(*x.low) : "-inf", high = x.high ? to_string(*x.high) : "inf";
  if (low.size() > shortest) low = at_least_text(*x.low);
  if (high.size() > shortest) high = at_most_text(*x.high);
  return fmt::format("[{}, {}]", low, high);
}

/// A unit that is called neither dead nor active is undecided: its bounds contain a kink.
std::string_view word(UnitState state) {
  if (state == UnitState::Active) return "always active";
  return state == UnitState::Unstable ? "undecided" : to_string(state);
}

/// "2 dead, 1 always active, 3 undecided": those that occur, and always dead, active and undecided for the
/// sum.
std::string counts_text(const std::vector<int64_t>& counts, bool all) {
  std::string text;
  for (size_t k = 0; k < counts.size(); ++k) {
    const UnitState state = kStates[k];
    const bool basic = state == UnitState::Dead || state == UnitState::Active || state == UnitState::Unstable;
    if (counts[k] == 0 && !(all && basic)) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", counts[k], word(state));
  }
  return text;
}

std::vector<int64_t> counts_of(const UnitNode& node) {
  std::vector<int64_t> counts;
  for (const UnitState state : kStates) counts.push_back(node.count(state));
  return counts;
}

/// "0 to 3, 7".
std::string ranges_text(const std::vector<int64_t>& numbers) {
  std::string text;
  for (size_t k = 0; k < numbers.size();) {
    size_t end = k;
    while (end + 1 < numbers.size() && numbers[end + 1] == numbers[end] + 1) ++end;
    text += text.empty() ? "" : ", ";
    text += end == k ? fmt::format("{}", numbers[k]) : fmt::format("{} to {}", numbers[k], numbers[end]);
    k = end + 1;
    if (text.size() > 60 && k < numbers.size()) return text + ", ...";
  }
  return text;
}

void add_dead(const Graph& graph, const UnitNode& node, Finding& finding) {
  std::vector<int64_t> permanent, tentative;
  for (const Unit& unit : node.units) {
    if (unit.state != UnitState::Dead) continue;
    (unit.permanent ? permanent : tentative).push_back(unit.element);
  }
  const std::string key = node_key(graph, node.node);
  if (!permanent.empty())
    finding.sentences.push_back(
        fmt::format("{}[{}] dead for ever: no gradient step on inputs in the box moves the argument", key,
                    ranges_text(permanent)));
  if (!tentative.empty())
    finding.sentences.push_back(fmt::format("{}[{}] dead, tentatively: layers before can move the argument",
                                            key, ranges_text(tentative)));
}

Json evidence_of(const Graph& graph, const UnitNode& node) {
  Json json{{"node", node_key(graph, node.node)},
            {"intervals", Json::array()},
            {"states", Json::array()},
            {"dead_gradient_left_rule", Json::array()},
            {"dead_gradient_right_rule", Json::array()},
            {"permanent", Json::array()}};
  for (const Unit& unit : node.units) {
    json["intervals"].push_back({number(unit.interval.outer.low), number(unit.interval.outer.high)});
    json["states"].push_back(to_string(unit.state));
    if (unit.gradient_dead_left) json["dead_gradient_left_rule"].push_back(unit.element);
    if (unit.gradient_dead_right) json["dead_gradient_right_rule"].push_back(unit.element);
    if (unit.permanent) json["permanent"].push_back(unit.element);
  }
  return json;
}

std::string method(const BoxAnalysis& box) {
  if (box.exact()) return "exact arithmetic, lines and intervals";
  return box.lines().complete ? "lines through the whole network, and intervals"
                              : "intervals, and lines through the layers before";
}

void add_certificate(const BoxAnalysis& box, Finding& finding) {
  if (const std::string json = box.box_json(); box.exact() && !json.empty())
    finding.certificate = units_certificate(box.graph(), *box.exact(), json);
  else
    finding.sentences.push_back("no certificate: " + (box.exact() ? "the box is infinite" : box.no_exact()));
}

}  // namespace

std::vector<Finding> unit_findings(const BoxAnalysis& box) {
  const std::vector<UnitNode> nodes = units_of(box);
  if (nodes.empty()) return {};
  const Graph& graph = box.graph();
  Finding finding{.id = "units", .subject = graph.outputs().front().name, .level = Level::Box};
  std::vector<int64_t> total(std::size(kStates));
  size_t all = 0;
  Json evidence{{"units", Json::array()}};
  for (const UnitNode& node : nodes) {
    const std::vector<int64_t> counts = counts_of(node);
    for (size_t k = 0; k < total.size(); ++k) total[k] += counts[k];
    all += node.units.size();
    if (counts.back() < static_cast<int64_t>(node.units.size())) finding.verdict = Verdict::Proved;
    evidence["units"].push_back(evidence_of(graph, node));
  }
  finding.sentences.push_back(
      fmt::format("over the box: {} of {} units ({})", counts_text(total, true), all, method(box)));
  for (const UnitNode& node : nodes) {
    const std::string key = node_key(graph, node.node);
    std::string line = fmt::format("{}: {}", key, counts_text(counts_of(node), false));
    if (all <= kListed) {
      line.clear();
      for (const Unit& unit : node.units)
        line += fmt::format("{}{}[{}] in {} {}", line.empty() ? "" : "; ", key, unit.element,
                            interval_text(unit.interval), word(unit.state));
    }
    finding.sentences.push_back(line);
    add_dead(graph, node, finding);
  }
  for (size_t k = 0; k < total.size(); ++k) evidence["counts"][to_string(kStates[k])] = total[k];
  if (finding.verdict == Verdict::Proved) add_certificate(box, finding);
  finding.evidence = evidence.dump();
  return {finding};
}

}  // namespace crease
