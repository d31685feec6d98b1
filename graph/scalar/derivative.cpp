// Slopes, exact directional derivatives and kinks of scalar expressions: three rule sets for one walk.
#include <algorithm>
#include <cmath>
#include <optional>

#include "graph/error.h"
#include "graph/scalar/differentiate.h"
#include "graph/scalar/forms.h"
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

DerivativeRules one_sided_rules(int position, Side side, uint64_t constants, AtNan at_nan) {
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
          .falls = moves(false),
          .at_nan = at_nan};
}

/// Whether some kink of the body is decided by several arguments together.
bool has_shared_kink(const Scalar& body, int position, uint64_t constants) {
  return any_step(body, [&](const Scalar& node) {
    const auto t = node.terms();
    const bool compares = node.kind() == Kind::Max || node.kind() == Kind::Min || node.kind() == Kind::Less ||
                          node.kind() == Kind::LessEqual || node.kind() == Kind::Equal;
    return compares && !own_kink(t[0], t[1], position, constants);
  });
}

/// Two constant slopes with one kink between them: `below` left of the condition's end, `above` elsewhere.
struct OneKink {
  Scalar before, until;  // u < v and u <= v
  double below, above;
  double left, right;  // at the kink
};

std::optional<OneKink> one_kink(const Scalar& left, const Scalar& right) {
  if (left.kind() != Kind::Select || right.kind() != Kind::Select) return {};
  const auto l = left.terms(), r = right.terms();
  const Kind kind = l[0].kind();
  const bool compares = kind == Kind::Less || kind == Kind::LessEqual;
  const bool constant = l[1].kind() == Kind::Constant && l[2].kind() == Kind::Constant;
  if (!compares || !constant || !l[1].same(r[1]) || !l[2].same(r[2])) return {};
  const Scalar u = l[0].terms()[0], v = l[0].terms()[1];
  if (!r[0].same(kind == Kind::Less ? u <= v : u < v)) return {};
  const double below = l[1].constant(), above = l[2].constant();
  const bool left_below = kind == Kind::LessEqual;
  return OneKink{u < v, u <= v, below, above, left_below ? below : above, left_below ? above : below};
}

Scalar with_slope_at(const OneKink& kink, double slope) {
  return select(kink.before, kink.below, select(kink.until, slope, kink.above));
}

/// (1 - s) left + s right where they differ.
Scalar between(const Scalar& left, const Scalar& right, double s) {
  if (const auto kink = one_kink(left, right))
    return with_slope_at(*kink, (1 - s) * kink->left + s * kink->right);
  return select(equal(left, right), left, (1 - s) * left + s * right);
}

/// The element of least magnitude of the interval between two slopes: 0 clamped to it.
Scalar least_norm(const Scalar& left, const Scalar& right) {
  const auto kink = one_kink(left, right);
  if (!kink) return max(min(left, right), min(max(left, right), 0));
  if (kink->left * kink->right < 0) return with_slope_at(*kink, 0);
  return std::abs(kink->left) <= std::abs(kink->right) ? left : right;
}

}  // namespace

Scalar slope(const Scalar& expression, int position, Side side, uint64_t constants, AtNan at_nan) {
  const DerivativeRules rules = one_sided_rules(position, side, constants, at_nan);
  return Differentiate(rules)(expression);
}

Scalar slope(const Scalar& expression, int position, const Tie& tie, uint64_t constants, AtNan at_nan) {
  const Scalar left = slope(expression, position, Side::Left, constants, at_nan);
  const Scalar right = slope(expression, position, Side::Right, constants, at_nan);
  if (left.same(right)) return left;
  switch (tie.rule()) {
    case Tie::Rule::Left: return left;
    case Tie::Rule::Right: return right;
    case Tie::Rule::Mid:
    case Tie::Rule::Value: return between(left, right, tie.weight());
    case Tie::Rule::MinNorm:
      return has_shared_kink(expression, position, constants) ? between(left, right, 0.5)
                                                              : least_norm(left, right);
    case Tie::Rule::Trap: break;
  }
  fail("Tie::trap selects no derivative at a kink of {}", to_string(expression));
}

Scalar slope(const Scalar& expression, int position, Side side, uint64_t constants) {
  return slope(expression, position, side, constants, AtNan::Nan);
}

Scalar slope(const Scalar& expression, int position, const Tie& tie, uint64_t constants) {
  return slope(expression, position, tie, constants, AtNan::Nan);
}

Scalar decided_slope(const Scalar& expression, int position, Side side, uint64_t constants, AtNan at_nan) {
  DerivativeRules rules = one_sided_rules(position, side, constants, at_nan);
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
