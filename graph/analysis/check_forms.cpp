#include "graph/analysis/check_forms.h"

#include <algorithm>
#include <charconv>

#include "graph/analysis/certificate.h"
#include "graph/error.h"
#include "graph/piecewise.h"
#include "graph/scalar/forms.h"

namespace crease::checker {

namespace {

/// Kinds at which a body may have a kink or jump.
bool has_kink(const Scalar& body) {
  return any_step(body, [](const Scalar& e) {
    switch (e.kind()) {
      case ScalarKind::Max:
      case ScalarKind::Min:
      case ScalarKind::Select:
      case ScalarKind::Floor:
      case ScalarKind::Less:
      case ScalarKind::LessEqual:
      case ScalarKind::Equal: return true;
      default: return false;
    }
  });
}

/// A number as a body's constant. Errors: Refused if no double has this value.
Scalar literal(const Rational& value) {
  if (Rational::of(value.to_double()) != value) throw Refused("a constant is no binary fraction");
  return value.to_double();
}

/// Runs one body at one point after the other.
class BodyForms {
 public:
  BodyForms(const Scalar& body, std::vector<int> varying, const Units& units)
      : body_(body),
        varying_(std::move(varying)),
        units_(units),
        has_kink_(has_kink(body)),
        is_piecewise_(is_piecewise(body)) {}

  Form run(const std::vector<Form>& arguments, std::span<const int64_t> labels, int64_t element) {
    arguments_ = &arguments;
    labels_ = labels;
    element_ = element;
    values_.clear();
    for (const Form& argument : arguments) values_.push_back(argument.constant);
    if (varying_.empty()) return {{}, value_of(body_, values_, labels)};
    if (has_kink_ && varying_.size() == 1) return by_table();
    if (is_piecewise_) return of(body_);
    return has_kink_ ? call() : affine_or_call();
  }

 private:
  /// The body with constants and labels put in; its arguments are the varying ones.
  Scalar specialised() const {
    std::vector<Scalar> arguments, labels;
    int next = 0;
    for (size_t k = 0; k < values_.size(); ++k) {
      const bool varies = std::ranges::find(varying_, static_cast<int>(k)) != varying_.end();
      arguments.push_back(varies ? Scalar::argument(next++) : literal(values_[k]));
    }
    for (const int64_t label : labels_) labels.emplace_back(static_cast<double>(label));
    return substitute(body_, arguments, labels);
  }

  Form call() const {
    std::vector<Form> arguments;
    for (const int k : varying_) arguments.push_back((*arguments_)[static_cast<size_t>(k)]);
    return units_.call(specialised(), arguments, element_);
  }

  /// Products of data can be affine where one factor happens to be constant.
  Form affine_or_call() {
    try {
      return of(body_);
    } catch (const Refused&) {
      return call();
    }
  }

  bool varies(const Scalar& e) const {
    return std::ranges::any_of(varying_, [&](int position) { return depends_on(e, position); });
  }

  /// Whether `of` cannot fail, whatever the forms are.
  bool is_piecewise(const Scalar& body) const {
    return !any_step(body, [&](const Scalar& e) {
      if (!varies(e)) return false;
      switch (e.kind()) {
        case ScalarKind::Argument:
        case ScalarKind::Negate:
        case ScalarKind::Add:
        case ScalarKind::Subtract:
        case ScalarKind::Max:
        case ScalarKind::Min: return false;
        case ScalarKind::Multiply: return varies(e.terms()[0]) && varies(e.terms()[1]);
        case ScalarKind::Divide: return varies(e.terms()[1]);
        case ScalarKind::Select: return varies(e.terms()[0]);
        default: return true;
      }
    });
  }

  /// f_0(x) + sum of slope changes times relu(x - knot).
  Form by_table() {
    const Scalar body = specialised();
    auto [place, fresh] = tables_.try_emplace(body.id());
    if (fresh) place->second = piecewise_linear(body);
    if (!place->second || !is_continuous(*place->second)) return call();
    const PiecewiseLinear& table = *place->second;
    const Form& x = (*arguments_)[static_cast<size_t>(varying_[0])];
    Form result = scaled(x, table.slopes[0]);
    result.constant += table.offsets[0];
    for (size_t k = 0; k < table.knots.size(); ++k) {
      Form argument = x;
      argument.constant -= table.knots[k].at;
      add(result, units_.relu(argument, element_), table.slopes[k + 1] - table.slopes[k]);
    }
    return result;
  }

  Form of(const Scalar& body) {
    return fold_asked<Form>(body, [&](const Scalar& e, const auto& of) -> Form {
      if (e.kind() == ScalarKind::Argument) return (*arguments_)[static_cast<size_t>(e.position())];
      if (!varies(e)) return {{}, value_of(e, values_, labels_)};
      if (e.kind() == ScalarKind::Select) {
        const Form& condition = of(e.terms()[0]);
        if (!condition.is_constant()) throw Refused("select depends on the data");
        return of(e.terms()[condition.constant.is_zero() ? 2 : 1]);
      }
      std::vector<Form> terms;
      for (const Scalar& term : e.terms()) terms.push_back(of(term));
      return combined(e.kind(), std::move(terms));
    });
  }

