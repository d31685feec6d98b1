#include "graph/analysis/bounds/unit_saturation.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "graph/analysis/certificate.h"
#include "graph/analysis/points.h"
#include "graph/analysis/saturation.h"
#include "graph/error.h"

namespace crease {

namespace {

UnitSaturation of_pieces(const UnitNode& node) {
  UnitSaturation result{.node = node.node};
  for (const Unit& unit : node.units) {
    switch (unit.state) {
      case UnitState::Dead:
      case UnitState::SaturatedLeft: ++result.left; break;
      case UnitState::SaturatedRight: ++result.right; break;
      case UnitState::Active:
      case UnitState::Inactive:
      case UnitState::Linear: ++result.linear; break;
      case UnitState::Unstable: ++result.partial; break;
    }
  }
  return result;
}

/// No more than the greatest slope: the best that a few points between -8 and 8 are proved to have.
double steepest(ScalarCurve& curve) {
  double most = 0;
  for (int eighth = -64; eighth <= 64; ++eighth) {
    const Interval slope = curve.slopes(Interval::point(eighth / 8.0));
    if (slope.is_finite()) most = std::max({most, slope.low, -slope.high});
  }
  return most;
}

/// A smooth activation: its slope on the interval of each unit against its greatest slope.
UnitSaturation of_slopes(const BoxAnalysis& box, NodeId id, ScalarCurve& curve) {
  UnitSaturation result{.node = id};
  const double little = kSoftSlope * steepest(curve);
  const NodeId operand = box.graph().node(id).operands[0];
  for (int64_t i = 0; i < sample_count(box.graph().node(id).shape); ++i) {
    const Interval x = box.by_lines(operand, i);
    const bool small = curve.slopes(x).magnitude() <= little;
    if (!small || (x.low < 0 && x.high > 0))
      ++result.partial;
    else
      ++(x.high <= 0 ? result.left : result.right);
  }
  return result;
}

}  // namespace

std::vector<UnitSaturation> unit_saturation(const BoxAnalysis& box) {
  std::vector<UnitSaturation> result;
  for (const UnitNode& node : units_of(box)) result.push_back(of_pieces(node));
  for (const ActivationUse& use : activations(box.graph())) {
    ScalarCurve curve(use.body);
    if (curve.table() || !is_saturating(use.facts)) continue;
    for (const NodeId id : use.nodes) result.push_back(of_slopes(box, id, curve));
  }
  std::ranges::sort(result, {}, &UnitSaturation::node);
  return result;
}

std::vector<Finding> unit_saturation_findings(const BoxAnalysis& box) {
  const std::vector<UnitSaturation> all = unit_saturation(box);
  if (all.empty()) return {};
  const Graph& graph = box.graph();
  Finding finding{.id = "unit-saturation", .subject = graph.outputs().front().name, .level = Level::Box};
  UnitSaturation sum;
  nlohmann::ordered_json nodes = nlohmann::ordered_json::array();
  for (const UnitSaturation& node : all) {
    sum.left += node.left, sum.right += node.right, sum.linear += node.linear, sum.partial += node.partial;
    nodes.push_back({{"node", node_key(graph, node.node)},
                     {"left", node.left},
                     {"right", node.right},
                     {"linear", node.linear},
                     {"partial", node.partial}});
  }
  if (sum.left + sum.right + sum.linear > 0) finding.verdict = Verdict::Proved;
  finding.sentences.push_back(
      fmt::format("units over the box: {} saturated left, {} saturated right, {} linear, {} undecided",
                  sum.left, sum.right, sum.linear, sum.partial));
  finding.evidence = nlohmann::ordered_json{{"nodes", nodes}}.dump();
  return {finding};
}

}  // namespace crease
