#include "graph/analysis/scaling_equations.h"

#include <algorithm>
#include <type_traits>

namespace crease {
namespace {

template <class Field>
BodyLaw<Field> body_law(const Scalar& body) {
  if constexpr (std::is_same_v<Field, Parity2>)
    return sign_law(body);
  else
    return scale_law(body);
}

template <class Field>
class EquationBuilder {
 public:
  using Form = LinearForm<Field>;

  EquationBuilder(const Graph& graph, const ScaleLayout& layout)
      : graph_(graph), layout_(layout), free_(static_cast<size_t>(graph.size()), false) {
    result_.laws.resize(static_cast<size_t>(graph.size()));
    result_.solved.resize(static_cast<size_t>(graph.size()));
  }

  ScaleEquations<Field> build() {
    for (NodeId id = 0; id < graph_.size(); ++id) {
      const auto place = static_cast<size_t>(id);
      if (!layout_.live[place]) continue;
      if (graph_.node(id).role == Role::Apply) add_node(id);
      if (graph_.node(id).role == Role::Parameter) free_[place] = !layout_.fixed[place];
      free_[place] = free_[place] && layout_.uses[place] == 1 && is_floating(graph_.node(id).type);
    }
    return std::move(result_);
  }

 private:
  const Graph& graph_;
  const ScaleLayout& layout_;
  std::vector<bool> free_;  // a weight whose entries no law has bound yet, read once
  ScaleEquations<Field> result_;

  /// Whether readers see the factor 1 whatever happens.
  bool reads_as_one(NodeId id) const {
    return layout_.fixed[static_cast<size_t>(id)] || !is_floating(graph_.node(id).type);
  }

  /// Number of the column of operand `k`, shared by operands that read the same element; -1: factor 1.
  int column_of(const Node& node, size_t k, NodeLaw<Field>& law, std::vector<size_t>& first) {
    if (reads_as_one(node.operands[k])) return -1;
    for (size_t c = 0; c < first.size(); ++c)
      if (node.operands[first[c]] == node.operands[k] && node.loops.reads[first[c]] == node.loops.reads[k])
        return static_cast<int>(c);
    law.columns.push_back(scale_column(layout_, node.operands[k], node.loops.reads[k], law.labels));
    first.push_back(k);
    return static_cast<int>(first.size()) - 1;
  }

  void add_node(NodeId id) {
    const Node& node = graph_.node(id);
    NodeLaw<Field>& law = result_.laws[static_cast<size_t>(id)];
    law.labels = node.loops.labels;
    std::vector<size_t> first;
    std::vector<int> column;
    for (size_t k = 0; k < node.operands.size(); ++k) column.push_back(column_of(node, k, law, first));
    const auto by_column = [&](const Form& form) {
      Form result;
      for (const auto& [argument, coefficient] : form)
        if (const int c = column[static_cast<size_t>(argument)]; c >= 0)
          add_to(result, Form{{c, Field(1)}}, coefficient);
      return result;
    };
    const BodyLaw<Field> body = body_law<Field>(node.op->body.expression);
    for (const Form& constraint : body.constraints) add_row(law, by_column(constraint));
    const int result_column = static_cast<int>(law.columns.size());
    law.columns.push_back(scale_column(layout_, id, node.loops.write, law.labels));
    if (body.result) combine(node, law, by_column(*body.result), result_column);
    free_[static_cast<size_t>(id)] = solve_weights(id, law, result_column);
  }

  static void add_row(NodeLaw<Field>& law, Form row) {
    if (!row.empty()) law.rows.push_back(std::move(row));
  }

