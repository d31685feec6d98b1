// Rules about maps of maps.
#include <algorithm>
#include <set>

#include "graph/ops/hold.h"
#include "graph/piecewise.h"
#include "graph/rewrite/simplify/rules.h"
#include "graph/scalar/forms.h"

namespace crease {
namespace {

/// Only max, min, negation and constants: every value is the argument, its negative or a constant, so exact
/// equality of tables is equality of floats.
bool is_clamp(const Scalar& body) {
  return !any_step(body, [](const Scalar& e) {
    switch (e.kind()) {
      case ScalarKind::Constant:
      case ScalarKind::Argument:
      case ScalarKind::Negate:
      case ScalarKind::Max:
      case ScalarKind::Min: return false;
      default: return true;
    }
  });
}

/// One of the two maps of a chain outer(inner(x)): body, table and Tie.
struct Clamp {
  Scalar body;
  PiecewiseLinear table;
  std::optional<Tie> tie;
};

std::optional<Clamp> clamp_of(const Value& value) {
  const Node& node = value.node();
  if (!is_plain_map(value) || !is_clamp(node.op->body.expression)) return {};
  auto table = piecewise_linear(node.op->body.expression);
  if (!table) return {};
  return Clamp{node.op->body.expression, std::move(*table), node.tie};
}

/// Points x at which a kink of the chain is hit, or nothing if these are whole intervals.
std::optional<std::set<Rational>> kinks_of_chain(const PiecewiseLinear& outer, const PiecewiseLinear& inner) {
  std::set<Rational> points;
  for (const Knot& knot : inner.knots) points.insert(knot.at);
  for (const Knot& knot : outer.knots) {
    for (size_t piece = 0; piece < inner.slopes.size(); ++piece) {
      const Rational &slope = inner.slopes[piece], &offset = inner.offsets[piece];
      if (slope == Rational(0)) {
        if (offset == knot.at) return {};
        continue;
      }
      const Rational x = (knot.at - offset) / slope;
      if (inner.value(x) == knot.at) points.insert(x);
    }
  }
  return points;
}

double slope_at(const Scalar& body, const Tie& tie, const Rational& x) {
  const double argument = x.to_double();
  return evaluate(slope(body, 0, tie), {.arguments = {&argument, 1}});
}

/// Points at which the chain and its replacement could select different slopes: their knots, and where the
/// inner map enters a knot of the outer one. Flat pieces of the inner map have slope 0 in both.
std::set<Rational> critical_points(const Clamp& outer, const Clamp& inner) {
  std::set<Rational> points;
  for (const Knot& knot : inner.table.knots) points.insert(knot.at);
  for (const Knot& knot : outer.table.knots) {
    points.insert(knot.at);
    points.insert(-knot.at);
  }
  return points;
}

/// Whether outer(inner(x)) and `replacement`, one of the two, select the same slope everywhere.
bool selects_same(const Clamp& outer, const Clamp& inner, const Clamp& replacement, const Tie& tie) {
  if (tie == Tie::trap) {
    std::set<Rational> knots;
    for (const Knot& knot : replacement.table.knots) knots.insert(knot.at);
    return kinks_of_chain(outer.table, inner.table) == knots;
  }
  const auto points = critical_points(outer, inner);
  return std::all_of(points.begin(), points.end(), [&](const Rational& x) {
    const double chain = slope_at(outer.body, tie, inner.table.value(x)) * slope_at(inner.body, tie, x);
    return chain == slope_at(replacement.body, tie, x);
  });
}

bool is_smooth(const Node& node) { return kink_conditions(node.op->body.expression).empty(); }

}  // namespace

Value operand(const Value& value, size_t k) { return value.graph().value(value.node().operands[k]); }

Value remake(const Value& value, Body body, Combine combine, Loops loops,
             const std::vector<Value>& operands) {
  const Node& node = value.node();
  auto op = std::make_shared<Op>(*node.op);
  op->body = std::move(body);
  op->combine = combine;
  op->loops = to_string(loops);
  Resolved resolved{.loops = std::move(loops), .shape = node.shape};
  return value.graph().apply_resolved(std::move(op), std::move(resolved), operands, node.type, node.where,
                                      node.tie);
}

std::vector<Tie> possible_ties(const Value& value, Derivatives derivatives) {
  if (value.node().tie) return {*value.node().tie};
  if (derivatives == Derivatives::Settled) return {value.graph().tie().value_or(Tie::left)};
  return {Tie::left, Tie::right, Tie::mid, Tie::value(0.25), Tie::min_norm, Tie::trap};
}

bool is_plain_map(const Value& value) {
  const Node& node = value.node();
  return node.role == Role::Apply && node.op->combine == Combine::Assign && node.operands.size() == 1 &&
         is_elementwise(node.loops) && operand(value, 0).shape() == node.shape &&
         operand(value, 0).type() == node.type && !is_held(node);
}

Simpler undo_inverse(const Value& value, Derivatives) {
  if (!is_plain_map(value)) return {};
  const Value between = operand(value, 0);
  if (!is_plain_map(between) || !is_smooth(value.node()) || !is_smooth(between.node())) return {};
  const Scalar &outer = value.node().op->body.expression, &inner = between.node().op->body.expression;
  const Scalar both = substitute(outer, {&inner, 1}), x = Scalar::argument(0);
  const bool undone = both.same(x) || (value.type() == Type::boolean && both.same(!!x));
  return undone ? Simpler(operand(between, 0)) : Simpler();
}

Simpler drop_redundant_clamp(const Value& value, Derivatives derivatives) {
  if (!is_floating(value.type())) return {};
  const auto outer = clamp_of(value);
  if (!outer) return {};
  const Value between = operand(value, 0);
  const auto inner = clamp_of(between);
  if (!inner || !(outer->tie == inner->tie)) return {};
  const auto both = piecewise_linear(substitute(outer->body, {&inner->body, 1}));
  if (!both) return {};
  const std::vector<Tie> ties = possible_ties(value, derivatives);
  const auto stands_for_both = [&](const Clamp& one) {
    return *both == one.table && std::all_of(ties.begin(), ties.end(), [&](const Tie& tie) {
      return selects_same(*outer, *inner, one, tie);
    });
  };
  if (stands_for_both(*inner)) return between;
  if (!stands_for_both(*outer)) return {};
  return remake(value, value.node().op->body, Combine::Assign, value.node().loops, {operand(between, 0)});
}

}  // namespace crease
