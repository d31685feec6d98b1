// Construction with exact simplification. Every rule keeps the value for every input, infinities and NaN
// included, but for the sign of a zero (x + 0 -> x keeps a negative one that IEEE addition would make
// positive, 0 - x -> -x makes one), and keeps all one-sided slopes.
#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "graph/error.h"
#include "graph/scalar/forms.h"
#include "graph/scalar/node.h"
#include "graph/scalar/tape.h"

namespace crease {

Scalar intern(ScalarNode node);

namespace {

using Kind = ScalarKind;

bool commutes(Kind kind) {
  return kind == Kind::Add || kind == Kind::Multiply || kind == Kind::Max || kind == Kind::Min ||
         kind == Kind::Equal || kind == Kind::And || kind == Kind::Or;
}

Scalar raw(Kind kind, std::vector<Scalar> terms) {
  return intern({.kind = kind, .symbol = {}, .terms = std::move(terms)});
}

/// The simpler equal expression, or nothing. Terms of commuting kinds come with a constant last.
using Result = std::optional<Scalar>;

Result simplify_sum(const Scalar& a, const Scalar& b) {
  if (b.is_constant(0)) return a;
  if (b.kind() == Kind::Negate) return a - b.terms()[0];  // a + -b
  if (a.kind() == Kind::Negate) return b - a.terms()[0];  // -a + b
  return {};
}

Result simplify_difference(const Scalar& a, const Scalar& b) {
  if (b.is_constant(0)) return a;
  if (b.kind() == Kind::Negate) return a + b.terms()[0];  // a - -b
  if (a.is_constant(0) && !std::signbit(a.constant())) return -b;
  return {};
}

Result simplify_product(const Scalar& a, const Scalar& b) {
  if (b.is_constant(1)) return a;
  if (b.is_constant(-1)) return -a;
  if (b.is_constant(0) && a.id()->is_finite) return Scalar(0);
  return {};
}

Result simplify_quotient(const Scalar& a, const Scalar& b) {
  if (b.is_constant(1)) return a;
  int exponent = 0;
  // Division by a power of two is multiplication by its exact inverse.
  if (b.kind() == Kind::Constant && std::isfinite(b.constant()) &&
      std::abs(std::frexp(b.constant(), &exponent)) == 0.5 && std::abs(exponent) < 100)
    return a * Scalar(1 / b.constant());
  return {};
}

Result simplify_select(const Scalar& c, const Scalar& a, const Scalar& b) {
  if (c.kind() == Kind::Constant) return c.constant() != 0 ? a : b;
  if (a.same(b)) return a;
  if (c.kind() == Kind::Not) return select(c.terms()[0], b, a);
  if (a.kind() == Kind::Select && a.terms()[0].same(c)) return select(c, a.terms()[1], b);
  if (b.kind() != Kind::Select) return {};
  if (b.terms()[0].same(c)) return select(c, a, b.terms()[2]);
  if (a.kind() == Kind::Constant && b.terms()[1].same(a)) return select(c || b.terms()[0], a, b.terms()[2]);
  return {};
}

Result simplify_logic(Kind kind, const Scalar& a, const Scalar& b) {
  const Result same = a.id()->is_truth ? Result(a) : Result();
  if (a.same(b)) return same;
  if (b.kind() != Kind::Constant) return {};
  const bool truth = b.constant() != 0;
  return truth == (kind == Kind::And) ? same : Result(Scalar(truth ? 1 : 0));
}

/// max(select(c, 1, 0), 0) = select(c, 1, 0): constants in both branches.
Result simplify_extremum(Kind kind, const Scalar& a, const Scalar& b) {
  if (a.same(b)) return a;
  if (a.kind() != Kind::Select || b.kind() != Kind::Constant) return {};
  const auto t = a.terms();
  if (t[1].kind() != Kind::Constant || t[2].kind() != Kind::Constant) return {};
  return select(t[0], make_scalar(kind, {t[1], b}), make_scalar(kind, {t[2], b}));
}

Result simplify(Kind kind, std::span<const Scalar> t) {
  switch (kind) {
    case Kind::Add: return simplify_sum(t[0], t[1]);
    case Kind::Subtract: return simplify_difference(t[0], t[1]);
    case Kind::Multiply: return simplify_product(t[0], t[1]);
    case Kind::Divide: return simplify_quotient(t[0], t[1]);
    case Kind::Negate: return t[0].kind() == Kind::Negate ? Result(t[0].terms()[0]) : Result();
    case Kind::Max:
    case Kind::Min: return simplify_extremum(kind, t[0], t[1]);
    case Kind::Less: return t[0].same(t[1]) ? Result(Scalar(0)) : Result();
    case Kind::And:
    case Kind::Or: return simplify_logic(kind, t[0], t[1]);
    case Kind::Not:
      return t[0].kind() == Kind::Not && t[0].terms()[0].id()->is_truth ? Result(t[0].terms()[0]) : Result();
    case Kind::Select: return simplify_select(t[0], t[1], t[2]);
    default: return {};
  }
}

}  // namespace

Scalar make_scalar(Kind kind, std::vector<Scalar> terms) {
  ensure(term_count(kind) == static_cast<int>(terms.size()), "{} of {} terms", name_of(kind), terms.size());
  if (std::all_of(terms.begin(), terms.end(), [](const Scalar& t) { return t.kind() == Kind::Constant; }))
    return evaluate(raw(kind, std::move(terms)), {.arguments = {}});
  if (commutes(kind) && terms[0].kind() == Kind::Constant) std::swap(terms[0], terms[1]);
  if (auto simpler = simplify(kind, terms)) return *simpler;
  return raw(kind, std::move(terms));
}

Scalar operator+(const Scalar& a, const Scalar& b) { return make_scalar(Kind::Add, {a, b}); }
Scalar operator-(const Scalar& a, const Scalar& b) { return make_scalar(Kind::Subtract, {a, b}); }
Scalar operator*(const Scalar& a, const Scalar& b) { return make_scalar(Kind::Multiply, {a, b}); }
Scalar operator/(const Scalar& a, const Scalar& b) { return make_scalar(Kind::Divide, {a, b}); }
Scalar operator-(const Scalar& a) { return make_scalar(Kind::Negate, {a}); }
Scalar operator<(const Scalar& a, const Scalar& b) { return make_scalar(Kind::Less, {a, b}); }
Scalar operator<=(const Scalar& a, const Scalar& b) { return make_scalar(Kind::LessEqual, {a, b}); }
Scalar operator>(const Scalar& a, const Scalar& b) { return b < a; }
Scalar operator>=(const Scalar& a, const Scalar& b) { return b <= a; }
Scalar equal(const Scalar& a, const Scalar& b) { return make_scalar(Kind::Equal, {a, b}); }
Scalar operator&&(const Scalar& a, const Scalar& b) { return make_scalar(Kind::And, {a, b}); }
Scalar operator||(const Scalar& a, const Scalar& b) { return make_scalar(Kind::Or, {a, b}); }
Scalar operator!(const Scalar& a) { return make_scalar(Kind::Not, {a}); }
Scalar max(const Scalar& a, const Scalar& b) { return make_scalar(Kind::Max, {a, b}); }
Scalar min(const Scalar& a, const Scalar& b) { return make_scalar(Kind::Min, {a, b}); }
Scalar abs(const Scalar& x) { return max(x, -x); }
Scalar select(const Scalar& condition, const Scalar& then, const Scalar& otherwise) {
  return make_scalar(Kind::Select, {condition, then, otherwise});
}
Scalar exp(const Scalar& x) { return make_scalar(Kind::Exp, {x}); }
Scalar expm1(const Scalar& x) { return make_scalar(Kind::Expm1, {x}); }
Scalar log(const Scalar& x) { return make_scalar(Kind::Log, {x}); }
Scalar log1p(const Scalar& x) { return make_scalar(Kind::Log1p, {x}); }
Scalar sqrt(const Scalar& x) { return make_scalar(Kind::Sqrt, {x}); }
Scalar sin(const Scalar& x) { return make_scalar(Kind::Sin, {x}); }
Scalar cos(const Scalar& x) { return make_scalar(Kind::Cos, {x}); }
Scalar tanh(const Scalar& x) { return make_scalar(Kind::Tanh, {x}); }
Scalar sigmoid(const Scalar& x) { return make_scalar(Kind::Sigmoid, {x}); }
Scalar softplus(const Scalar& x) { return make_scalar(Kind::Softplus, {x}); }
Scalar erf(const Scalar& x) { return make_scalar(Kind::Erf, {x}); }
Scalar floor(const Scalar& x) { return make_scalar(Kind::Floor, {x}); }

Scalar rewrite(const Scalar& expression,
               const std::function<Scalar(const Scalar&, std::span<const Scalar>)>& replace) {
  std::unordered_map<const ScalarNode*, Scalar> done;
  const auto is_open = [&](const Scalar& term) { return !done.contains(term.id()); };
  std::vector<Scalar> waiting{expression};
  while (!waiting.empty()) {
    const Scalar node = waiting.back();
    if (const auto open = std::ranges::find_if(node.terms(), is_open); open != node.terms().end()) {
      waiting.push_back(*open);
      continue;
    }
    waiting.pop_back();
    std::vector<Scalar> terms;
    for (const Scalar& term : node.terms()) terms.push_back(done.at(term.id()));
    done.emplace(node.id(), replace(node, terms));
  }
  return done.at(expression.id());
}

Scalar substitute(const Scalar& expression, std::span<const Scalar> arguments,
                  std::span<const Scalar> labels) {
  return rewrite(expression, [&](const Scalar& node, std::span<const Scalar> terms) {
    const auto position = static_cast<size_t>(node.position());
    if (node.kind() == Kind::Argument) {
      ensure(position < arguments.size(), "argument x{} of a body that got {}", position, arguments.size());
      return arguments[position];
    }
    if (node.kind() == Kind::Index && !labels.empty()) {
      ensure(position < labels.size(), "label i{} of a body that got {}", position, labels.size());
      return labels[position];
    }
    return terms.empty() ? node : make_scalar(node.kind(), {terms.begin(), terms.end()});
  });
}

}  // namespace crease
