#include "graph/analysis/convexity/curve.h"

#include <cmath>

#include "graph/analysis/convexity/one_variable.h"

namespace crease {
namespace {

bool nonnegative(const Curve& c) { return !c.negative; }
bool nonpositive(const Curve& c) { return !c.positive; }

/// x * factor, the factor not varying.
Curve scaled(const Curve& c, const Curve& factor) {
  if (!factor.negative && !factor.positive) return constant_curve(0);
  if (!factor.negative) return {c.rises, c.falls, c.bends_up, c.bends_down, c.negative, c.positive};
  const Curve flipped = negated_curve(c);
  if (!factor.positive)
    return {flipped.rises,      flipped.falls,    flipped.bends_up,
            flipped.bends_down, flipped.negative, flipped.positive};
  Curve result = either(c, flipped);
  result.value = NAN;
  return result;
}

Curve square(const Curve& c) {
  const uint64_t all = c.rises | c.falls;
  Curve result{.positive = c.negative || c.positive};
  result.rises = (c.positive ? c.rises : 0) | (c.negative ? c.falls : 0);
  result.falls = (c.positive ? c.falls : 0) | (c.negative ? c.rises : 0);
  result.bends_up = all != 0;
  // (c^2)'' = 2 c'^2 + 2 c c''
  result.bends_down = (c.bends_down && c.positive) || (c.bends_up && c.negative);
  return result;
}

enum class Bend : uint8_t { Up, Down, Both };

/// A nondecreasing function that bends one way, or both.
Curve rising(const Curve& c, Bend bend) {
  Curve result = c;
  const bool varies = !c.is_constant();
  result.bends_up = bend == Bend::Down ? c.bends_up : varies;
  result.bends_down = bend == Bend::Up ? c.bends_down : varies;
  result.value = NAN;
  return result;
}

Curve with_signs(Curve c, bool negative, bool positive) {
  c.negative = negative;
  c.positive = positive;
  return c;
}

/// tanh and erf: convex below 0, concave above.
Curve sigmoidal(const Curve& c) {
  if (nonnegative(c)) return rising(c, Bend::Down);
  if (nonpositive(c)) return rising(c, Bend::Up);
  return rising(c, Bend::Both);
}

Curve quotient(const Curve& a, const Curve& b) {
  if (b.is_constant()) return scaled(a, b);
  Curve result = anything(either(a, b));
  result.negative = (a.negative && b.positive) || (a.positive && b.negative);
  result.positive = (a.negative && b.negative) || (a.positive && b.positive);
  return result;
}

Curve chosen(const Curve& condition, const Curve& then, const Curve& otherwise) {
  if (condition.is_constant() && !std::isnan(condition.value)) return condition.value != 0 ? then : otherwise;
  const Curve both = either(then, otherwise);
  if (condition.is_constant()) return both;  // the same branch for all inputs
  Curve result = anything(either(condition, both));
  result.negative = both.negative;
  result.positive = both.positive;
  return result;
}

Curve truth_value(const Curve& a, const Curve& b) {
  const Curve both = either(a, b);
  if (both.is_constant()) return with_signs(free_constant(), false, true);
  return with_signs(anything(both), false, true);
}

Curve step_of(const Scalar& node, std::span<const Curve> t) {
  switch (node.kind()) {
    case ScalarKind::Constant: return constant_curve(node.constant());
    case ScalarKind::Index:
    case ScalarKind::Size: return with_signs({}, false, true);
    case ScalarKind::Add: return sum_curve(t[0], t[1]);
    case ScalarKind::Subtract: return sum_curve(t[0], negated_curve(t[1]));
    case ScalarKind::Negate: return negated_curve(t[0]);
    case ScalarKind::Multiply:
      return node.terms()[0].same(node.terms()[1]) ? square(t[0]) : product_curve(t[0], t[1]);
    case ScalarKind::Divide: return quotient(t[0], t[1]);
    case ScalarKind::Max: return max_curve(t[0], t[1]);
    case ScalarKind::Min: return min_curve(t[0], t[1]);
    case ScalarKind::Less:
    case ScalarKind::LessEqual:
    case ScalarKind::Equal:
    case ScalarKind::And:
    case ScalarKind::Or: return truth_value(t[0], t[1]);
    case ScalarKind::Not: return truth_value(t[0], t[0]);
    case ScalarKind::Select: return chosen(t[0], t[1], t[2]);
    case ScalarKind::Exp: return with_signs(rising(t[0], Bend::Up), false, true);
    case ScalarKind::Expm1: return rising(t[0], Bend::Up);
    case ScalarKind::Softplus: return with_signs(rising(t[0], Bend::Up), false, true);
    case ScalarKind::Log: return with_signs(rising(t[0], Bend::Down), true, true);
    case ScalarKind::Log1p: return rising(t[0], Bend::Down);
    case ScalarKind::Sqrt: return with_signs(rising(t[0], Bend::Down), false, true);
    case ScalarKind::Tanh:
    case ScalarKind::Erf: return sigmoidal(t[0]);
    case ScalarKind::Sigmoid: return with_signs(sigmoidal(t[0]), false, true);
    case ScalarKind::Floor: return rising(t[0], Bend::Both);
    case ScalarKind::Sin:
    case ScalarKind::Cos: return with_signs(anything(t[0]), true, true);
    case ScalarKind::Argument: break;
  }
  return with_signs(anything(t[0]), true, true);
}

/// The outer function h of one variable applied to an inner one.
Curve composed(const Curve& h, const Curve& inner) {
  const bool up = h.rises != 0, down = h.falls != 0;
  Curve result{.negative = h.negative, .positive = h.positive, .value = h.value};
  result.rises = (up ? inner.rises : 0) | (down ? inner.falls : 0);
  result.falls = (up ? inner.falls : 0) | (down ? inner.rises : 0);
  if (!up && !down) return result;
  // (h o c)'' = h'' c'^2 + h' c''
  result.bends_up = h.bends_up || (up && inner.bends_up) || (down && inner.bends_down);
  result.bends_down = h.bends_down || (up && inner.bends_down) || (down && inner.bends_up);
  return result;
}

bool is_sum_or_product(ScalarKind kind) {
  return kind == ScalarKind::Add || kind == ScalarKind::Subtract || kind == ScalarKind::Negate ||
         kind == ScalarKind::Multiply || kind == ScalarKind::Constant || kind == ScalarKind::Argument ||
         kind == ScalarKind::Index || kind == ScalarKind::Size;
}

}  // namespace

Curve constant_curve(double value) {
  if (std::isnan(value)) return free_constant();
  return {.negative = value < 0, .positive = value > 0, .value = value};
}

Curve free_constant() { return {.negative = true, .positive = true}; }

Curve either(const Curve& a, const Curve& b) {
  return {.rises = a.rises | b.rises,
          .falls = a.falls | b.falls,
          .bends_up = a.bends_up || b.bends_up,
          .bends_down = a.bends_down || b.bends_down,
          .negative = a.negative || b.negative,
          .positive = a.positive || b.positive,
          .value = a.value == b.value ? a.value : NAN};
}

Curve anything(const Curve& c) {
  const uint64_t all = c.rises | c.falls;
  return {all, all, all != 0, all != 0, true, true};
}

Curve sum_curve(const Curve& a, const Curve& b) {
  Curve result = either(a, b);
  result.value = a.value + b.value;
  return result;
}

Curve negated_curve(const Curve& c) {
  return {c.falls, c.rises, c.bends_down, c.bends_up, c.positive, c.negative, -c.value};
}

Curve max_curve(const Curve& a, const Curve& b) {
  if (nonnegative(a) && nonpositive(b)) return a;
  if (nonnegative(b) && nonpositive(a)) return b;
  Curve result = either(a, b);
  result.bends_up = !result.is_constant();
  result.negative = a.negative && b.negative;
  result.value = result.is_constant() ? (a.value > b.value ? a.value : b.value + 0 * a.value) : NAN;
  return result;
}

Curve min_curve(const Curve& a, const Curve& b) {
  return negated_curve(max_curve(negated_curve(a), negated_curve(b)));
}

Curve product_curve(const Curve& a, const Curve& b) {
  if (b.is_constant()) return scaled(a, b);
  if (a.is_constant()) return scaled(b, a);
  Curve result = anything(either(a, b));
  if (nonnegative(a) && nonnegative(b)) {
    result.rises = a.rises | b.rises;
    result.falls = a.falls | b.falls;
  }
  result.negative = (a.negative && b.positive) || (a.positive && b.negative);
  result.positive = (a.negative && b.negative) || (a.positive && b.positive);
  return result;
}

CurveBody::CurveBody(const Scalar& body) : body_(body), steps_(steps_of(body)) {
  nonlinear_ = any_step(body, [](const Scalar& e) { return !is_sum_or_product(e.kind()); });
  registers_.resize(steps_.size());
}

Curve CurveBody::run(std::span<const Curve> arguments) {
  if (nonlinear_) {
    int varying = 0;
    size_t variable = 0;
    for (size_t k = 0; k < arguments.size(); ++k)
      if (!arguments[k].is_constant()) {
        ++varying;
        variable = k;
      }
    if (varying == 1) return of_one(arguments, variable);
  }
  return rules(arguments);
}

Curve CurveBody::rules(std::span<const Curve> arguments) {
  Curve terms[3];
  for (size_t i = 0; i < steps_.size(); ++i) {
    const BodyStep& step = steps_[i];
    if (step.node.kind() == ScalarKind::Argument) {
      registers_[i] = arguments[static_cast<size_t>(step.node.position())];
      continue;
    }
    for (size_t k = 0; k < step.terms.size(); ++k) terms[k] = registers_[step.terms[k]];
    registers_[i] = step_of(step.node, {terms, step.terms.size()});
  }
  return registers_.back();
}

Curve CurveBody::of_one(std::span<const Curve> arguments, size_t variable) {
  const Curve& inner = arguments[variable];
  std::vector<double> key{static_cast<double>(variable), inner.negative ? 1.0 : 0.0,
                          inner.positive ? 1.0 : 0.0};
  bool known_constants = true;
  for (size_t k = 0; k < arguments.size(); ++k)
    if (k != variable) {
      key.push_back(arguments[k].value);
      known_constants = known_constants && !std::isnan(arguments[k].value);
    }
  if (!known_constants) return rules(arguments);
  auto [place, fresh] = known_.try_emplace(key);
  if (fresh) {
    std::vector<Scalar> values;
    for (size_t k = 0; k < arguments.size(); ++k)
      values.push_back(k == variable ? Scalar::argument(0) : Scalar(arguments[k].value));
    place->second = curve_of_one_variable(substitute(body_, values), inner.negative, inner.positive);
  }
  return place->second ? composed(*place->second, inner) : rules(arguments);
}

}  // namespace crease
