#include "graph/analysis/bounds/ends_builder.h"

#include <algorithm>
#include <cmath>

#include "graph/analysis/bounds/bounds_graph.h"
#include "graph/analysis/bounds/ends.h"
#include "graph/analysis/bounds/interval.h"
#include "graph/analysis/bounds/lines_walk.h"
#include "graph/analysis/points.h"
#include "graph/scalar/forms.h"
#include "graph/scalar/tape.h"
#include "graph/stored.h"

namespace crease {

namespace {

using Kind = ScalarKind;

/// Whether numbers of `from` are numbers of the floating type `to`.
bool fits(Type from, Type to) {
  if (from == Type::boolean || from == Type::u8 || from == to) return true;
  if (to == Type::f32) return false;
  return from == Type::f32 || from == Type::i32 || from == Type::i64;  // i64: below 2^53
}

/// Whether a body only chooses among numbers.
bool is_exact(const Scalar& body, Type type) {
  return std::ranges::all_of(topological(body), [type](const Scalar& e) {
    switch (e.kind()) {
      case Kind::Constant:
        return type == Type::f64 || static_cast<double>(static_cast<float>(e.constant())) == e.constant();
      case Kind::Index: return type == Type::f64;
      case Kind::Argument:
      case Kind::Negate:
      case Kind::Max:
      case Kind::Min:
      case Kind::Select: return true;
      default: return gives_truth(e.kind());
    }
  });
}

bool is_selection(Combine combine) { return combine != Combine::Sum && combine != Combine::Product; }

/// The greatest position of an extremum over the reduced labels.
double last_position(const Node& node) {
  int64_t count = 1;
  for (const int label : reduced_labels(node.loops)) {
    const Dim& extent = node.loops.labels[static_cast<size_t>(label)].extent;
    if (extent.is_symbol()) return kInfinity;
    count *= extent.size();
  }
  return static_cast<double>(std::max<int64_t>(count, 1) - 1);
}

}  // namespace

Loops plain_loops(const Shape& shape, size_t operands) {
  Loops loops;
  for (int d = 0; d < static_cast<int>(shape.size()); ++d) {
    loops.labels.push_back({"d" + std::to_string(d), shape[static_cast<size_t>(d)]});
    loops.write.push_back({.terms = {{d, 1}}});
  }
  loops.reads.assign(operands, loops.write);
  return loops;
}

std::optional<std::pair<size_t, size_t>> weighted_sum_of(const Op& op) {
  return op.combine == Combine::Sum ? multiplied_operands(op.body.expression) : std::nullopt;
}

std::shared_ptr<const Op> end_record(std::string name, Combine combine, const Body& body) {
  return std::make_shared<const Op>(
      Op{.name = std::move(name), .doc = "An end of an interval.", .body = body, .combine = combine});
}

EndsBuilder::EndsBuilder(const Graph& from, const Graph& to, Type type, LineUse lines)
    : from_(from),
      to_(to.handle()),
      type_(type),
      lines_(lines),
      bounds_(static_cast<size_t>(from.size())),
      narrowed_(static_cast<size_t>(from.size())) {}

void EndsBuilder::give(NodeId input, const Bound& bound) { bounds_[static_cast<size_t>(input)] = bound; }

std::vector<Bound> EndsBuilder::run(const std::vector<NodeId>& wanted) {
  for (const NodeId id : ancestors(from_, wanted)) {
    std::optional<Bound>& place = bounds_[static_cast<size_t>(id)];
    if (place) continue;
    if (lines_ == LineUse::Everywhere && has_lines(from_.node(id))) narrow(from_.node(id).operands[0]);
    place = bound(id);
  }
  std::vector<Bound> result;
  result.reserve(wanted.size());
  for (const NodeId id : wanted) {
    if (lines_ != LineUse::None) narrow(id);
    result.push_back(*bounds_[static_cast<size_t>(id)]);
  }
  return result;
}

/// By lines, once.
void EndsBuilder::narrow(NodeId id) {
  const auto at = static_cast<size_t>(id);
  if (narrowed_[at] || from_.node(id).role != Role::Apply || has_lookup(from_.node(id))) return;
  narrowed_[at] = true;
  if (const auto better = LinesWalk(from_, to_, type_, bounds_).run(id)) bounds_[at] = *better;
}

Bound EndsBuilder::bound(NodeId id) {
  const Node& node = from_.node(id);
  switch (node.role) {
    case Role::Input: return input(node);
    case Role::Parameter:
    case Role::Constant: return stored(node.value);
    case Role::Random: return filled(node.shape, 0, 1);
    case Role::Scan: return scanned(node);
    case Role::Apply: break;
  }
  if (copies_points(node)) return {.point = copied(node)};
  if (depends_on_places(node) || node.op->combine == Combine::Product || !numbers_fit(node))
    return filled(node.shape, kInfinity, kInfinity);
  if (gives_position(node.op->combine)) return filled(node.shape, 0, last_position(node));
  if (!stores_exactly(from_, node))
    return node.type == Type::boolean ? filled(node.shape, 0, 1) : filled(node.shape, kInfinity, kInfinity);
  if (const auto sum = weighted_sum_of(*node.op)) {
    const auto [first, second] = *sum;
    if (of(node, first).is_point()) return weighted_sum(node, first, second);
    if (of(node, second).is_point()) return weighted_sum(node, second, first);
  }
  const Bound natural = by_body(node);
  return shares(node, natural).value_or(natural);
}

const Bound& EndsBuilder::of(const Node& node, size_t operand) const {
  return *bounds_[static_cast<size_t>(node.operands[operand])];
}

// ---- Leaves ----

Bound EndsBuilder::input(const Node& node) {
  if (!is_floating(node.type)) return {.point = to_.input(node.name, node.shape, node.type, node.where)};
  const Value low = to_.input(low_name(node.name), node.shape, type_, node.where);
  const Value high = to_.input(high_name(node.name), node.shape, type_, node.where);
  return {.negated_low = map("negated", -Scalar::argument(0), {low}), .high = high};
}

/// Numbers that `type_` has are points; NaN says nothing.
Bound EndsBuilder::stored(const Tensor& tensor) {
  if (!is_floating(tensor.type())) return {.point = to_.constant(tensor)};
  bool exact = true;
  Tensor negated_low(type_, tensor.sizes()), high(type_, tensor.sizes());
  for (int64_t i = 0; i < tensor.count(); ++i) {
    const double value = tensor.at(i);
    high.set(i, value);
    exact = exact && high.at(i) == value;
  }
  if (exact) return {.point = to_.constant(high)};
  for (int64_t i = 0; i < tensor.count(); ++i) {
    const Ends ends = ends_of(Scalar(tensor.at(i)), {}, type_);
    negated_low.set(i, ends.negated_low.constant());
    high.set(i, ends.high.constant());
  }
  return {.negated_low = to_.constant(negated_low), .high = to_.constant(high)};
}

Bound EndsBuilder::filled(const Shape& shape, double negated_low, double high) {
  const Resolved resolved{.loops = plain_loops(shape, 0), .shape = shape};
  const auto fill = [&](double value) {
    return to_.apply_resolved(end_record("fill", Combine::Assign, Body(0, Scalar(value))), resolved, {},
                              type_, {});
  };
  return {.negated_low = fill(negated_low), .high = fill(high)};
}

// ---- What is known exactly ----

/// Elements of points moved, chosen or compared; integers computed as they are.
bool EndsBuilder::copies_points(const Node& node) const {
  bool integers = !is_floating(node.type), same_width = true;
  for (size_t k = 0; k < node.operands.size(); ++k) {
    if (!of(node, k).is_point()) return false;
    const Type type = of(node, k).point.type();
    integers = integers && !is_floating(from_.node(node.operands[k]).type);
    same_width = same_width && (is_floating(type) || fits(type, type_));
  }
  if (integers) return true;
  return same_width && is_selection(node.op->combine) && is_exact(node.op->body.expression, type_);
}

Value EndsBuilder::copied(const Node& node) {
  Node fresh = node;
  if (is_floating(fresh.type)) fresh.type = type_;
  fresh.tie.reset();
  std::vector<Value> operands;
  operands.reserve(node.operands.size());
  for (size_t k = 0; k < node.operands.size(); ++k) operands.push_back(of(node, k).point);
  return to_.copy(fresh, operands);
}

// ---- What is not ----

/// Whether an access reads or writes where a number says that is not known.
bool EndsBuilder::depends_on_places(const Node& node) const {
  const auto unknown = [&](const Access& access) {
    return std::ranges::any_of(access, [&](const AffineIndex& index) {
      return index.lookup >= 0 && !of(node, static_cast<size_t>(index.lookup)).is_point();
    });
  };
  return std::ranges::any_of(node.loops.reads, unknown) || unknown(node.loops.write);
}

/// Whether the integers that a body computes with are numbers of the type.
bool EndsBuilder::numbers_fit(const Node& node) const {
  constexpr int64_t most = int64_t{1} << 24;
  if (type_ == Type::f64) return true;
  // Of integers alone f32 is computed in integers, which have no infinity.
  const auto is_integer = [](const Value& point) { return point.valid() && !is_floating(point.type()); };
  bool integers = !node.operands.empty();
  for (size_t k = 0; k < node.operands.size(); ++k) integers = integers && is_integer(of(node, k).point);
  if (integers) return false;
  return std::ranges::all_of(topological(node.op->body.expression), [&](const Scalar& e) {
    if (e.kind() == Kind::Size) return false;
    if (e.kind() == Kind::Argument) {
      const Bound& bound = of(node, static_cast<size_t>(e.position()));
      return !bound.is_point() || fits(bound.point.type(), type_);
    }
    if (e.kind() != Kind::Index) return true;
    const Dim& extent = node.loops.labels[static_cast<size_t>(e.position())].extent;
    return !extent.is_symbol() && extent.size() <= most;
  });
}

// ---- Operations ----

/// An elementwise operation of values of one shape.
Value EndsBuilder::map(std::string name, const Scalar& body, const std::vector<Value>& operands) {
  Resolved resolved{.loops = plain_loops(operands[0].shape(), operands.size()), .shape = operands[0].shape()};
  const Body whole(static_cast<int>(operands.size()), body);
  return to_.apply_resolved(end_record(std::move(name), Combine::Assign, whole), std::move(resolved),
                            operands, type_, {});
}

/// max(w, 0) and max(-w, 0), made once; of a stored weight they are stored.
std::pair<Value, Value> EndsBuilder::parts(const Value& weight) {
  const auto found = parts_.find(weight.id());
  if (found != parts_.end()) return found->second;
  const auto part = [&](double sign) {
    if (weight.node().role != Role::Constant)
      return map("part", max(sign * Scalar::argument(0), 0), {weight});
    const Tensor& stored = weight.node().value;
    Tensor result(type_, stored.sizes());
    for (int64_t i = 0; i < stored.count(); ++i) result.set(i, std::max(sign * stored.at(i), 0.0));
    return to_.constant(result);
  };
  const std::pair<Value, Value> made{part(1), part(-1)};
  return parts_.emplace(weight.id(), made).first->second;
}

/// sum w x: with w = p - q, above it is sum p high + q (-low), below it is -(sum p (-low) + q high).
Bound EndsBuilder::weighted_sum(const Node& node, size_t weight, size_t data) {
  const auto [p, q] = parts(of(node, weight).point);
  const Bound x = as_ends(of(node, data));
  const auto product = [&](const Value& factor, const Value& end) {
    std::vector<Value> operands(2);
    operands[weight] = factor;
    operands[data] = end;
    return to_.apply_resolved(end_record(node.op->name, Combine::Sum, node.op->body),
                              {.loops = node.loops, .shape = node.shape}, operands, type_, node.where);
  };
  const auto sum = [&](const Value& a, const Value& b) {
    return map("sum", known(Scalar::argument(0) + Scalar::argument(1)), {a, b});
  };
  return {.negated_low = sum(product(p, x.negated_low), product(q, x.high)),
          .high = sum(product(p, x.high), product(q, x.negated_low))};
}

Bound EndsBuilder::as_ends(const Bound& bound) {
  if (!bound.is_point()) return bound;
  return {.negated_low = map("negated", -Scalar::argument(0), {bound.point}),
          .high = map("exact", Scalar::argument(0), {bound.point})};
}

/// The ends of the body at every point, put together.
Bound EndsBuilder::by_body(const Node& node) {
  std::vector<Value> operands;
  std::vector<Ends> arguments;
  Resolved resolved{.loops = node.loops, .shape = node.shape};
  resolved.loops.reads.clear();
  std::vector<int> place;  // of the first end of each operand
  const auto next = [&] { return Scalar::argument(static_cast<int>(operands.size())); };
  for (size_t k = 0; k < node.operands.size(); ++k) {
    const Bound& bound = of(node, k);
    place.push_back(static_cast<int>(operands.size()));
    if (bound.is_point()) {
      arguments.push_back(Ends::point(next()));
      operands.push_back(bound.point);
    } else {
      const Scalar negated_low = next();
      operands.push_back(bound.negated_low);
      arguments.push_back({negated_low, next()});
      operands.push_back(bound.high);
    }
    resolved.loops.reads.resize(operands.size(), node.loops.reads[k]);
  }
  const auto move = [&](Access& access) {
    for (AffineIndex& index : access)
      if (index.lookup >= 0) index.lookup = place[static_cast<size_t>(index.lookup)];
  };
  for (Access& access : resolved.loops.reads) move(access);
  move(resolved.loops.write);
  const Ends ends = ends_of(node.op->body.expression, arguments, type_);
  const auto apply = [&](const Scalar& body, Combine combine) {
    const Body whole(static_cast<int>(operands.size()), known(body));
    return to_.apply_resolved(end_record(node.op->name, combine, whole), resolved, operands, type_,
                              node.where);
  };
  // The least of negated numbers is the negated greatest.
  Combine below = node.op->combine;
  if (below == Combine::Max || below == Combine::Min)
    below = below == Combine::Max ? Combine::Min : Combine::Max;
  return {.negated_low = apply(ends.negated_low, below), .high = apply(ends.high, node.op->combine)};
}

}  // namespace crease
