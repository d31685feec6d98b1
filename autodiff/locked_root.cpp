#include "autodiff/locked_root.h"

#include "autodiff/adjoint.h"
#include "graph/ops/arithmetic.h"

namespace crease {

LockedRoot::LockedRoot(const Graph& graph, RootOfSquares form, const Value& root,
                       std::vector<LockedNode> operands, size_t directions, const std::source_location& where)
    : graph_(graph.handle()),
      form_(std::move(form)),
      root_(root),
      operands_(std::move(operands)),
      where_(where),
      lengths_{root} {
  static const Op first{.name = "first_not_0",
                        .doc = "a, or b where a is 0.",
                        .body = [](Scalar a, Scalar b) { return select(equal(a, 0), b, a); }};
  for (size_t j = 0; j < directions; ++j) lengths_.push_back(length_along(j));
  length_ = lengths_.back();
  for (size_t j = lengths_.size() - 1; j-- > 0;) length_ = first(lengths_[j], length_, where_);
}

/// The form is of degree 2: over the tangents it is the square of their length.
Value LockedRoot::length_along(size_t direction) const {
  LoopBuilder builder(graph_, form_.squares.id());
  const Node& node = builder.node();
  std::vector<Scalar> moved(node.operands.size());
  for (size_t k = 0; k < moved.size(); ++k)
    if (const auto& tangent = operands_[k].tangents[direction])
      moved[k] = builder.read(*tangent, node.loops.reads[k]);
  builder.keep_bounds();
  const Value squares = builder.build("squares", substitute(builder.body(), moved), node.loops.write,
                                      node.shape, node.op->combine, node.type, where_);
  const Op root{
      .name = "length", .doc = "Root of squares.", .body = [&](Scalar x) { return sqrt(x * form_.factor); }};
  return root(squares, where_);
}

/// Operand k, or its first tangent in a direction in which the length is not 0.
Scalar LockedRoot::point(LoopBuilder& builder, int k) const {
  const auto at = static_cast<size_t>(k);
  const Node& node = builder.node();
  Scalar result = 0;
  for (size_t j = lengths_.size(); j-- > 0;) {
    const std::optional<Value> move = j == 0 ? operands_[at].value : operands_[at].tangents[j - 1];
    const Scalar here = move ? builder.read(*move, node.loops.reads[at]) : Scalar(0);
    const Scalar length = builder.read(lengths_[j], node.loops.write);
    result = select(equal(length, 0), result, here);
  }
  return result;
}

/// d root / d operand k = factor * (d squares / d operand k) / (2 root) at that point.
Scalar LockedRoot::slope(LoopBuilder& builder, int k) const {
  const Node node = builder.node();
  std::vector<Scalar> points(node.operands.size());
  for (int i = 0; i < static_cast<int>(points.size()); ++i)
    points[static_cast<size_t>(i)] = point(builder, i);
  const Scalar rise = substitute(crease::slope(builder.body(), k, Side::Left), points);
  const Scalar length = builder.read(length_, node.loops.write);
  return select(equal(length, 0), 0, rise * 0.5 * form_.factor / length);
}

std::optional<Value> LockedRoot::tangent(size_t direction) const {
  LoopBuilder builder(graph_, form_.squares.id());
  const Node node = builder.node();
  Scalar body = 0;
  for (int k = 0; k < static_cast<int>(node.operands.size()); ++k) {
    const auto& move = operands_[static_cast<size_t>(k)].tangents[direction];
    if (!move || builder.representative(k) != k) continue;
    body = body + builder.read(*move, node.loops.reads[static_cast<size_t>(k)]) * slope(builder, k);
  }
  if (body.is_constant(0)) return {};
  builder.keep_bounds();
  const Value along =
      builder.build("t_root", body, node.loops.write, node.shape, node.op->combine, node.type, where_);
  if (direction > 0) return along;
  static const Op from{.name = "t_root",
                       .doc = "Away from 0 the length of the tangent.",
                       .body = [](Scalar root, Scalar length, Scalar tangent) {
                         return select(equal(root, 0), length, tangent);
                       }};
  return from(root_, lengths_[1], along, where_);
}

std::optional<Value> LockedRoot::adjoint(int k, const Value& dy) const {
  LoopBuilder builder(graph_, form_.squares.id());
  if (builder.representative(k) != k) return {};
  const Node node = builder.node();
  const Scalar body = strong_product(builder.read(dy, node.loops.write), slope(builder, k));
  builder.keep_bounds();
  const Access& access = node.loops.reads[static_cast<size_t>(k)];
  const Node operand = graph_.node(node.operands[static_cast<size_t>(k)]);
  const Combine combine = is_injective(access, node.loops.labels) ? Combine::Assign : Combine::Sum;
  return builder.build("locked_d_root", body, access, operand.shape, combine, operand.type, where_);
}

Value LockedRoot::zeros_of(const Value& length) const {
  LoopBuilder builder(graph_, root_.id());
  const Scalar body = select(equal(builder.read(length, builder.node().loops.write), 0), 1, 0);
  return builder.build("count_kinks", body, {}, {}, Combine::Sum, Type::f64, where_);
}

}  // namespace crease
