#include "graph/analysis/convexity/one_variable.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "graph/piecewise.h"
#include "graph/scalar/tape.h"

namespace crease {
namespace {

/// Whether every node of a body satisfies a predicate.
template <class Predicate>
bool all_nodes(const Scalar& body, Predicate&& predicate) {
  return std::ranges::all_of(topological(body), predicate);
}

bool is_closed(const Scalar& node) {
  return node.kind() != ScalarKind::Index && node.kind() != ScalarKind::Size &&
         !(node.kind() == ScalarKind::Argument && node.position() != 0);
}

bool jumps_nowhere(const Scalar& node) {
  switch (node.kind()) {
    case ScalarKind::Select:
    case ScalarKind::Floor:
    case ScalarKind::Less:
    case ScalarKind::LessEqual:
    case ScalarKind::Equal:
    case ScalarKind::And:
    case ScalarKind::Or:
    case ScalarKind::Not: return false;
    default: return true;
  }
}

/// The part of the line on which the argument lies.
struct Half {
  bool negative, positive;
};

Curve table_curve(const PiecewiseLinear& table, Half half) {
  Curve result;
  const auto note_sign = [&](const Rational& value) {
    result.negative = result.negative || value.sign() < 0;
    result.positive = result.positive || value.sign() > 0;
  };
  const auto note_end = [&](size_t piece, int direction) {
    const int sign = table.slopes[piece].sign() * direction;
    result.negative = result.negative || sign < 0;
    result.positive = result.positive || sign > 0;
  };
  // A half line holds its end: a value there that is not the limit is a jump inside.
  const bool jumps_right = table.value(0) != table.limit(0, Side::Right);
  const bool jumps_left = table.value(0) != table.limit(0, Side::Left);
  const size_t first = half.negative ? 0 : table.piece(0, jumps_right ? Side::Left : Side::Right);
  const size_t last =
      half.positive ? table.slopes.size() - 1 : table.piece(0, jumps_left ? Side::Right : Side::Left);
  for (size_t i = first; i <= last; ++i) {
    result.rises |= table.slopes[i].sign() > 0 ? 1U : 0U;
    result.falls |= table.slopes[i].sign() < 0 ? 1U : 0U;
  }
  for (size_t i = first; i < last; ++i) {
    const Knot& knot = table.knots[i];
    const bool jump = knot.is_jump();
    result.bends_up = result.bends_up || jump || table.slopes[i] < table.slopes[i + 1];
    result.bends_down = result.bends_down || jump || table.slopes[i] > table.slopes[i + 1];
    result.rises |= std::max(knot.value, knot.right) > std::min(knot.left, knot.value) ? 1U : 0U;
    result.falls |= std::min(knot.value, knot.right) < std::max(knot.left, knot.value) ? 1U : 0U;
    for (const Rational& value : {knot.left, knot.value, knot.right}) note_sign(value);
  }
  note_sign(table.value(0));
  note_sign(table.limit(0, Side::Left));
  note_sign(table.limit(0, Side::Right));
  if (half.negative) note_end(first, -1);
  if (half.positive) note_end(last, 1);
  return result;
}

/// The body for x > 0 or x < 0: comparisons of the argument with 0 decided.
Scalar restricted(const Scalar& body, bool above) {
  return rewrite(body, [&](const Scalar& node, std::span<const Scalar> terms) {
    const bool zero_first =
        terms.size() == 2 && terms[0].is_constant(0) && terms[1].kind() == ScalarKind::Argument;
    const bool zero_second =
        terms.size() == 2 && terms[1].is_constant(0) && terms[0].kind() == ScalarKind::Argument;
    const Scalar argument = Scalar::argument(0);
    if (zero_first || zero_second) switch (node.kind()) {
        case ScalarKind::Less:
        case ScalarKind::LessEqual: return Scalar(above == zero_first ? 1 : 0);
        case ScalarKind::Max: return above ? argument : Scalar(0);
        case ScalarKind::Min: return above ? Scalar(0) : argument;
        default: break;
      }
    return terms.empty() ? node : make_scalar(node.kind(), {terms.begin(), terms.end()});
  });
}

Curve run_on(const Scalar& body, Half half);

/// The two halves joined at 0.
Curve glued(const Scalar& body) {
  const Scalar left = restricted(body, false), right = restricted(body, true);
  const Curve below = run_on(left, {true, false}), above = run_on(right, {false, true});
  Curve result = either(below, above);
  if (!all_nodes(left, jumps_nowhere) || !all_nodes(right, jumps_nowhere)) return anything({.rises = 1});
  const std::array<double, 1> zero{0.0};
  const auto at_zero = [&](const Scalar& e) { return evaluate(e, {.arguments = zero}); };
  if (at_zero(left) != at_zero(right) || at_zero(body) != at_zero(left)) return anything({.rises = 1});
  const double from = at_zero(slope(left, 0, Side::Left)), to = at_zero(slope(right, 0, Side::Right));
  // An infinite slope may have lost its sign with that of 0: the root of -x has -inf at 0, not inf.
  const bool told = std::isfinite(from) && std::isfinite(to) && std::isfinite(at_zero(body));
  result.bends_up = result.bends_up || !told || from < to;
  result.bends_down = result.bends_down || !told || from > to;
  return result;
}

/// The rules, expression by expression.
Curve run_on(const Scalar& body, Half half) {
  if (!depends_on_arguments(body)) {
    const double value = evaluate(body, {.arguments = {}});
    return constant_curve(value);
  }
  if (const auto table = piecewise_linear(body)) return table_curve(*table, half);
  const Curve argument{.rises = 1, .negative = half.negative, .positive = half.positive};
  return CurveBody(body).rules(std::array{argument});
}

Curve intersected(const Curve& a, const Curve& b) {
  return {.rises = a.rises & b.rises,
          .falls = a.falls & b.falls,
          .bends_up = a.bends_up && b.bends_up,
          .bends_down = a.bends_down && b.bends_down,
          .negative = a.negative && b.negative,
          .positive = a.positive && b.positive,
          .value = std::isnan(a.value) ? b.value : a.value};
}

}  // namespace

std::optional<Curve> curve_of_one_variable(const Scalar& body, bool negative, bool positive) {
  if (!all_nodes(body, is_closed)) return {};
  const Half half{negative, positive};
  if (!negative || !positive) {
    if (!negative && !positive) return run_on(body, {true, true});
    const Scalar part = restricted(body, positive);
    const std::array<double, 1> zero{0.0};
    // The end of the half line belongs to it: value there and limit must agree.
    if (evaluate(part, {.arguments = zero}) == evaluate(body, {.arguments = zero})) return run_on(part, half);
    return run_on(body, half);
  }
  const Curve whole = run_on(body, half);
  if (piecewise_linear(body)) return whole;
  return intersected(whole, glued(body));
}

}  // namespace crease
