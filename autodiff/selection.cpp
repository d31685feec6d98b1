#include "autodiff/selection.h"

#include <limits>

#include "graph/error.h"
#include "graph/ops/axes.h"
#include "graph/ops/order.h"

namespace crease {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Row-major position over `labels`.
Scalar position(std::span<const Label> all, std::span<const int> labels) {
  Scalar result = 0;
  for (const int label : labels)
    result = result * size_term(all[static_cast<size_t>(label)].extent) + Scalar::index(label);
  return result;
}

Shape shape_of(std::span<const Label> labels) {
  Shape shape;
  for (const Label& label : labels) shape.push_back(label.extent);
  return shape;
}

Access identity_access(size_t labels) {
  Access access;
  for (size_t label = 0; label < labels; ++label) access.push_back({.terms = {{static_cast<int>(label), 1}}});
  return access;
}

}  // namespace

Scalar combined_position(const Loops& loops) { return position(loops.labels, reduced_labels(loops)); }

namespace {

/// Everything about one combined node that the weights are made of.
class Selection {
 public:
  Selection(const Graph& graph, NodeId id, const std::source_location& where)
      : graph_(graph.handle()),
        id_(id),
        node_(graph_.node(id)),
        reduced_(reduced_labels(node_.loops)),
        where_(where) {}

  /// Whether the body's value at this point equals the result.
  Scalar is_extreme(LoopBuilder& builder) const {
    return equal(builder.over_operands(builder.body()), builder.read(graph_.value(id_), node_.loops.write));
  }

  /// Position of the first or last tied point, as a value with the shape of the result.
  Value tied_position(bool last) const {
    LoopBuilder builder(graph_, id_);
    builder.keep_bounds();
    const Scalar body = select(is_extreme(builder), here(), last ? -1 : infinity);
    return builder.build(last ? "last_tied" : "first_tied", body, node_.loops.write, node_.shape,
                         last ? Combine::Max : Combine::Min, node_.type, where_);
  }

  Value tied_count() const {
    LoopBuilder builder(graph_, id_);
    builder.keep_bounds();
    return builder.build("count_tied", select(is_extreme(builder), 1, 0), node_.loops.write, node_.shape,
                         Combine::Sum, node_.type, where_);
  }

  /// For each point the combination over all points (of the same result) of body(other point's value, order),
  /// where order is the other point's position minus this one's: one element for each point of the loops.
  /// `what` is the value of a point as an expression over the operands; without, the node's body.
  template <class MakeBody>
  Value over_others(const char* name, Combine combine, MakeBody make_body,
                    const std::optional<Scalar>& what = {}) const {
    LoopBuilder builder(graph_, id_);
    std::vector<int> other;
    std::vector<Label> labels = node_.loops.labels;
    for (const int label : reduced_) {
      const Label& old = node_.loops.labels[static_cast<size_t>(label)];
      other.push_back(builder.add_label(old.name + "_other", old.extent));
      labels.push_back({old.name, old.extent});
    }
    std::vector<Scalar> arguments(node_.operands.size());
    for (size_t k = 0; k < arguments.size(); ++k)
      arguments[k] = builder.read(graph_.value(node_.operands[k]),
                                  LoopBuilder::relabel(node_.loops.reads[k], reduced_, other));
    std::vector<Scalar> indices;
    for (int label = 0; label < static_cast<int>(node_.loops.labels.size()); ++label)
      indices.push_back(Scalar::index(label));
    for (size_t i = 0; i < reduced_.size(); ++i)
      indices[static_cast<size_t>(reduced_[i])] = Scalar::index(other[i]);
    const Scalar value = substitute(what.value_or(builder.body()), arguments, indices);
    const Scalar order = position(labels, other) - position(labels, reduced_);
    const Scalar body = make_body(builder, value, order);
    const size_t count = node_.loops.labels.size();
    return builder.build(name, body, identity_access(count), shape_of(node_.loops.labels), combine,
                         node_.type, where_);
  }

  /// Reads a value made by over_others at the current point.
  Scalar read_points(LoopBuilder& builder, const Value& value) const {
    return builder.read(value, identity_access(node_.loops.labels.size()));
  }

  Scalar result(LoopBuilder& builder) const { return builder.read(graph_.value(id_), node_.loops.write); }
  Scalar here() const { return combined_position(node_.loops); }
  const Node& node() const { return node_; }

