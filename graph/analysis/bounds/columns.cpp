#include "graph/analysis/bounds/columns.h"

#include <algorithm>
#include <numeric>

#include "graph/analysis/points.h"
#include "graph/error.h"
#include "graph/scalar/forms.h"
#include "graph/scalar/tape.h"

namespace crease {

namespace {

/// A curve that any two callers share.
ScalarCurve* unary(StagedNetwork& network, ScalarKind kind) {
  return network.pool->of(make_scalar(kind, {Scalar::argument(0)}));
}

}  // namespace

NodePoints points_of(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  NodePoints points;
  points.reads.resize(node.operands.size());
  const bool labels = mentions_labels(node.op->body.expression);
  for (PointWalk walk(graph, id); walk.valid(); walk.next()) {
    if (!walk.inside()) continue;
    points.writes.push_back(walk.write());
    for (size_t k = 0; k < node.operands.size(); ++k) points.reads[k].push_back(walk.read(k));
    if (labels) points.labels.push_back(walk.labels());
  }
  return points;
}

ColumnBuilder::ColumnBuilder(const Graph& graph, NodeId id, const NodePoints& points, StagedNetwork& network)
    : node_(graph.node(id)), points_(points), network_(network) {}

Column ColumnBuilder::constant(const Interval& value) const {
  return {{}, std::vector<Interval>(points_.count(), value)};
}

Column ColumnBuilder::whole(int stage) const {
  ColumnPart part{stage, std::vector<int32_t>(points_.count()),
                  std::vector<Interval>(points_.count(), Interval::point(1))};
  std::iota(part.index.begin(), part.index.end(), 0);
  return {{std::move(part)}, std::vector<Interval>(points_.count(), Interval::point(0))};
}

Column ColumnBuilder::sum(const Column& a, const Column& b) {
  Column result = a;
  result.parts.insert(result.parts.end(), b.parts.begin(), b.parts.end());
  for (size_t p = 0; p < result.constant.size(); ++p) result.constant[p] = a.constant[p] + b.constant[p];
  return result;
}

Column ColumnBuilder::scaled(const Column& a, const std::vector<Interval>& factor) {
  Column result = a;
  for (ColumnPart& part : result.parts)
    for (size_t p = 0; p < factor.size(); ++p) part.weight[p] = part.weight[p] * factor[p];
  for (size_t p = 0; p < factor.size(); ++p) result.constant[p] = result.constant[p] * factor[p];
  return result;
}

Column ColumnBuilder::negated(const Column& a) {
  return scaled(a, std::vector<Interval>(a.constant.size(), Interval::point(-1)));
}

int ColumnBuilder::materialised(const Column& column) {
  const auto count = static_cast<int64_t>(points_.count());
  if (column.parts.size() == 1) {
    const ColumnPart& part = column.parts[0];
    bool identity = network_.stages[static_cast<size_t>(part.source)].size() == count;
    for (size_t p = 0; identity && p < part.index.size(); ++p)
      identity = part.index[p] == static_cast<int32_t>(p) && part.weight[p] == Interval::point(1) &&
                 column.constant[p] == Interval::point(0);
    if (identity) return part.source;
  }
  Stage stage{.kind = StageKind::Affine, .bounds = range_of(column), .bias = column.constant};
  for (const ColumnPart& part : column.parts) {
    StageTerm term{.source = part.source};
    for (size_t p = 0; p < part.index.size(); ++p) {
      const Interval& w = part.weight[p];
      const double middle = w.is_point() ? w.low : w.low + (w.high - w.low) / 2;
      const double radius = std::max((Interval::point(middle) - w).magnitude(), 0.0);
      term.entries.push_back({static_cast<int32_t>(p), part.index[p], middle, w.is_point() ? 0 : radius});
    }
    stage.terms.push_back(std::move(term));
  }
  network_.stages.push_back(std::move(stage));
  return static_cast<int>(network_.stages.size()) - 1;
}

std::vector<Interval> ColumnBuilder::range_of(const Column& column) const {
  std::vector<Interval> result = column.constant;
  for (const ColumnPart& part : column.parts) {
    const std::vector<Interval>& source = network_.stages[static_cast<size_t>(part.source)].bounds;
    for (size_t p = 0; p < result.size(); ++p)
      result[p] = result[p] + part.weight[p] * source[static_cast<size_t>(part.index[p])];
  }
  return result;
}

Column ColumnBuilder::curve(const Column& argument, std::vector<ScalarCurve*> curves) {
  Stage stage{.kind = StageKind::Curve, .source = materialised(argument), .curves = std::move(curves)};
  const std::vector<Interval>& source = network_.stages[static_cast<size_t>(stage.source)].bounds;
  for (size_t p = 0; p < source.size(); ++p)
    stage.bounds.push_back(stage.curve(static_cast<int64_t>(p))->range(source[p]));
  network_.stages.push_back(std::move(stage));
  return whole(static_cast<int>(network_.stages.size()) - 1);
}

Column ColumnBuilder::larger(const Column& a, const Column& b) {
  ScalarCurve* relu = network_.pool->of(max(Scalar::argument(0), Scalar(0)));
  return sum(b, curve(sum(a, negated(b)), {relu}));
}

Column ColumnBuilder::product(const Column& a, const Column& b) {
  if (a.is_constant()) return scaled(b, a.constant);
  if (b.is_constant()) return scaled(a, b.constant);
  Stage stage{.kind = StageKind::Product, .source = materialised(a), .right = materialised(b)};
  const auto& left = network_.stages[static_cast<size_t>(stage.source)].bounds;
  const auto& right = network_.stages[static_cast<size_t>(stage.right)].bounds;
  for (int32_t p = 0; p < static_cast<int32_t>(points_.count()); ++p) {
    stage.products.push_back({p, p, p});
    stage.bounds.push_back(left[static_cast<size_t>(p)] * right[static_cast<size_t>(p)]);
  }
  network_.stages.push_back(std::move(stage));
  return whole(static_cast<int>(network_.stages.size()) - 1);
}

Column ColumnBuilder::leaf(const Scalar& e) const {
  if (e.kind() == ScalarKind::Constant)
    return constant(std::isnan(e.constant()) ? Interval{} : Interval::point(e.constant()));
  if (e.kind() == ScalarKind::Size) return constant({1, kInfinity});
  Column result = constant(Interval::point(0));
  if (e.kind() == ScalarKind::Index) {
    for (size_t p = 0; p < points_.count(); ++p)
      result.constant[p] =
          Interval::point(static_cast<double>(points_.labels[p][static_cast<size_t>(e.position())]));
    return result;
  }
  const auto k = static_cast<size_t>(e.position());
  const NodeId operand = node_.operands[k];
  const int stage = network_.stage_of[static_cast<size_t>(operand)];
  const NodeBounds& known = network_.intervals[static_cast<size_t>(operand)];
  if (stage < 0) {
    for (size_t p = 0; p < points_.count(); ++p) result.constant[p] = known.at(points_.reads[k][p]);
    return result;
  }
  ColumnPart part{stage, {}, std::vector<Interval>(points_.count(), Interval::point(1))};
  for (const int64_t element : points_.reads[k]) part.index.push_back(static_cast<int32_t>(element));
  result.parts.push_back(std::move(part));
  return result;
}

Column ColumnBuilder::chosen(const Column& condition, const Column& yes, const Column& no) const {
  std::vector<Interval> taken, left;
  for (const Interval& c : condition.constant) {
    const bool holds = c.low > 0 || c.high < 0;
    taken.push_back(Interval::point(holds ? 1 : 0));
    left.push_back(Interval::point(holds ? 0 : 1));
  }
  return sum(scaled(yes, taken), scaled(no, left));
}

Column ColumnBuilder::opaque(const Scalar& e) {
  IntervalTape tape(e);
  Stage stage{.kind = StageKind::Given};
  std::vector<Interval> arguments(node_.operands.size());
  for (size_t p = 0; p < points_.count(); ++p) {
    for (size_t k = 0; k < arguments.size(); ++k)
      arguments[k] = network_.intervals[static_cast<size_t>(node_.operands[k])].at(points_.reads[k][p]);
    stage.bounds.push_back(
        tape.run(arguments, points_.labels.empty() ? std::vector<int64_t>() : points_.labels[p]));
  }
  network_.stages.push_back(std::move(stage));
  return whole(static_cast<int>(network_.stages.size()) - 1);
}

Column ColumnBuilder::inner(const Scalar& e, std::span<const Column> terms) {
  if (std::ranges::all_of(terms, &Column::is_constant)) {
    Column result = constant(Interval::point(0));
    for (size_t p = 0; p < points_.count(); ++p) {
      Interval values[3];
      for (size_t k = 0; k < terms.size(); ++k) values[k] = terms[k].constant[p];
      result.constant[p] = apply(e.kind(), values);
    }
    return result;
  }
  switch (e.kind()) {
    case ScalarKind::Add: return sum(terms[0], terms[1]);
    case ScalarKind::Subtract: return sum(terms[0], negated(terms[1]));
    case ScalarKind::Negate: return negated(terms[0]);
    case ScalarKind::Multiply:
      if (e.terms()[0].same(e.terms()[1]))
        return curve(terms[0], {network_.pool->of(Scalar::argument(0) * Scalar::argument(0))});
      return product(terms[0], terms[1]);
    case ScalarKind::Divide: {
      Column reciprocal = constant(Interval::point(0));
      if (!terms[1].is_constant())
        return product(terms[0], curve(terms[1], {network_.pool->of(Scalar(1) / Scalar::argument(0))}));
      for (size_t p = 0; p < points_.count(); ++p)
        reciprocal.constant[p] = Interval::point(1) / terms[1].constant[p];
      return product(terms[0], reciprocal);
    }
    case ScalarKind::Max: return larger(terms[0], terms[1]);
    case ScalarKind::Min: return negated(larger(negated(terms[1]), negated(terms[0])));
    case ScalarKind::Select: {
      const auto known = [](const Interval& c) { return !c.contains(0) || c == Interval::point(0); };
      if (!terms[0].is_constant() || !std::ranges::all_of(terms[0].constant, known)) return opaque(e);
      return chosen(terms[0], terms[1], terms[2]);
    }
    default: break;
  }
  if (e.terms().size() == 1 && e.kind() != ScalarKind::Not)
    return curve(terms[0], {unary(network_, e.kind())});
  return opaque(e);
}

std::optional<Column> ColumnBuilder::single() {
  std::vector<bool> data;
  std::optional<size_t> varying;
  for (size_t k = 0; k < node_.operands.size(); ++k) {
    const NodeId operand = node_.operands[k];
    data.push_back(network_.stage_of[static_cast<size_t>(operand)] >= 0);
    if (!data[k]) {
      if (!network_.intervals[static_cast<size_t>(operand)].is_points()) return {};
      continue;
    }
    if (varying && (node_.operands[*varying] != operand || points_.reads[*varying] != points_.reads[k]))
      return {};
    varying = k;
  }
  if (!varying || dependence(node_.op->body.expression, data) <= Dependence::Affine) return {};
  PointCurves curves(node_, *varying, *network_.pool);
  std::vector<ScalarCurve*> chosen_curves;
  std::vector<double> constants(node_.operands.size());
  for (size_t p = 0; p < points_.count(); ++p) {
    for (size_t k = 0; k < constants.size(); ++k)
      if (!data[k])
        constants[k] = network_.intervals[static_cast<size_t>(node_.operands[k])].at(points_.reads[k][p]).low;
    chosen_curves.push_back(
        curves.at(constants, points_.labels.empty() ? std::span<const int64_t>() : points_.labels[p]));
  }
  const bool same = std::ranges::adjacent_find(chosen_curves, std::not_equal_to<>()) == chosen_curves.end();
  if (same && !chosen_curves.empty()) chosen_curves.resize(1);
  return curve(leaf(Scalar::argument(static_cast<int>(*varying))), std::move(chosen_curves));
}

Column ColumnBuilder::body() {
  if (auto whole_body = single()) return std::move(*whole_body);
  return fold_steps<Column>(node_.op->body.expression, [&](const Scalar& e, std::span<const Column> terms) {
    return terms.empty() ? leaf(e) : inner(e, terms);
  });
}

}  // namespace crease
