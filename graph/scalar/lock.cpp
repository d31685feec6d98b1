#include "graph/scalar/lock.h"

#include <algorithm>
#include <memory>

#include "graph/scalar/differentiate.h"

namespace crease {
namespace {

using Kind = ScalarKind;

/// The tangents of one body in all directions, each decided by all of them at kinks.
class Tangents {
 public:
  Tangents(int arguments, int directions) {
    for (int j = 0; j < directions; ++j)
      rules_.push_back(std::make_unique<DerivativeRules>(
          rules([=](int p) { return Scalar::argument(arguments * (1 + j) + p); })));
    // With one direction the tangent of a tied max is the greater of the two: the same number, more plainly.
    if (directions == 1) {
      rules_[0]->max_tie = [](const Scalar&, const Scalar& da, const Scalar& db) { return max(da, db); };
      rules_[0]->min_tie = [](const Scalar&, const Scalar& da, const Scalar& db) { return min(da, db); };
    }
    for (const auto& rule : rules_) walks_.push_back(std::make_unique<Differentiate>(*rule));
  }

  Scalar along(int direction, const Scalar& node) { return (*walks_[static_cast<size_t>(direction)])(node); }

  /// Whether u < v right next to a point where u == v.
  Scalar less(const Scalar& u, const Scalar& v) {
    Scalar result = 0;
    for (size_t j = walks_.size(); j-- > 0;) {
      const Scalar du = (*walks_[j])(u), dv = (*walks_[j])(v);
      result = (du < dv) || (equal(du, dv) && result);
    }
    return result;
  }

  /// Whether u and v stay equal in every direction.
  Scalar together(const Scalar& u, const Scalar& v) {
    Scalar result = 1;
    for (const auto& walk : walks_) result = result && equal((*walk)(u), (*walk)(v));
    return result;
  }

  DerivativeRules rules(std::function<Scalar(int)> argument) {
    return {.argument = std::move(argument),
            .max_tie = [this](const Scalar& y, const Scalar& da,
                              const Scalar& db) { return select(less(y.terms()[1], y.terms()[0]), da, db); },
            .min_tie = [this](const Scalar& y, const Scalar& da,
                              const Scalar& db) { return select(less(y.terms()[1], y.terms()[0]), db, da); },
            .rises = [this](const Scalar& u, const Scalar& v, const Scalar&,
                            const Scalar&) { return less(u, v); },
            .falls = [this](const Scalar& u, const Scalar& v, const Scalar&,
                            const Scalar&) { return less(v, u); },
            .strong_zero = true};
  }

 private:
  std::vector<std::unique_ptr<DerivativeRules>> rules_;
  std::vector<std::unique_ptr<Differentiate>> walks_;
};

bool is_comparison(Kind kind) { return kind == Kind::Less || kind == Kind::LessEqual || kind == Kind::Equal; }

/// Counts the comparisons of the body for which `condition(u, v)` holds.
template <class Condition>
Scalar count(const Scalar& body, Condition condition) {
  Scalar total = 0;
  rewrite(body, [&](const Scalar& node, std::span<const Scalar>) {
    const auto t = node.terms();
    const bool compares = is_comparison(node.kind()) || node.kind() == Kind::Max || node.kind() == Kind::Min;
    if (compares && (depends_on_arguments(t[0]) || depends_on_arguments(t[1])))
      total = total + select(condition(t[0], t[1]), 1, 0);
    if (node.kind() == Kind::Floor && depends_on_arguments(t[0]))
      total = total + select(condition(t[0], node), 1, 0);
    return node;
  });
  return total;
}

}  // namespace

ScalarLock::ScalarLock(const Scalar& body, int argument_count, int direction_count)
    : body_(body), arguments_(argument_count), directions_(direction_count) {}

Scalar ScalarLock::slope(int position, AtNan at_nan) const {
  Tangents tangents(arguments_, directions_);
  DerivativeRules rules = tangents.rules([=](int p) { return Scalar(p == position ? 1 : 0); });
  rules.at_nan = at_nan;
  return Differentiate(rules)(body_);
}

Scalar ScalarLock::tangent(int direction) const {
  return Tangents(arguments_, directions_).along(direction, body_);
}

Scalar ScalarLock::value() const {
  Tangents tangents(arguments_, directions_);
  const DerivativeRules rules = tangents.rules([](int) { return Scalar(0); });
  Differentiate walk(rules);
  return rewrite(body_, [&](const Scalar& node, std::span<const Scalar> terms) {
    if (is_comparison(node.kind())) return walk.limit(node);
    if (node.kind() == Kind::Floor) {
      const Scalar& x = node.terms()[0];
      return select(equal(node, x) && tangents.less(x, node), node - 1, node);
    }
    return terms.empty() ? node : make_scalar(node.kind(), {terms.begin(), terms.end()});
  });
}

Scalar ScalarLock::unresolved() const {
  Tangents tangents(arguments_, directions_);
  return count(body_,
               [&](const Scalar& u, const Scalar& v) { return equal(u, v) && tangents.together(u, v); });
}

Scalar ScalarLock::hits() const {
  return count(body_, [](const Scalar& u, const Scalar& v) { return equal(u, v); });
}

bool ScalarLock::can_jump() const {
  bool jumps = false;
  rewrite(body_, [&](const Scalar& node, std::span<const Scalar>) {
    jumps |= (is_comparison(node.kind()) || node.kind() == Kind::Floor) && depends_on_arguments(node);
    return node;
  });
  return jumps;
}

}  // namespace crease