  Form combined(ScalarKind kind, std::vector<Form> t) {
    if (kind == ScalarKind::Negate) return scaled(t[0], -1);
    if (kind == ScalarKind::Multiply && t[0].is_constant()) return scaled(t[1], t[0].constant);
    if (kind == ScalarKind::Multiply && t[1].is_constant()) return scaled(t[0], t[1].constant);
    if (kind == ScalarKind::Divide && t[1].is_constant() && !t[1].constant.is_zero())
      return scaled(t[0], Rational(1) / t[1].constant);
    if (kind == ScalarKind::Add || kind == ScalarKind::Subtract) {
      add(t[0], t[1], kind == ScalarKind::Add ? 1 : -1);
      return std::move(t[0]);
    }
    if (kind == ScalarKind::Max || kind == ScalarKind::Min) {
      Form difference = t[0];
      add(difference, t[1], -1);
      Form& result = kind == ScalarKind::Max ? t[1] : t[0];
      add(result, units_.relu(difference, element_), kind == ScalarKind::Max ? 1 : -1);
      return std::move(result);
    }
    throw Refused(std::string(name_of(kind)) + " is not affine in the data");
  }

  const Scalar& body_;
  const std::vector<int> varying_;
  const Units& units_;
  bool has_kink_, is_piecewise_;
  const std::vector<Form>* arguments_ = nullptr;
  std::span<const int64_t> labels_;
  int64_t element_ = 0;
  std::vector<Rational> values_;
  std::map<const ScalarNode*, std::optional<PiecewiseLinear>> tables_;
};

/// Puts the next point's form into an element.
void combine(Combine combine, Form& slot, const Form& next, const Units& units, int64_t element) {
  switch (combine) {
    case Combine::Sum: return add(slot, next, 1);
    case Combine::Max:
    case Combine::Min: {
      const int sign = combine == Combine::Max ? 1 : -1;
      Form difference = scaled(slot, sign);
      add(difference, next, -sign);
      slot = next;
      return add(slot, units.relu(difference, element), sign);
    }
    case Combine::Assign: throw Refused("two loop points assign one element");
    case Combine::Product:
    case Combine::ArgMax:
    case Combine::ArgMin: break;
  }
  throw Refused(std::string(to_string(combine)) + " is not piecewise linear");
}

/// 1 even, -1 odd, 0 neither; of a step from those of its terms.
int parity(const Scalar& e, std::span<const int> terms) {
  if (e.kind() == ScalarKind::Argument) return -1;
  if (terms.empty()) return 1;
  const ScalarKind kind = e.kind();
  if (kind == ScalarKind::Multiply || kind == ScalarKind::Divide) return terms[0] * terms[1];
  if (kind == ScalarKind::Add || kind == ScalarKind::Subtract) return terms[0] == terms[1] ? terms[0] : 0;
  const bool keeps = kind == ScalarKind::Negate || kind == ScalarKind::Tanh || kind == ScalarKind::Sin ||
                     kind == ScalarKind::Erf;
  if (keeps) return terms[0];
  return std::ranges::all_of(terms, [](int sign) { return sign == 1; }) ? 1 : 0;
}

}  // namespace

bool is_odd(const Scalar& body) { return fold_steps<int>(body, parity) == -1; }

std::string to_string(const Graph& graph, const Atom& atom) {
  const std::string key = fmt::format("{}[{}]", node_key(graph, atom.node), atom.element);
  return atom.part == 0 ? key : fmt::format("{}.{}", key, atom.part);
}

Atom parse_atom(const Graph& graph, const std::string& text) {
  const auto open = text.rfind('['), close = text.rfind(']');
  Atom atom;
  const auto number = [&](size_t from, size_t to, auto& result) {
    const auto [end, problem] = std::from_chars(text.data() + from, text.data() + to, result);
    return problem == std::errc() && end == text.data() + to && result >= 0;
  };
  const bool well_formed =
      open != std::string::npos && close != std::string::npos && open < close &&
      number(open + 1, close, atom.element) &&
      (close + 1 == text.size() || (text[close + 1] == '.' && number(close + 2, text.size(), atom.part)));
  if (!well_formed) throw Refused("'" + text + "' names no unit: want node[element]");
  atom.node = find_node(graph, text.substr(0, open));
  if (atom.element >= sample_size(graph.node(atom.node).shape)) throw Refused("no unit " + text);
  return atom;
}

void add(Form& to, const Form& other, const Rational& factor) {
  if (factor.is_zero()) return;
  to.constant += factor * other.constant;
  for (const auto& [atom, coefficient] : other.terms) {
    const auto [place, fresh] = to.terms.try_emplace(atom, 0);
    place->second += factor * coefficient;
    if (place->second.is_zero()) to.terms.erase(place);
  }
}

Form scaled(const Form& form, const Rational& factor) {
  Form result;
  add(result, form, factor);
  return result;
}

std::vector<Form> forms_of(const Graph& graph, NodeId id,
                           const std::function<Form(NodeId operand, int64_t element)>& operand,
                           const std::function<bool(NodeId operand)>& varies, const Units& units) {
  const Node& node = graph.node(id);
  const auto count = static_cast<size_t>(sample_size(node.shape));
  std::vector<Form> result(count);
  std::vector<bool> seen(count);
  std::vector<int> varying;
  for (size_t k = 0; k < node.operands.size(); ++k)
    if (varies(node.operands[k])) varying.push_back(static_cast<int>(k));
  BodyForms body(node.op->body.expression, std::move(varying), units);
  std::vector<Form> arguments(node.operands.size());
  visit_points(graph, id, [&](const Touch& touch) {
    for (size_t k = 0; k < arguments.size(); ++k) arguments[k] = operand(node.operands[k], touch.reads[k]);
    Form form = body.run(arguments, touch.labels, touch.write);
    const auto place = static_cast<size_t>(touch.write);
    if (seen[place])
      combine(node.op->combine, result[place], form, units, touch.write);
    else
      result[place] = std::move(form);
    seen[place] = true;
  });
  const bool needs_one = node.op->combine == Combine::Max || node.op->combine == Combine::Min;
  if (needs_one && std::ranges::find(seen, false) != seen.end())
    throw Refused("an extremum over nothing is infinite");
  return result;
}

}  // namespace crease::checker
