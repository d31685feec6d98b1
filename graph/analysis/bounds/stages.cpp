#include "graph/analysis/bounds/stages.h"

#include <algorithm>
#include <map>

#include "graph/analysis/bounds/columns.h"
#include "graph/analysis/certificate.h"
#include "graph/analysis/linearity.h"
#include "graph/analysis/points.h"
#include "graph/error.h"
#include "graph/scalar/forms.h"

namespace crease {

namespace {

size_t at(NodeId id) { return static_cast<size_t>(id); }

// Windows with more elements than this are bounded by intervals alone.
constexpr size_t kWindowLimit = 64;

/// Appends the stages of a network's nodes in order.
class Stager {
 public:
  Stager(const Graph& graph, StagedNetwork& network, int64_t point_limit)
      : graph_(graph), network_(network), point_limit_(point_limit), facts_(linearity(graph)) {}

  void add(NodeId id) {
    const NodeBounds& known = network_.intervals[at(id)];
    if (known.constant) return;
    const size_t first = network_.stages.size();
    const Node& node = graph_.node(id);
    const bool is_source = node.role != Role::Apply;
    const std::string why = is_source ? "" : reason(id);
    if (is_source || !why.empty() || !make(id)) {
      network_.stages.resize(first);
      given(id);
      if (!why.empty()) network_.opaque.push_back(node_key(graph_, id) + ": " + why);
    }
    network_.stage_of[at(id)] = static_cast<int>(network_.stages.size()) - 1;
  }

 private:
  /// Why a node is known by its intervals alone; empty if it is not.
  std::string reason(NodeId id) const {
    const Node& node = graph_.node(id);
    if (has_lookup(node)) return "its loops depend on data";
    if (!facts_.mixing[at(id)].empty()) return facts_.mixing[at(id)];
    switch (node.op->combine) {
      case Combine::Product: return "it multiplies over loops";
      case Combine::ArgMax:
      case Combine::ArgMin: return "it is a position";
      default: break;
    }
    const int64_t points = PointWalk(graph_, id).count();
    if (!weights_of(node) && points > point_limit_)
      return fmt::format("{} loop points, the limit is {}", points, point_limit_);
    return "";
  }

  std::vector<Interval> natural(NodeId id) const {
    const NodeBounds& known = network_.intervals[at(id)];
    std::vector<Interval> result;
    for (size_t i = 0; i < known.size(); ++i) result.push_back(known.at(static_cast<int64_t>(i)));
    return result;
  }

  void given(NodeId id) {
    network_.stages.push_back({.kind = StageKind::Given, .node = id, .bounds = natural(id)});
  }

  /// Data operand and constant weight operand (kPoint: none) of a sum or movement.
  std::optional<std::pair<int, int>> weights_of(const Node& node) const {
    const Scalar& body = node.op->body.expression;
    const bool adds = node.op->combine == Combine::Sum || node.op->combine == Combine::Assign;
    if (!adds) return {};
    if (body.kind() == ScalarKind::Argument) return std::pair{body.position(), LoopNest::kPoint};
    if (body.kind() != ScalarKind::Multiply) return {};
    for (const int k : {0, 1}) {
      const Scalar &x = body.terms()[static_cast<size_t>(k)], &w = body.terms()[static_cast<size_t>(1 - k)];
      if (x.kind() != ScalarKind::Argument || w.kind() != ScalarKind::Argument) return {};
      const NodeId data = node.operands[static_cast<size_t>(x.position())];
      const NodeId weight = node.operands[static_cast<size_t>(w.position())];
      const NodeBounds& known = network_.intervals[at(weight)];
      const auto is_finite = [](double value) { return std::isfinite(value); };
      if (network_.stage_of[at(data)] >= 0 && known.constant && known.is_points() &&
          std::ranges::all_of(known.low, is_finite))
        return std::pair{x.position(), w.position()};
    }
    return {};
  }

  bool make(NodeId id) {
    const Node& node = graph_.node(id);
    if (const auto pair = weights_of(node)) {
      const auto [data, weight] = *pair;
      const NodeId operand = node.operands[static_cast<size_t>(data)];
      const int accesses[] = {LoopNest::kResult, weight, data};
      StageTerm term{.source = network_.stage_of[at(operand)], .nest = LoopNest(graph_, id, accesses)};
      if (weight >= 0)
        term.weights = network_.intervals[at(node.operands[static_cast<size_t>(weight)])].low.data();
      network_.stages.push_back(
          {.kind = StageKind::Affine, .node = id, .bounds = natural(id), .terms = {std::move(term)}});
      return true;
    }
    const NodePoints points = points_of(graph_, id);
    if (products(id, points)) return true;
    ColumnBuilder columns(graph_, id, points, network_);
    const Column body = columns.body();
    const Combine combine = node.op->combine;
    if (combine == Combine::Max || combine == Combine::Min)
      return windows(id, points, columns.materialised(body), combine == Combine::Min);
    return collected(id, points, columns.materialised(body));
  }

