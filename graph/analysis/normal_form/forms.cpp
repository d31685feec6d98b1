#include "graph/analysis/normal_form/forms.h"

#include <algorithm>
#include <functional>
#include <map>
#include <ranges>

#include "graph/analysis/normal_form/residue.h"
#include "graph/scalar/forms.h"

namespace crease {

namespace {

size_t mixed(size_t seed, size_t value) {
  return seed ^ (value + 0x9e3779b97f4a7c15U + (seed << 6) + (seed >> 2));
}

/// The first coefficient, or the constant of a form that is one.
const Rational& leading(const Combination& form) {
  return form.terms.empty() ? form.constant : form.terms[0].second;
}

/// Equal for multiples of one form, opposite ones too: coefficients divided by the first one.
size_t direction_hash(const Combination& form) {
  const Residue inverse = Residue(leading(form)).inverse();
  const auto hash = [&](const Rational& number) {
    return static_cast<size_t>((Residue(number) * inverse).value());
  };
  size_t seed = hash(form.constant);
  for (const auto& [variable, coefficient] : form.terms)
    seed = mixed(mixed(seed, static_cast<size_t>(variable)), hash(coefficient));
  return seed;
}

Rational coefficient_in(const Combination& form, int variable) {
  const auto found = std::ranges::lower_bound(form.terms, variable, {}, &std::pair<int, Rational>::first);
  return found == form.terms.end() || found->first != variable ? Rational() : found->second;
}

/// c with a = c b, if there is one.
std::optional<Rational> ratio(const Combination& a, const Combination& b) {
  if (a.terms.size() != b.terms.size() || leading(b).is_zero()) return {};
  const Rational factor = leading(a) / leading(b);
  if (a.constant != factor * b.constant) return {};
  for (size_t k = 0; k < a.terms.size(); ++k)
    if (a.terms[k].first != b.terms[k].first || a.terms[k].second != factor * b.terms[k].second) return {};
  return factor;
}

enum class BodyParity : uint8_t { Even, Odd, Neither };

BodyParity of_sum(BodyParity a, BodyParity b) { return a == b ? a : BodyParity::Neither; }

BodyParity of_product(BodyParity a, BodyParity b) {
  if (a == BodyParity::Neither || b == BodyParity::Neither) return BodyParity::Neither;
  return a == b ? BodyParity::Even : BodyParity::Odd;
}

/// Of a step from those of its terms.
BodyParity parity_of_step(const Scalar& e, std::span<const BodyParity> terms) {
  if (e.kind() == ScalarKind::Argument) return BodyParity::Odd;
  if (terms.empty()) return BodyParity::Even;
  switch (e.kind()) {
    case ScalarKind::Add:
    case ScalarKind::Subtract: return of_sum(terms[0], terms[1]);
    case ScalarKind::Multiply:
    case ScalarKind::Divide: return of_product(terms[0], terms[1]);
    case ScalarKind::Negate:
    case ScalarKind::Tanh:
    case ScalarKind::Sin:
    case ScalarKind::Erf: return terms[0];
    default: break;
  }
  const bool even = std::ranges::all_of(terms, [](BodyParity term) { return term == BodyParity::Even; });
  return even ? BodyParity::Even : BodyParity::Neither;
}

BodyParity parity_of(const Scalar& body) { return fold_steps<BodyParity>(body, parity_of_step); }

using Equation = std::vector<Rational>;  // coefficients of the unknowns, then the right side

/// An equation without the first unknowns of those before it.
template <class Number>
struct Reduced {
  std::vector<Number> row;  // empty: there is none
  size_t equation = 0;      // where it comes from
};

/// By the first unknown that each has. Nothing where two equations contradict one another.
template <class Number>
std::optional<std::vector<Reduced<Number>>> eliminated(const std::vector<Equation>& equations, size_t count) {
  std::vector<Reduced<Number>> pivots(count);
  for (size_t e = 0; e < equations.size(); ++e) {
    std::vector<Number> row(equations[e].begin(), equations[e].end());
    size_t column = 0;
    for (; column < count; ++column) {
      if (row[column].is_zero()) continue;
      const std::vector<Number>& pivot = pivots[column].row;
      if (pivot.empty()) break;
      const Number factor = row[column];
      for (size_t k = column; k <= count; ++k) row[k] = pivot[column] * row[k] - factor * pivot[k];
    }
    if (column < count) {
      pivots[column] = {std::move(row), e};
    } else if (!row[count].is_zero()) {
      return {};
    }
  }
  return pivots;
}

/// What solves the equations if anything does and it lies in [0, 1]. Of long numbers, which most have no
/// solution for, as few are computed as may be: which equations decide is seen modulo a prime.
std::optional<std::vector<Rational>> slopes_solving(const std::vector<Equation>& equations, size_t count) {
  const auto chosen = eliminated<Residue>(equations, count);
  if (!chosen) return {};
  std::vector<Equation> deciding;
  for (const auto& [row, equation] : *chosen) {
    if (row.empty()) return {};
    deciding.push_back(equations[equation]);
  }
  const auto pivots = eliminated<Rational>(deciding, count);
  if (!pivots) return {};
  std::vector<Rational> solution(count);
  for (size_t column = count; column-- > 0;) {
    const Equation& pivot = (*pivots)[column].row;
    if (pivot.empty()) return {};
    Rational rest = pivot[count];
    for (size_t k = column + 1; k < count; ++k) rest -= pivot[k] * solution[k];
    if (rest.sign() * pivot[column].sign() < 0 || rest.abs() > pivot[column].abs()) return {};
    solution[column] = rest / pivot[column];
  }
  return solution;
}

}  // namespace

int64_t work_with(const Rational& x) {
  constexpr int64_t cheap_bits = 256, cheap_denominator = 16;
  return 1 + x.numerator_bits() / cheap_bits + (x.denominator_bits() - 1) / cheap_denominator;
}

bool is_odd(const Scalar& body) { return parity_of(body) == BodyParity::Odd; }

Combination operator*(const Rational& factor, const Combination& form) {
  if (factor.is_zero()) return {};
  Combination result = form;
  for (auto& [variable, coefficient] : result.terms) coefficient *= factor;
  result.constant *= factor;
  return result;
}

Combination operator+(const Combination& a, const Combination& b) {
  Combination result{{}, a.constant + b.constant};
  auto i = a.terms.begin();
  auto j = b.terms.begin();
  while (i != a.terms.end() || j != b.terms.end()) {
    if (j == b.terms.end() || (i != a.terms.end() && i->first < j->first)) {
      result.terms.push_back(*i++);
    } else if (i == a.terms.end() || j->first < i->first) {
      result.terms.push_back(*j++);
    } else {
      const Rational sum = i->second + j->second;
      if (!sum.is_zero()) result.terms.emplace_back(i->first, sum);
      ++i, ++j;
    }
  }
  return result;
}

int Variables::add(Variable variable) {
  variables_.push_back(std::move(variable));
  return static_cast<int>(variables_.size()) - 1;
}

Combination Variables::leaf(NodeId node, int64_t element) {
  return {{{add({VariableKind::Leaf, {node, element, 0}}), 1}}, 0};
}

Combination Variables::error(const UnitName& name, const Rational& magnitude) {
  Variable error{VariableKind::Error, name};
  error.range.low = -magnitude;
  error.range.high = magnitude;
  return {{{add(std::move(error)), 1}}, 0};
}

int Variables::find(size_t key, const std::vector<Combination>& arguments, const Scalar* body) const {
  const auto [first, last] = by_direction_.equal_range(key);
  for (auto place = first; place != last; ++place) {
    const Variable& variable = (*this)[place->second];
    if (forgotten_.contains(variable.name.node)) continue;
    if (body == nullptr && variable.kind == VariableKind::Relu && ratio(arguments[0], variable.arguments[0]))
      return place->second;
    if (body == nullptr || variable.kind != VariableKind::Call || !variable.body.same(*body)) continue;
    const bool odd =
        arguments.size() == 1 && is_odd(*body) && ratio(arguments[0], variable.arguments[0]) == Rational(-1);
    if (odd || variable.arguments == arguments) return place->second;
  }
  return -1;
}

std::optional<std::vector<std::pair<int, Rational>>> Variables::slopes_below(const Combination& form) const {
  const auto is_good = [&](const std::pair<int, Rational>& term) {
    return (*this)[term.first].kind == VariableKind::Relu && term.second.sign() > 0;
  };
  const auto holds = [&](const Combination& rest) {
    return rest.constant.sign() >= 0 && std::ranges::all_of(rest.terms, is_good);
  };
  if (holds(form)) return std::vector<std::pair<int, Rational>>{};
  const auto is_leaf = [&](const auto& term) { return (*this)[term.first].kind == VariableKind::Leaf; };
  if (std::ranges::none_of(form.terms, is_leaf)) return {};
  constexpr size_t most_lines = 4;
  std::vector<std::pair<int, Rational>> relus;  // and their coefficients, latest first
  for (const auto& term : form.terms | std::views::reverse)
    if (is_good(term) && relus.size() < most_lines) relus.push_back(term);
  for (size_t count = 1; count <= relus.size(); ++count) {
    const auto chosen = std::span(relus).first(count);
    const auto slopes = cancelling_slopes(form, chosen);
    if (!slopes) continue;
    // Times a number without which no sum is a fraction: signs are all that is asked of it.
    Rational scale = 1;
    for (const Rational& slope : *slopes) scale *= (slope * scale).denominator();
    Combination rest = scale * form;
    std::vector<std::pair<int, Rational>> result;
    for (size_t k = 0; k < count; ++k) {
      const auto& [variable, coefficient] = chosen[k];
      const Rational factor = scale * coefficient * (*slopes)[k], all = coefficient_in(rest, variable);
      if (all < factor || all.is_zero()) break;
      rest = rest + factor * (*this)[variable].arguments[0] + Combination{{{variable, -all}}, 0};
      // Lines of later relus may have added some of this one: the same line is below all of it.
      result.emplace_back(variable, factor / all);
    }
    if (result.size() == count && holds(rest)) return result;
  }
  return {};
}

std::optional<std::vector<Rational>> Variables::cancelling_slopes(
    const Combination& form, std::span<const std::pair<int, Rational>> relus) const {
  // For each leaf: sum over relus of coefficient * (leaf in the argument) * slope = -(leaf in the form).
  std::map<int, Equation> equations;
  const auto enter = [&](const Combination& from, size_t column, const Rational& factor) {
    for (const auto& [variable, coefficient] : from.terms) {
      if ((*this)[variable].kind != VariableKind::Leaf) continue;
      Equation& row = equations[variable];
      row.resize(relus.size() + 1);
      row[column] = factor * coefficient;
    }
  };
  for (size_t k = 0; k < relus.size(); ++k) enter((*this)[relus[k].first].arguments[0], k, relus[k].second);
  enter(form, relus.size(), -1);
  std::vector<Equation> rows;
  for (auto& [variable, row] : equations) rows.push_back(std::move(row));
  try {
    return slopes_solving(rows, relus.size());
  } catch (const LongNumber&) {
    return {};  // a proof that nobody could read
  }
}

std::optional<Variables::Decided> Variables::same_relu(const Combination& argument, size_t key) const {
  const int found = find(key, {argument}, nullptr);
  if (found < 0) return {};
  const Combination& known = (*this)[found].arguments[0];
  const Rational factor = *ratio(argument, known);
  Combination result{{{found, factor.abs()}}, 0};
  if (factor.sign() < 0) result = result + factor * known;
  return Decided{result, {.kind = UnitDecision::Kind::Same, .variable = found, .factor = factor}};
}

std::optional<Variables::Decided> Variables::near_relu(const Combination& argument, const UnitName& name) {
  const auto found = near_ ? near_(*this, argument) : std::nullopt;
  if (!found || forgotten_.contains((*this)[found->variable].name.node)) return {};
  // |relu(u) - relu(v)| <= |u - v|
  return Decided{Combination{{{found->variable, 1}}, 0} + error(name, found->error),
                 {.kind = UnitDecision::Kind::Near, .variable = found->variable, .error = found->error}};
}

std::pair<Combination, UnitDecision> Variables::relu(const Combination& argument, const UnitName& name) {
  using Kind = UnitDecision::Kind;
  if (auto slopes = slopes_below(argument))
    return {argument, {.kind = Kind::Active, .slopes = std::move(*slopes)}};
  if (auto slopes = slopes_below(Rational(-1) * argument))
    return {{}, {.kind = Kind::Dead, .slopes = std::move(*slopes)}};
  const size_t key = direction_hash(argument);
  FormRange range;
  if (near_) {
    if (auto same = same_relu(argument, key)) return *std::move(same);
    if (auto near = near_relu(argument, name)) return *std::move(near);
  }
  if (bounder_) range = bounder_(*this, argument);
  if (range.low && range.low->sign() >= 0) return {argument, {.kind = Kind::Active, .range = range}};
  if (range.high && range.high->sign() <= 0) return {{}, {.kind = Kind::Dead, .range = range}};
  if (auto same = same_relu(argument, key)) return *std::move(same);
  const int made = add({VariableKind::Relu, name, {argument}, {}, range});
  by_direction_.emplace(key, made);
  UnitDecision decision{.kind = Kind::Atom, .variable = made};
  if (bounder_) decision.range = std::move(range);
  return std::pair(Combination{{{made, 1}}, 0}, std::move(decision));
}

std::pair<Combination, UnitDecision> Variables::call(const Scalar& body,
                                                     const std::vector<Combination>& arguments,
                                                     const UnitName& name) {
  using Kind = UnitDecision::Kind;
  size_t key = std::hash<const void*>()(body.id());
  for (const Combination& argument : arguments) key = mixed(key, direction_hash(argument));
  if (const int found = find(key, arguments, &body); found >= 0) {
    const Rational factor = (*this)[found].arguments == arguments ? 1 : -1;
    return {{{{found, factor}}, 0}, {.kind = Kind::Same, .variable = found, .factor = factor}};
  }
  const int made = add({VariableKind::Call, name, arguments, body});
  by_direction_.emplace(key, made);
  return {{{{made, 1}}, 0}, {.kind = Kind::Atom, .variable = made}};
}

}  // namespace crease