 private:
  Graph graph_;
  NodeId id_;
  Node node_;
  std::vector<int> reduced_;
  std::source_location where_;
};

/// Product of the body over all other points; exact also where one of them is 0.
Scalar product_weight(LoopBuilder& builder, const Selection& selection) {
  const Value others = selection.over_others("product_of_others", Combine::Product,
                                             [](LoopBuilder&, const Scalar& value, const Scalar& order) {
                                               return select(equal(order, 0), 1, value);
                                             });
  return selection.read_points(builder, others);
}

/// One tied point takes all: the last one (left for max, right for min) or the first.
Scalar single_weight(LoopBuilder& builder, const Selection& selection, bool last) {
  const Value chosen = selection.tied_position(last);
  return select(equal(selection.here(), builder.read(chosen, selection.node().loops.write)), 1, 0);
}

Scalar even_weight(LoopBuilder& builder, const Selection& selection) {
  const Value count = selection.tied_count();
  return select(selection.is_extreme(builder), 1 / builder.read(count, selection.node().loops.write), 0);
}

/// Pairs folded in order, max(max(a, b), c): a tied point keeps its share times s for each tied point after
/// it; all but the first take 1 - s when they enter.
Scalar chained_weight(LoopBuilder& builder, const Selection& selection, double s) {
  const auto tied = [&](LoopBuilder& other, const Scalar& value) {
    return equal(value, selection.result(other));
  };
  const Value later = selection.over_others(
      "share_kept", Combine::Product, [&](LoopBuilder& other, const Scalar& value, const Scalar& order) {
        return select(order > 0 && tied(other, value), s, 1);
      });
  const Value earlier = selection.over_others(
      "tied_before", Combine::Max, [&](LoopBuilder& other, const Scalar& value, const Scalar& order) {
        return select(order < 0 && tied(other, value), 1, 0);
      });
  const Scalar entered = select(equal(selection.read_points(builder, earlier), 0), 1, 1 - s);
  return select(selection.is_extreme(builder), selection.read_points(builder, later) * entered, 0);
}

/// The point that a stable sort puts at position k: the tied one with k points before it. Operand 0 of an
/// order statistic holds what is sorted.
Scalar sorted_weight(LoopBuilder& builder, const Selection& selection, int64_t k) {
  const Value before = selection.over_others(
      "sorted_before", Combine::Sum,
      [](LoopBuilder& other, const Scalar& value, const Scalar& order) {
        const Scalar own = other.operand(0);
        return select(value < own || (equal(value, own) && order < 0), 1, 0);
      },
      Scalar::argument(0));
  const Scalar chosen = equal(selection.read_points(builder, before), static_cast<double>(k));
  return select(selection.is_extreme(builder) && chosen, 1, 0);
}

Scalar extremum_weight(LoopBuilder& builder, const Selection& selection, bool is_max, const KinkRule& rule) {
  const Tie& tie = rule.tie;
  const std::optional<int64_t> order = order_of(*selection.node().op);
  if (order && rule.kind == KinkRule::Kind::Sorted) return sorted_weight(builder, selection, *order);
  switch (tie.rule()) {
    case Tie::Rule::Left: return single_weight(builder, selection, is_max && !order);
    case Tie::Rule::Right: return single_weight(builder, selection, !is_max && !order);
    case Tie::Rule::Mid:
    case Tie::Rule::MinNorm: return even_weight(builder, selection);
    case Tie::Rule::Value:
      return chained_weight(builder, selection, is_max ? tie.weight() : 1 - tie.weight());
    case Tie::Rule::Trap: break;
  }
  throw Bug("Tie::trap selects no derivative at a tie");
}

}  // namespace

Node with_extremum(const Graph& graph, const Node& node) {
  Node extremum = node;
  if (!gives_position(node.op->combine)) return extremum;
  Op op = *node.op;
  op.combine = op.combine == Combine::ArgMax ? Combine::Max : Combine::Min;
  op.type = ResultType::Promoted;
  extremum.type = compute_type(operand_types(graph, node), node.type);
  extremum.op = std::make_shared<Op>(std::move(op));
  return extremum;
}

Value extremum_of(const Graph& graph, NodeId id) {
  const Node node = graph.node(id);
  if (!gives_position(node.op->combine)) return graph.value(id);
  std::vector<Value> operands;
  for (const NodeId operand : node.operands) operands.push_back(graph.value(operand));
  return graph.handle().copy(with_extremum(graph, node), operands);
}

Value tied_count(const Graph& graph, NodeId id, const std::source_location& where) {
  return Selection(graph, id, where).tied_count();
}

Scalar combine_weight(LoopBuilder& builder, const Graph& graph, NodeId result, const KinkRule& rule,
                      const std::source_location& where) {
  const Combine combine = builder.node().op->combine;
  switch (combine) {
    case Combine::Assign:
    case Combine::Sum: return 1;
    case Combine::Product: return product_weight(builder, Selection(graph, result, where));
    case Combine::Max:
    case Combine::Min:
      return extremum_weight(builder, Selection(graph, result, where), combine == Combine::Max, rule);
    case Combine::ArgMax:
    case Combine::ArgMin: break;
  }
  throw Bug("combine_weight of " + std::string(to_string(combine)));
}

}  // namespace crease
