// Slopes, exact directional derivatives and kinks of scalar expressions: three rule sets for one walk.
#include <algorithm>

#include "graph/error.h"
#include "graph/scalar/differentiate.h"
#include "graph/scalar/lock.h"

namespace crease {
namespace {

using Kind = ScalarKind;

/// Whether a kink between u and v is decided by argument `position` alone, but for `constants`.
bool own_kink(const Scalar& u, const Scalar& v, int position, uint64_t constants) {
  for (int p = 0; p < std::max(arity(u), arity(v)); ++p) {
    const bool constant = p < 64 && (constants >> p & 1) != 0;
    if (p != position && !constant && (depends_on(u, p) || depends_on(v, p))) return false;
  }
  return true;
}

DerivativeRules one_sided_rules(int position, Side side, uint64_t constants) {
  const bool right = side == Side::Right;
  // Moving right along one argument, max follows the greater slope; moving left, the smaller one (both are
  // slopes per unit step to the right). If several arguments decide, the kink's own variable first - second
  // is taken from the side.
  const auto tie = [=](bool is_max) {
    return [=](const Scalar& y, const Scalar& da, const Scalar& db) {
      if (own_kink(y.terms()[0], y.terms()[1], position, constants))
        return right == is_max ? max(da, db) : min(da, db);
      return right == is_max ? da : db;
    };
  };
  // The sign of v - u next to the point: of its slope d(v - u) on the right, of its negative on the left. A
  // kink of several arguments is entered from the side by its own variable: the one that is not constant, or
  // u - v.
  const auto moves = [=](bool up) {
    return [=](const Scalar& u, const Scalar& v, const Scalar& du, const Scalar& dv) {
      if (own_kink(u, v, position, constants)) return right == up ? dv > du : dv < du;
      const bool grows = depends_on_arguments(u) ? !right : right;
      return Scalar(grows == up ? 1 : 0);
    };
  };
  return {.argument = [=](int p) { return Scalar(p == position ? 1 : 0); },
          .max_tie = tie(true),
          .min_tie = tie(false),
          .rises = moves(true),
          .falls = moves(false)};
}

/// Whether some kink of the body is decided by several arguments together.
bool has_shared_kink(const Scalar& node, int position, uint64_t constants) {
  const auto t = node.terms();
  const bool compares = node.kind() == Kind::Max || node.kind() == Kind::Min || node.kind() == Kind::Less ||
                        node.kind() == Kind::LessEqual || node.kind() == Kind::Equal;
  if (compares && !own_kink(t[0], t[1], position, constants)) return true;
  return std::any_of(t.begin(), t.end(),
                     [&](const Scalar& term) { return has_shared_kink(term, position, constants); });
}

}  // namespace

Scalar slope(const Scalar& expression, int position, Side side, uint64_t constants) {
  const DerivativeRules rules = one_sided_rules(position, side, constants);
  return Differentiate(rules)(expression);
}

Scalar slope(const Scalar& expression, int position, const Tie& tie, uint64_t constants) {
  const Scalar left = slope(expression, position, Side::Left, constants);
  const Scalar right = slope(expression, position, Side::Right, constants);
  if (left.same(right)) return left;
  const auto between = [&](double s) { return select(equal(left, right), left, (1 - s) * left + s * right); };
  switch (tie.rule()) {
    case Tie::Rule::Left: return left;
    case Tie::Rule::Right: return right;
    case Tie::Rule::Mid:
    case Tie::Rule::Value: return between(tie.weight());
    case Tie::Rule::MinNorm:
      if (has_shared_kink(expression, position, constants)) return between(0.5);
      return max(min(left, right), min(max(left, right), 0));  // 0 clamped to the slopes' interval
    case Tie::Rule::Trap: break;
  }
  fail("Tie::trap selects no derivative at a kink of {}", to_string(expression));
}

Scalar decided_slope(const Scalar& expression, int position, Side side, uint64_t constants) {
  DerivativeRules rules = one_sided_rules(position, side, constants);
  rules.decided = true;
  return Differentiate(rules)(expression);
}

Scalar directional(const Scalar& expression, int argument_count) {
  return ScalarLock(expression, argument_count, 1).tangent(0);
}

std::vector<Scalar> kink_conditions(const Scalar& expression) {
  std::vector<Scalar> conditions;
  const auto add = [&](const Scalar& u, const Scalar& v) {
    if (!depends_on_arguments(u) && !depends_on_arguments(v)) return;
    const Scalar hit = equal(u, v);
    const bool known =
        std::any_of(conditions.begin(), conditions.end(), [&](const Scalar& c) { return c.same(hit); });
    if (!known) conditions.push_back(hit);
  };
  rewrite(expression, [&](const Scalar& node, std::span<const Scalar>) {
    const auto t = node.terms();
    switch (node.kind()) {
      case Kind::Max:
      case Kind::Min:
      case Kind::Less:
      case Kind::LessEqual:
      case Kind::Equal: add(t[0], t[1]); break;
      case Kind::Floor: add(t[0], floor(t[0])); break;
      default: break;
    }
    return node;
  });
  return conditions;
}

}  // namespace crease
