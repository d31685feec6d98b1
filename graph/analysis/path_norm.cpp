#include "graph/analysis/path_norm.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "graph/analysis/bounds/interval.h"
#include "graph/analysis/decimals.h"
#include "graph/analysis/linearity.h"
#include "graph/analysis/path_sweep.h"
#include "graph/analysis/points.h"

namespace crease {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* too_great = "it is beyond the range of double";

/// Loop points of a sample, or why it is not to be swept.
struct Size {
  int64_t points = 0;
  std::string reason;
};

Size size_of(const Graph& graph, int64_t limit) {
  const Linearity facts = linearity(graph);
  std::vector<NodeId> wanted;
  for (const Output& output : graph.outputs()) wanted.push_back(output.node);
  Size size;
  for (const NodeId id : ancestors(graph, wanted)) {
    if (graph.node(id).role != Role::Apply) continue;
    if (has_lookup(graph.node(id))) return {0, fmt::format("{} looks up", describe(graph, id))};
    if (const std::string& mixing = facts.mixing[static_cast<size_t>(id)]; !mixing.empty())
      return {0, fmt::format("{} {}", describe(graph, id), mixing)};
    size.points += PointWalk(graph, id).count();
  }
  if (size.points > limit)
    size.reason = fmt::format("{} loop points a sample are more than the limit of {}", size.points, limit);
  return size;
}

template <class Number>
Number total(const std::vector<Number>& numbers) {
  Number sum{};
  for (const Number& number : numbers) sum = sum + number;
  return sum;
}

template <class Number>
Number greatest(const std::vector<Number>& numbers) {
  Number most{};
  for (const Number& number : numbers) most = most < number ? number : most;
  return most;
}

Finding unknown(const std::string& id, const Graph& graph, const std::string& sentence) {
  Finding finding{
      .id = id, .subject = graph.outputs().front().name, .sentences = {sentence}, .certificate = {}};
  return finding;
}

}  // namespace

PathNorm path_norm(const Graph& graph, const PathOptions& options) {
  PathNorm norm;
  const Size size = size_of(graph, options.point_limit);
  norm.reason = size.reason;
  if (!norm.reason.empty()) return norm;
  const auto sweep = [&]<class Number>(PathRule rule, Number) {
    PathSums<Number> sums = path_sums<Number>(graph, rule);
    norm.reason = std::move(sums.reason);
    return total(sums.outputs);
  };
  if (size.points <= options.exact_points) {
    norm.exact_l1 = sweep(PathRule::L1, Rational());
    if (norm.reason.empty()) norm.exact_l2_squared = sweep(PathRule::L2Squared, Rational());
    if (norm.reason.empty()) {
      norm.l1 = enclose(*norm.exact_l1).high;
      norm.l2_squared = enclose(*norm.exact_l2_squared).high;
      return norm;
    }
    // Irrational weights still have bounds.
    norm = {};
  }
  norm.l1 = sweep(PathRule::L1, RoundedUp()).value;
  if (norm.reason.empty()) norm.l2_squared = sweep(PathRule::L2Squared, RoundedUp()).value;
  if (norm.reason.empty() && !std::isfinite(norm.l1 + norm.l2_squared)) norm.reason = too_great;
  return norm;
}

LipschitzBound lipschitz_bound(const Graph& graph, const PathOptions& options) {
  LipschitzBound result;
  const Size size = size_of(graph, options.point_limit);
  result.reason = size.reason;
  if (!result.reason.empty()) return result;
  if (size.points <= options.exact_points) {
    PathSums<Rational> sums = path_sums<Rational>(graph, PathRule::Lipschitz);
    if (sums.reason.empty()) {
      result.exact = greatest(sums.outputs);
      result.bound = enclose(*result.exact).high;
      return result;
    }
  }
  PathSums<RoundedUp> sums = path_sums<RoundedUp>(graph, PathRule::Lipschitz);
  result.reason = std::move(sums.reason);
  result.bound = greatest(sums.outputs).value;
  if (result.reason.empty() && !std::isfinite(result.bound)) result.reason = too_great;
  return result;
}

std::vector<Finding> path_norm_findings(const Graph& graph) {
  const PathNorm norm = path_norm(graph);
  if (!norm.reason.empty())
    return {unknown("path_norm", graph, "the path norm is not computed: " + norm.reason)};
  const double l2 = std::sqrt(norm.l2_squared);
  const std::string size = norm.exact_l1 ? fmt::format("{:.6g} (L1), {:.6g} (L2)", norm.l1, l2)
                                         : fmt::format("at most {} (L1), {} (L2)", at_most_text(norm.l1),
                                                       at_most_text(RoundedUp::up(l2)));
  Finding finding =
      unknown("path_norm", graph, fmt::format("path norm {}: no rescaling of units changes it", size));
  finding.verdict = Verdict::Proved;
  finding.level = Level::Values;
  Json evidence{{"L1_at_most", norm.l1}, {"L2_squared_at_most", norm.l2_squared}};
  if (norm.exact_l1) {
    evidence["L1"] = to_string(*norm.exact_l1);
    evidence["L2_squared"] = to_string(*norm.exact_l2_squared);
  }
  finding.evidence = evidence.dump();
  return {std::move(finding)};
}

std::vector<Finding> lipschitz_findings(const Graph& graph) {
  const LipschitzBound found = lipschitz_bound(graph);
  if (!found.reason.empty())
    return {unknown("lipschitz", graph, "the Lipschitz constant is not bounded: " + found.reason)};
  Finding finding =
      unknown("lipschitz", graph,
              fmt::format("Lipschitz constant at most {} (maximum norm)", at_most_text(found.bound)));
  finding.verdict = Verdict::Proved;
  finding.level = Level::Values;
  Json evidence{{"at_most", found.bound}};
  if (found.exact) evidence["bound"] = to_string(*found.exact);
  finding.evidence = evidence.dump();
  return {std::move(finding)};
}

}  // namespace crease
