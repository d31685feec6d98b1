#include "graph/analysis/scaling_formula.h"

#include <fmt/format.h>

#include <optional>

namespace crease {
namespace {

/// Independent forms, and how others are made of them.
template <class Field>
class FormBasis {
 public:
  using Form = LinearForm<Field>;

  /// The form over the numbers of the basis forms, or nothing if it is independent of them.
  std::optional<Form> express(Form form) const {
    Form made_of;
    for (const Row& row : rows_) {
      const auto found = form.find(row.pivot);
      if (found == form.end()) continue;
      const Field factor = found->second;
      add_to(form, row.form, -factor);
      add_to(made_of, row.made_of, factor);
    }
    if (!form.empty()) return std::nullopt;
    return made_of;
  }

  void add(Form form) {
    Form made_of{{static_cast<int>(rows_.size()), Field(1)}};
    for (const Row& row : rows_) {
      const auto found = form.find(row.pivot);
      if (found == form.end()) continue;
      const Field factor = found->second;
      add_to(form, row.form, -factor);
      add_to(made_of, row.made_of, -factor);
    }
    const auto [pivot, coefficient] = *form.begin();
    for (auto* terms : {&form, &made_of})
      for (auto& term : *terms) term.second = term.second / coefficient;
    rows_.push_back({pivot, std::move(form), std::move(made_of)});
  }

 private:
  struct Row {
    int pivot;
    Form form;     // coefficient of the pivot is 1, no pivot of an earlier row
    Form made_of;  // over the numbers of the added forms
  };
  std::vector<Row> rows_;
};

LinearForm<Rational> whole_tensor(const ScalingGroup& group, const Graph& graph, NodeId id) {
  return group.exponent(id, std::vector<int64_t>(graph.node(id).shape.size(), 0));
}

LinearForm<Rational> prefix(int count) {
  LinearForm<Rational> form;
  for (int k = 0; k < count; ++k) form.emplace(k, Rational(1));
  return form;
}

/// Which parameters matter to the outputs.
std::vector<bool> live_parameters(const Graph& graph) {
  std::vector<NodeId> results;
  for (const Output& output : graph.outputs()) results.push_back(output.node);
  std::vector<bool> live(static_cast<size_t>(graph.size()), false);
  for (const NodeId id : ancestors(graph, results)) live[static_cast<size_t>(id)] = true;
  return live;
}

bool chain(const Graph& graph, const ScalingFormula& formula, const std::vector<bool>& live) {
  int leaders = 0;
  const std::vector<NodeId> parameters = graph.parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (!live[static_cast<size_t>(parameters[i])]) continue;
    const bool leads = leaders < static_cast<int>(formula.leaders.size()) &&
                       formula.leaders[static_cast<size_t>(leaders)] == parameters[i];
    if (leads)
      ++leaders;
    else if (formula.parameters[i] != prefix(leaders))
      return false;
  }
  for (const auto& output : formula.outputs)
    if (output != prefix(leaders)) return false;
  return leaders > 0;
}

/// Signs that some law pins although the positive factors are free there: a product of factors is positive.
std::vector<LinearForm<Parity2>> sign_conditions(const Graph& graph, const ScalingGroup& scales,
                                                 const FormBasis<Rational>& basis,
                                                 const std::vector<bool>& live) {
  const SignGroup signs =
      sign_group(graph, {.mode = ScalingMode::OutputEquivariance, .unit = ScalingUnit::Tensor});
  FormBasis<Parity2> known;
  std::vector<LinearForm<Parity2>> conditions;
  for (NodeId id = 0; id < graph.size(); ++id) {
    const Node& node = graph.node(id);
    if (!live[static_cast<size_t>(id)] || node.role != Role::Apply || !is_floating(node.type)) continue;
    if (!signs.exponent(id, std::vector<int64_t>(node.shape.size(), 0)).empty()) continue;
    const auto exponents = basis.express(whole_tensor(scales, graph, id));
    LinearForm<Parity2> condition;
    if (exponents)
      for (const auto& [factor, exponent] : *exponents)
        if (exponent.is_integer() && !(exponent / Rational(2)).is_integer()) condition.emplace(factor, 1);
    if (condition.empty() || known.express(condition)) continue;
    known.add(condition);
    conditions.push_back(condition);
  }
  return conditions;
}

std::string factor_name(int factor) { return fmt::format("a_{}", factor + 1); }

template <class Field>
std::string product_text(const LinearForm<Field>& form) {
  std::string text;
  for (const auto& [factor, exponent] : form) {
    if (!text.empty()) text += ' ';
    text += factor_name(factor);
    if constexpr (std::is_same_v<Field, Rational>)
      if (exponent != Rational(1)) text += "^" + to_string(exponent);
  }
  return text;
}

std::string divided(const std::string& name, const LinearForm<Rational>& form) {
  if (form.empty()) return name;
  const std::string product = product_text(form);
  const bool single = form.size() == 1 && form.begin()->second == Rational(1);
  return name + (single ? "/" + product : "/(" + product + ")");
}

std::string parameter_list(const ScalingFormula& formula, const Graph& graph) {
  std::string text;
  const std::vector<NodeId> parameters = graph.parameters();
  for (size_t i = 0; i < parameters.size(); ++i)
    if (!formula.parameters[i].empty())
      text += (text.empty() ? "" : ", ") + divided(graph.node(parameters[i]).name, formula.parameters[i]);
  return text;
}

std::string condition_text(const ScalingFormula& formula) {
  if (formula.positive.empty()) return "";
  const auto n = formula.leaders.size();
  if (formula.is_chain && n > 3 && formula.positive.size() + 1 == n)
    return fmt::format("  (a_1 ... a_i > 0 for i < {})", n);
  std::string text;
  for (const auto& product : formula.positive)
    text += (text.empty() ? "" : ", ") + product_text(product) + " > 0";
  return "  (" + text + ")";
}

}  // namespace

