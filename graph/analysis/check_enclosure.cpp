#include "graph/analysis/check_enclosure.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "graph/analysis/check_replay.h"
#include "graph/scalar/forms.h"

namespace crease::checker {

namespace {

constexpr int64_t grid_power = -160;

const Rational& grid() {
  static const Rational size = Rational::dyadic(1, grid_power);
  return size;
}

Enclosure rounded(const Enclosure& x) { return {x.low.floor(grid_power), -(-x.high).floor(grid_power)}; }

Enclosure exactly(const Rational& x) { return {x, x}; }

Enclosure plus(const Enclosure& a, const Enclosure& b) { return {a.low + b.low, a.high + b.high}; }
Enclosure negated(const Enclosure& a) { return {-a.high, -a.low}; }

Enclosure times(const Enclosure& a, const Enclosure& b) {
  const Rational products[] = {a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high};
  return {std::ranges::min(products), std::ranges::max(products)};
}

Enclosure inverse(const Enclosure& a) {
  if (a.low.sign() <= 0 && a.high.sign() >= 0) throw Refused("division by what may be 0");
  return {Rational(1) / a.high, Rational(1) / a.low};
}

/// e^x: the series for x / 2^n with |x / 2^n| <= 1/2, whose remainder after term k is at most twice that
/// term, squared n times.
Enclosure exp_of(const Rational& x) {
  if (x.abs() > Rational(4096)) throw Refused("an exponent is beyond 4096");
  int halvings = 0;
  Rational small = x;
  for (; small.abs() > Rational(1, 2); ++halvings) small = small * Rational(1, 2);
  Rational term = 1, sum = 1;
  for (int64_t k = 1; k <= 40; ++k) {
    term = (term * small / Rational(k)).floor(grid_power);
    sum += term;
  }
  // Each of 40 terms is off by less than two steps of the grid; what is left out is below 2^-200.
  const Rational error = Rational(128) * grid();
  Enclosure result{sum - error, sum + error};
  for (; halvings > 0; --halvings) result = rounded(times(result, result));
  return {std::max(result.low, Rational(0)), result.high};
}

Enclosure exp_of(const Enclosure& x) { return {exp_of(x.low).low, exp_of(x.high).high}; }

/// log x = y + log(x e^-y) for y next to it, where t / (1 + t) <= log(1 + t) <= t leaves t^2 between.
/// Source: Abramowitz and Stegun 1964, 4.1.33.
Enclosure log_of(const Rational& x) {
  if (x.sign() <= 0) throw Refused("the logarithm of what may not be positive");
  const double near = std::log(x.to_double());
  if (!std::isfinite(near)) throw Refused("a logarithm is asked for beyond all doubles");
  const Rational y = Rational::of(near);
  // Of e^y and e^-y the one that is not small, whose digits are all on the grid.
  const Enclosure ratio = times(exactly(x), near > 0 ? inverse(exp_of(y)) : exp_of(-y));
  return rounded({y + (ratio.low - 1) / ratio.low, y + ratio.high - 1});
}

Enclosure log_of(const Enclosure& x) { return {log_of(x.low).low, log_of(x.high).high}; }

/// log(1 + e^x) = max(x, 0) + log(1 + e^-|x|).
Enclosure softplus_of(const Rational& x) {
  return plus(exactly(std::max(x, Rational(0))), log_of(plus(exactly(1), exp_of(-x.abs()))));
}

Enclosure softplus_of(const Enclosure& x) { return {softplus_of(x.low).low, softplus_of(x.high).high}; }

Enclosure sqrt_of(const Enclosure& x) {
  if (x.low.sign() < 0) throw Refused("the root of what may be negative");
  // One step of Newton's method doubles the digits of the guess.
  const auto near = [](const Rational& y) {
    const Rational guess = Rational::of(std::sqrt(y.to_double()));
    if (guess.is_zero()) return guess;
    return ((guess + y / guess) * Rational(1, 2)).floor(grid_power);
  };
  const Rational step = Rational::dyadic(1, -80);
  const Enclosure result{std::max(near(x.low) * (Rational(1) - step), Rational(0)),
                         near(x.high) * (Rational(1) + step)};
  if (result.low * result.low > x.low || result.high * result.high < x.high)
    throw Refused("a root is not confirmed");
  return result;
}

/// Sum over n of (-1)^n weight(n) p(n), where p(0) = first, p(n + 1) = p(n) square / divisor(n) and weight
/// falls. Once p falls too, what is left out is below the next term.
template <class Weight, class Divisor>
Enclosure alternating(const Rational& first, const Rational& square, const Weight& weight,
                      const Divisor& divisor) {
  Enclosure power = exactly(first), sum = exactly(0);
  for (int64_t n = 0;; ++n) {
    const Enclosure term = rounded(times(power, exactly(weight(n))));
    if (divisor(n) > square && term.high < Rational(4) * grid()) return plus(sum, {-term.high, term.high});
    sum = plus(sum, n % 2 == 0 ? term : negated(term));
    power = rounded(times(power, exactly(square / divisor(n))));
  }
}

/// 2 / sqrt(pi) times the sum of (-1)^n x^(2n+1) / (n! (2n+1)).
Enclosure erf_of(const Rational& x) {
  if (x.sign() < 0) return negated(erf_of(-x));
  if (x >= Rational(7)) return {Rational(1) - Rational::dyadic(1, -70), 1};  // 1 - erf(7) < 2^-74
  static const Rational factor = Rational::parse("1.128379167095512573896158903121545171688101258657997713");
  static const Rational digit = Rational::parse("1e-54");
  const Enclosure sum = alternating(
      x, x * x, [](int64_t n) { return Rational(1, 2 * n + 1); }, [](int64_t n) { return Rational(n + 1); });
  return times(sum, {factor, factor + digit});
}

Enclosure erf_of(const Enclosure& x) { return {erf_of(x.low).low, erf_of(x.high).high}; }

/// Both change by no more than their argument, so the value in the middle says enough.
Enclosure wave_of(const Enclosure& x, bool sine) {
  const Rational middle = (x.low + x.high) / 2, width = (x.high - x.low) / 2;
  if (middle.abs() > Rational(64)) throw Refused("a wave is asked for beyond 64");
  const Rational size = middle.abs(), square = size * size;
  const Enclosure value = alternating(
      sine ? size : Rational(1), square, [](int64_t) { return Rational(1); },
      [sine](int64_t n) {
        const int64_t k = 2 * n + (sine ? 2 : 1);
        return Rational(k * (k + 1));
      });
  return plus(sine && middle.sign() < 0 ? negated(value) : value, {-width, width});
}

/// 1 / (1 + e^-x).
Enclosure sigmoid_of(const Enclosure& x) { return inverse(plus(exactly(1), exp_of(negated(x)))); }

Enclosure truth(bool always, bool never) {
  if (!always && !never) throw Refused("a comparison is not decided by enclosures");
  return exactly(always ? 1 : 0);
}

bool is_true(const Enclosure& x) {
  if (x.low != x.high) throw Refused("a condition is not decided by enclosures");
  return !x.low.is_zero();
}

Enclosure compared(ScalarKind kind, const Enclosure& a, const Enclosure& b) {
  if (kind == ScalarKind::Max) return {std::max(a.low, b.low), std::max(a.high, b.high)};
  if (kind == ScalarKind::Min) return {std::min(a.low, b.low), std::min(a.high, b.high)};
  if (kind == ScalarKind::Less) return truth(a.high < b.low, a.low >= b.high);
  if (kind == ScalarKind::LessEqual) return truth(a.high <= b.low, a.low > b.high);
  if (kind == ScalarKind::And) return exactly(is_true(a) && is_true(b) ? 1 : 0);
  if (kind == ScalarKind::Or) return exactly(is_true(a) || is_true(b) ? 1 : 0);
  const bool single = a.low == a.high && b.low == b.high;
  return truth(single && a.low == b.low, a.high < b.low || b.high < a.low);
}

Enclosure combined(Combine combine, const Enclosure& a, const Enclosure& b) {
  switch (combine) {
    case Combine::Sum: return plus(a, b);
    case Combine::Product: return times(a, b);
    case Combine::Max: return {std::max(a.low, b.low), std::max(a.high, b.high)};
    case Combine::Min: return {std::min(a.low, b.low), std::min(a.high, b.high)};
    case Combine::Assign: throw Refused("two loop points assign one element");
    case Combine::ArgMax:
    case Combine::ArgMin: throw Refused("argmax has no enclosure");
  }
  return a;
}

}  // namespace

Enclosure enclosed_body(const Scalar& body, std::span<const Enclosure> arguments,
                        std::span<const int64_t> labels) {
  return fold_asked<Enclosure>(body, [&](const Scalar& e, const auto& of) -> Enclosure {
    const auto term = [&](size_t k) -> const Enclosure& { return of(e.terms()[k]); };
    switch (e.kind()) {
      case ScalarKind::Constant:
        if (!std::isfinite(e.constant())) throw Refused("a constant is not finite");
        return exactly(Rational::of(e.constant()));
      case ScalarKind::Argument: return arguments[static_cast<size_t>(e.position())];
      case ScalarKind::Index: return exactly(labels[static_cast<size_t>(e.position())]);
      case ScalarKind::Add: return plus(term(0), term(1));
      case ScalarKind::Subtract: return plus(term(0), negated(term(1)));
      case ScalarKind::Multiply: return times(term(0), term(1));
      case ScalarKind::Divide: return times(term(0), inverse(term(1)));
      case ScalarKind::Negate: return negated(term(0));
      case ScalarKind::Select: return is_true(term(0)) ? term(1) : term(2);
      case ScalarKind::Not: return exactly(is_true(term(0)) ? 0 : 1);
      case ScalarKind::Max:
      case ScalarKind::Min:
      case ScalarKind::Less:
      case ScalarKind::LessEqual:
      case ScalarKind::Equal:
      case ScalarKind::And:
      case ScalarKind::Or: return compared(e.kind(), term(0), term(1));
      default: return enclosed_function(e.kind(), e.terms().empty() ? exactly(0) : term(0));
    }
  });
}

Enclosure enclosed_function(ScalarKind kind, const Enclosure& given) {
  const Enclosure x = rounded(given);
  switch (kind) {
    case ScalarKind::Erf: return erf_of(x);
    case ScalarKind::Sin: return wave_of(x, true);
    case ScalarKind::Cos: return wave_of(x, false);
    case ScalarKind::Exp: return exp_of(x);
    case ScalarKind::Expm1: return plus(exp_of(x), exactly(-1));
    case ScalarKind::Log: return log_of(x);
    case ScalarKind::Log1p: return log_of(plus(x, exactly(1)));
    case ScalarKind::Sqrt: return sqrt_of(x);
    case ScalarKind::Sigmoid: return sigmoid_of(x);
    case ScalarKind::Softplus: return softplus_of(x);
    // tanh(x) = 2 sigmoid(2 x) - 1
    case ScalarKind::Tanh: return plus(times(exactly(2), sigmoid_of(times(exactly(2), x))), exactly(-1));
    default: throw Refused(std::string(name_of(kind)) + " has no enclosure here");
  }
}

std::vector<Enclosure> enclosed_node(const Graph& graph, NodeId id, const EnclosedValues& known) {
  const Node& node = graph.node(id);
  std::vector<Enclosure> result;
  if (node.role != Role::Apply) {
    for (const Rational& value : values_of(graph, id, {})) result.push_back(exactly(value));
    return result;
  }
  require_separate_samples(graph, id);
  const Combine combine = node.op->combine;
  const auto count = static_cast<size_t>(sample_size(node.shape));
  result.assign(count, exactly(combine == Combine::Product ? 1 : 0));
  std::vector<bool> seen(count);
  std::vector<Enclosure> arguments(node.operands.size());
  visit_points(graph, id, [&](const Touch& touch) {
    for (size_t k = 0; k < arguments.size(); ++k)
      arguments[k] = known.at(node.operands[k])[static_cast<size_t>(touch.reads[k])];
    const Enclosure value = enclosed_body(node.op->body.expression, arguments, touch.labels);
    const auto place = static_cast<size_t>(touch.write);
    result[place] = seen[place] ? combined(combine, result[place], value) : value;
    seen[place] = true;
  });
  const bool needs_one = combine == Combine::Max || combine == Combine::Min;
  if (needs_one && std::ranges::find(seen, false) != seen.end())
    throw Refused("an extremum over nothing is infinite");
  for (Enclosure& value : result) value = rounded(value);
  return result;
}

}  // namespace crease::checker