  /// The law between the exponent of the terms and that of the result.
  void combine(const Node& node, NodeLaw<Field>& law, const Form& term, int result_column) {
    Form result{{result_column, Field(1)}};
    const auto pin = [&] {
      add_row(law, term);
      add_row(law, result);
    };
    const bool one_term = reduced_labels(node.loops).empty();
    switch (node.op->combine) {
      case Combine::Assign:
      case Combine::Sum:
        if (!is_floating(node.type)) return add_row(law, term);  // readers take the factor as 1
        break;
      case Combine::Max:
      case Combine::Min:
        if (std::is_same_v<Field, Parity2> && !one_term) return pin();
        if (!is_floating(node.type)) return add_row(law, term);
        break;
      case Combine::ArgMax:
      case Combine::ArgMin:
        // The result's unknown stands for the factor that all compared terms share.
        if (std::is_same_v<Field, Parity2>) return pin();
        break;
      case Combine::Product: return product(node, law, term, result_column);
    }
    add_to(result, term, -Field(1));
    add_row(law, std::move(result));
  }

  /// n equal terms multiply: the exponent is n times theirs, if n is known and they share a class.
  void product(const Node& node, NodeLaw<Field>& law, const Form& term, int result_column) {
    int64_t count = 1;
    bool countable = std::ranges::all_of(node.loops.reads, is_plain);
    for (const int label : reduced_labels(node.loops)) {
      const Dim& extent = node.loops.labels[static_cast<size_t>(label)].extent;
      const bool varies = std::ranges::any_of(law.columns, [&](const ScaleColumn& column) {
        return std::ranges::binary_search(column.labels, label);
      });
      countable = countable && !varies && !extent.is_symbol();
      if (countable) count *= extent.size();
    }
    Form result{{result_column, Field(1)}};
    if (!countable || count > 1'000'000) {
      add_row(law, term);
      return add_row(law, std::move(result));
    }
    add_to(result, term, -Field(static_cast<int>(count)));
    add_row(law, std::move(result));
  }

  /// Takes out rows that determine free weights. Returns whether the result is left unbound and a weight.
  bool solve_weights(NodeId id, NodeLaw<Field>& law, int result_column) {
    for (int c = 0; c < result_column; ++c) {
      const ScaleColumn& column = law.columns[static_cast<size_t>(c)];
      const auto place = static_cast<size_t>(column.tensor);
      if (!free_[place] || !column.bijective) continue;
      const auto row = std::ranges::find_if(law.rows, [&](const Form& form) { return form.contains(c); });
      if (row == law.rows.end() || !inside(law, *row, column)) continue;
      SolvedWeight<Field> solved{id, c, {}};
      const Field pivot = row->at(c);
      for (const auto& [other, coefficient] : *row)
        if (other != c) solved.row.emplace(other, -(coefficient / pivot));
      law.rows.erase(row);
      substitute(law, c, solved.row);
      free_[place] = false;
      result_.solved[place] = std::move(solved);
    }
    const auto place = static_cast<size_t>(id);
    return layout_.weight[place] && is_floating(graph_.node(id).type) &&
           std::ranges::none_of(law.rows, [&](const Form& form) { return form.contains(result_column); });
  }

  /// Each class of the weight is met at one point, where every other column of the row has a class.
  static bool inside(const NodeLaw<Field>& law, const Form& row, const ScaleColumn& weight) {
    return std::ranges::all_of(row, [&](const auto& term) {
      const ScaleColumn& column = law.columns[static_cast<size_t>(term.first)];
      return column.in_range && std::ranges::includes(weight.labels, column.labels);
    });
  }

  static void substitute(NodeLaw<Field>& law, int column, const Form& value) {
    for (Form& row : law.rows)
      if (const auto found = row.find(column); found != row.end()) {
        const Field coefficient = found->second;
        row.erase(found);
        add_to(row, value, coefficient);
      }
    std::erase_if(law.rows, [](const Form& row) { return row.empty(); });
  }
};

}  // namespace

template <class Field>
ScaleEquations<Field> scale_equations(const Graph& graph, const ScaleLayout& layout) {
  return EquationBuilder<Field>(graph, layout).build();
}

template ScaleEquations<Rational> scale_equations<Rational>(const Graph&, const ScaleLayout&);
template ScaleEquations<Parity2> scale_equations<Parity2>(const Graph&, const ScaleLayout&);

}  // namespace crease
