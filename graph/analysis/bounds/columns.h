// The body of a node at all of its loop points at once: every part of it as a combination of earlier stages.
#pragma once

#include <span>
#include <vector>

#include "graph/analysis/bounds/stages.h"

namespace crease {

/// weight[p] * source[index[p]] for every point p.
struct ColumnPart {
  int source;
  std::vector<int32_t> index;
  std::vector<Interval> weight;
};

/// A number at every point: parts plus a constant. Without parts it is a constant.
struct Column {
  std::vector<ColumnPart> parts = {};
  std::vector<Interval> constant;
  bool is_constant() const { return parts.empty(); }
};

/// The loop points of a node that lie inside, and what they touch.
struct NodePoints {
  std::vector<int64_t> writes;
  std::vector<std::vector<int64_t>> reads;   // [operand][point]
  std::vector<std::vector<int64_t>> labels;  // [point]; empty if the body mentions none
  size_t count() const { return writes.size(); }
};
NodePoints points_of(const Graph& graph, NodeId id);

/// Turns bodies into stages appended to a network.
class ColumnBuilder {
 public:
  ColumnBuilder(const Graph& graph, NodeId id, const NodePoints& points, StagedNetwork& network);

  /// The body at every point.
  Column body();
  /// max(a, b) = b + relu(a - b), for the points at which `both` holds; elsewhere a.
  Column larger(const Column& a, const Column& b);
  /// A stage that holds the column: an earlier one if it is just that.
  int materialised(const Column& column);

  static Column sum(const Column& a, const Column& b);
  static Column scaled(const Column& a, const std::vector<Interval>& factor);
  static Column negated(const Column& a);
  /// A function of the column.
  Column curve(const Column& argument, std::vector<ScalarCurve*> curves);

 private:
  Column leaf(const Scalar& e) const;
  Column inner(const Scalar& e, std::span<const Column> terms);
  Column product(const Column& a, const Column& b);
  Column chosen(const Column& condition, const Column& yes, const Column& no) const;
  /// Known by its interval alone.
  Column opaque(const Scalar& e);
  /// The whole body as a function of its only varying operand, if it is not affine in it.
  std::optional<Column> single();
  std::vector<Interval> range_of(const Column& column) const;
  Column constant(const Interval& value) const;
  Column whole(int stage) const;

  const Node& node_;
  const NodePoints& points_;
  StagedNetwork& network_;
};

}  // namespace crease