  /// A sum of products of two varying operands.
  bool products(NodeId id, const NodePoints& points) {
    const Node& node = graph_.node(id);
    const auto factors = multiplied_operands(node.op->body.expression);
    if (!factors || node.op->combine == Combine::Max || node.op->combine == Combine::Min) return false;
    const auto [a, b] = *factors;
    const int left = network_.stage_of[at(node.operands[a])], right = network_.stage_of[at(node.operands[b])];
    if (left < 0 || right < 0 || (left == right && points.reads[a] == points.reads[b])) return false;
    Stage stage{
        .kind = StageKind::Product, .node = id, .bounds = natural(id), .source = left, .right = right};
    for (size_t p = 0; p < points.count(); ++p)
      stage.products.push_back({static_cast<int32_t>(points.writes[p]),
                                static_cast<int32_t>(points.reads[a][p]),
                                static_cast<int32_t>(points.reads[b][p])});
    network_.stages.push_back(std::move(stage));
    return true;
  }

  /// Puts the values at points into the elements that they write.
  bool collected(NodeId id, const NodePoints& points, int values) {
    Stage& last = network_.stages[static_cast<size_t>(values)];
    std::vector<Interval> known = natural(id);
    bool identity = last.node < 0 && points.count() == known.size();
    for (size_t p = 0; identity && p < points.count(); ++p)
      identity = points.writes[p] == static_cast<int64_t>(p);
    if (identity && values + 1 == static_cast<int>(network_.stages.size())) {
      last.node = id;
      for (size_t i = 0; i < known.size(); ++i) last.bounds[i] = intersect(last.bounds[i], known[i]);
      return true;
    }
    StageTerm term{.source = values};
    for (size_t p = 0; p < points.count(); ++p)
      term.entries.push_back({static_cast<int32_t>(points.writes[p]), static_cast<int32_t>(p), 1, 0});
    network_.stages.push_back(
        {.kind = StageKind::Affine, .node = id, .bounds = std::move(known), .terms = {std::move(term)}});
    return true;
  }

  /// Extrema over windows, one element of each window after the other: max(m, x) = x + relu(m - x).
  bool windows(NodeId id, const NodePoints& points, int values, bool is_min) {
    const std::vector<Interval> known = natural(id);
    std::vector<std::vector<int32_t>> members(known.size());
    for (size_t p = 0; p < points.count(); ++p)
      members[static_cast<size_t>(points.writes[p])].push_back(static_cast<int32_t>(p));
    size_t longest = 0;
    for (const auto& window : members) {
      if (window.empty()) return false;
      longest = std::max(longest, window.size());
    }
    if (longest > kWindowLimit) return false;
    NodePoints elements;  // one point for each element of the result
    for (size_t i = 0; i < known.size(); ++i) elements.writes.push_back(static_cast<int64_t>(i));
    ColumnBuilder columns(graph_, id, elements, network_);
    const Interval sign = Interval::point(is_min ? -1 : 1);
    const auto member = [&](size_t k) {
      ColumnPart part{values, {}, std::vector<Interval>(known.size(), sign)};
      for (const auto& window : members) part.index.push_back(window[std::min(k, window.size() - 1)]);
      return Column{{std::move(part)}, std::vector<Interval>(known.size(), Interval::point(0))};
    };
    Column extremum = member(0);
    for (size_t k = 1; k < longest; ++k) {
      Column next = columns.larger(extremum, member(k));
      // One number for the sum, so that longer windows do not make longer sums.
      const int stage = columns.materialised(next);
      ColumnPart part{stage, {}, std::vector<Interval>(known.size(), Interval::point(1))};
      for (size_t i = 0; i < known.size(); ++i) part.index.push_back(static_cast<int32_t>(i));
      extremum = {{std::move(part)}, std::vector<Interval>(known.size(), Interval::point(0))};
    }
    const int result =
        columns.materialised(ColumnBuilder::scaled(extremum, std::vector<Interval>(known.size(), sign)));
    return collected(id, elements, result);
  }

  const Graph& graph_;
  StagedNetwork& network_;
  const int64_t point_limit_;
  const Linearity facts_;
};

}  // namespace

StagedNetwork stages_of(const Graph& graph, std::vector<NodeBounds> intervals,
                        const std::vector<NodeId>& wanted, int64_t point_limit) {
  StagedNetwork network{std::move(intervals), std::make_shared<CurvePool>(), {}, {}, {}};
  network.stage_of.assign(at(graph.size()), -1);
  Stager stager(graph, network, point_limit);
  for (const NodeId id : ancestors(graph, wanted)) stager.add(id);
  return network;
}

}  // namespace crease
