// Slopes, exact directional derivatives and kinks of scalar expressions.
//
// All three are one walk. A rule set says what the derivative of an argument is and which side counts where
// two terms of a comparison meet; everything else is the chain rule, with structural zeros: a factor that is
// identically 0 removes its term, so that 0 * infinity never arises from a path that does not exist.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <unordered_map>

#include "graph/error.h"
#include "graph/scalar/node.h"

namespace crease {
namespace {

using Kind = ScalarKind;

bool is_zero(const Scalar& x) { return x.is_constant(0); }
/// a * b where an identically zero factor wins over anything.
Scalar times(const Scalar& a, const Scalar& b) { return is_zero(a) || is_zero(b) ? Scalar(0) : a * b; }

/// What differs between one-sided slopes and directional derivatives.
struct Rules {
  /// Derivative of Argument(position).
  std::function<Scalar(int)> argument;
  /// Derivative of max(a, b) where a == b.
  std::function<Scalar(const Scalar& node, const Scalar& da, const Scalar& db)> max_tie, min_tie;
  /// Where u == v: whether v - u is positive right next to the point on the side that counts; and whether it
  /// is negative.
  std::function<Scalar(const Scalar& u, const Scalar& v, const Scalar& du, const Scalar& dv)> rises, falls;
  bool strong_zero = false;  // a zero tangent stays zero below an infinite slope
};

class Differentiate {
 public:
  explicit Differentiate(const Rules& rules) : rules_(rules) {}

  Scalar operator()(const Scalar& node) {
    if (!depends_on_arguments(node)) return 0;
    if (const auto it = done_.find(node.id()); it != done_.end()) return it->second;
    const Scalar result = derive(node);
    done_.emplace(node.id(), result);
    return result;
  }

 private:
  Scalar derive(const Scalar& y) {
    const auto t = y.terms();
    switch (y.kind()) {
      case Kind::Argument: return rules_.argument(y.position());
      case Kind::Add: return (*this)(t[0]) + (*this)(t[1]);
      case Kind::Subtract: return (*this)(t[0]) - (*this)(t[1]);
      case Kind::Negate: return -(*this)(t[0]);
      case Kind::Multiply: return times((*this)(t[0]), t[1]) + times(t[0], (*this)(t[1]));
      case Kind::Divide: return quotient(y, t[0], t[1]);
      case Kind::Max: return extremum(y, rules_.max_tie, t[0] > t[1], t[0] < t[1]);
      case Kind::Min: return extremum(y, rules_.min_tie, t[0]<t[1], t[0]> t[1]);
      case Kind::Select: return branch(t[0], (*this)(t[1]), (*this)(t[2]));
      default: return unary(y, t[0]);
    }
  }

  /// Derivative of y = f(x) for a smooth f of one term; comparisons and floor are locally constant.
  Scalar unary(const Scalar& y, const Scalar& x) {
    const Scalar dx = (*this)(x);
    if (is_zero(dx)) return 0;
    switch (y.kind()) {
      case Kind::Exp: return times(dx, y);
      case Kind::Expm1: return times(dx, exp(x));
      case Kind::Log: return guarded(dx, dx / x);
      case Kind::Log1p: return guarded(dx, dx / (1 + x));
      case Kind::Sqrt: return guarded(dx, dx * 0.5 / y);
      case Kind::Sin: return times(dx, cos(x));
      case Kind::Cos: return -times(dx, sin(x));
      case Kind::Tanh: return times(dx, 1 - y * y);
      case Kind::Sigmoid: return times(dx, y * (1 - y));
      case Kind::Softplus: return times(dx, sigmoid(x));
      case Kind::Erf: return times(dx, 2 * std::numbers::inv_sqrtpi * exp(-(x * x)));
      default: return 0;
    }
  }

  Scalar guarded(const Scalar& dx, const Scalar& slope) const {
    return rules_.strong_zero && dx.kind() != Kind::Constant ? select(equal(dx, 0), 0, slope) : slope;
  }

  Scalar quotient(const Scalar& y, const Scalar& a, const Scalar& b) {
    const Scalar da = (*this)(a), db = (*this)(b);
    if (is_zero(db)) return is_zero(da) ? Scalar(0) : da / b;
    return guarded(db, (da - times(y, db)) / b);
  }

  Scalar extremum(const Scalar& y, const auto& tie, const Scalar& first_wins, const Scalar& second_wins) {
    const Scalar da = (*this)(y.terms()[0]), db = (*this)(y.terms()[1]);
    if (da.same(db)) return da;
    const Scalar tied = tie(y, da, db);
    if (tied.same(db)) return select(first_wins, da, db);
    if (tied.same(da)) return select(second_wins, db, da);
    return select(first_wins, da, select(second_wins, db, tied));
  }

  Scalar branch(const Scalar& condition, const Scalar& da, const Scalar& db) {
    return da.same(db) ? da : select(limit(condition), da, db);
  }

  /// The truth value of a condition right next to the point, on the side that counts.
  Scalar limit(const Scalar& c) {
    const auto t = c.terms();
    switch (c.kind()) {
      case Kind::Less: return (t[0] < t[1]) || (equal(t[0], t[1]) && rising(t[0], t[1]));
      case Kind::LessEqual: return (t[0] < t[1]) || (equal(t[0], t[1]) && !falling(t[0], t[1]));
      case Kind::Equal: return equal(t[0], t[1]) && !(rising(t[0], t[1]) || falling(t[0], t[1]));
      case Kind::And: return limit(t[0]) && limit(t[1]);
      case Kind::Or: return limit(t[0]) || limit(t[1]);
      case Kind::Not: return !limit(t[0]);
      default: return c;
    }
  }

  Scalar rising(const Scalar& u, const Scalar& v) { return rules_.rises(u, v, (*this)(u), (*this)(v)); }
  Scalar falling(const Scalar& u, const Scalar& v) { return rules_.falls(u, v, (*this)(u), (*this)(v)); }

  const Rules& rules_;
  std::unordered_map<const ScalarNode*, Scalar> done_;
};

/// Whether a kink between u and v is decided by argument `position` alone, but for `constants`.
bool own_kink(const Scalar& u, const Scalar& v, int position, uint64_t constants) {
  for (int p = 0; p < std::max(arity(u), arity(v)); ++p) {
    const bool constant = p < 64 && (constants >> p & 1) != 0;
    if (p != position && !constant && (depends_on(u, p) || depends_on(v, p))) return false;
  }
  return true;
}

Rules one_sided_rules(int position, Side side, uint64_t constants) {
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
  const Rules rules = one_sided_rules(position, side, constants);
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

Scalar directional(const Scalar& expression, int argument_count) {
  const Rules rules{
      .argument = [=](int p) { return Scalar::argument(argument_count + p); },
      .max_tie = [](const Scalar&, const Scalar& da, const Scalar& db) { return max(da, db); },
      .min_tie = [](const Scalar&, const Scalar& da, const Scalar& db) { return min(da, db); },
      .rises = [](const Scalar&, const Scalar&, const Scalar& du, const Scalar& dv) { return dv > du; },
      .falls = [](const Scalar&, const Scalar&, const Scalar& du, const Scalar& dv) { return dv < du; },
      .strong_zero = true};
  return Differentiate(rules)(expression);
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