ScalingFormula scaling_formula(const Graph& graph) {
  const ScalingGroup group =
      scaling_group(graph, {.mode = ScalingMode::OutputEquivariance, .unit = ScalingUnit::Tensor});
  const std::vector<bool> live = live_parameters(graph);
  ScalingFormula formula;
  FormBasis<Rational> basis;
  for (const NodeId id : graph.parameters()) {
    const auto form = live[static_cast<size_t>(id)] ? whole_tensor(group, graph, id) : LinearForm<Rational>{};
    auto made_of = basis.express(form);
    if (!made_of) {
      made_of = LinearForm<Rational>{{static_cast<int>(formula.leaders.size()), Rational(1)}};
      basis.add(form);
      formula.leaders.push_back(id);
    }
    formula.parameters.push_back(std::move(*made_of));
  }
  for (const Output& output : graph.outputs())
    formula.outputs.push_back(
        basis.express(whole_tensor(group, graph, output.node)).value_or(LinearForm<Rational>{}));
  formula.positive = sign_conditions(graph, group, basis, live);
  formula.is_chain = chain(graph, formula, live);
  return formula;
}

std::string to_string(const ScalingFormula& formula, const Graph& graph) {
  if (formula.leaders.empty()) return "";
  const size_t n = formula.leaders.size();
  std::string parameters = parameter_list(formula, graph);
  std::string product = product_text(formula.outputs.front());
  if (formula.is_chain && n > 3) {
    parameters = "weight_i/a_i, bias_i/(a_1 ... a_i)";
    product = fmt::format("a_1 ... a_{}", n);
  }
  const std::string& y = graph.outputs().front().name;
  const std::string signs = condition_text(formula);
  if (formula.outputs.front().empty()) return fmt::format("{}: {} unchanged{}", parameters, y, signs);
  return fmt::format("{}: {} -> {}/({}){}; unchanged iff {} = 1", parameters, y, y, product, signs, product);
}

}  // namespace crease
