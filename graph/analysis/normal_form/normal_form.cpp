#include "graph/analysis/normal_form/normal_form.h"

#include <algorithm>
#include <optional>
#include <set>

#include "graph/analysis/affine_body.h"
#include "graph/analysis/exact.h"
#include "graph/analysis/linearity.h"
#include "graph/analysis/normal_form/near_constants.h"
#include "graph/analysis/points.h"
#include "graph/error.h"
#include "graph/piecewise.h"
#include "graph/scalar/forms.h"
#include "graph/stored.h"

namespace crease {

namespace {

/// Reached the limit of work.
struct TooLong {};

/// As NormalFormOptions::work_limit: what a sum with a form takes.
int64_t work_of(const Combination& form) {
  constexpr int64_t words = 126, allocation = 3;  // longer numbers take that many times as long, measured
  int64_t work = 1;
  for (const auto& [variable, coefficient] : form.terms)
    work += (coefficient.bits() > words ? allocation : 1) * work_with(coefficient);
  return work;
}

/// Adds up combinations of many terms.
class Accumulator {
 public:
  void add(const Combination& form, const Rational& factor) {
    constant_ += factor * form.constant;
    for (const auto& [variable, coefficient] : form.terms) terms_[variable] += factor * coefficient;
  }
  Combination take() const {
    Combination result{{}, constant_};
    for (const auto& [variable, coefficient] : terms_)
      if (!coefficient.is_zero()) result.terms.emplace_back(variable, coefficient);
    return result;
  }

 private:
  std::map<int, Rational> terms_;
  Rational constant_;
};

bool has_kink(const Scalar& body) {
  static const std::set<ScalarKind> kinks{ScalarKind::Max,   ScalarKind::Min,  ScalarKind::Select,
                                          ScalarKind::Floor, ScalarKind::Less, ScalarKind::LessEqual,
                                          ScalarKind::Equal};
  return any_step(body, [](const Scalar& e) { return kinks.contains(e.kind()); });
}

/// Makes the forms of one node.
class NodeForms {
 public:
  /// `work_left`: what is taken from it; TooLong where nothing is left.
  NodeForms(const Graph& graph, NodeId id, NormalForm& normal, const std::vector<bool>& data,
            int64_t& work_left)
      : graph_(graph), id_(id), node_(graph.node(id)), normal_(normal), data_(data), work_left_(work_left) {
    const Scalar& body = node_.op->body.expression;
    has_kink_ = has_kink(body);
    is_piecewise_ = dependence(body, data) <= Dependence::Piecewise;
  }

  /// Nothing if it has no forms over its operands (two assignments, an extremum over nothing, a constant that
  /// is not rational).
  std::optional<std::vector<Combination>> run() {
    const Combine combine = node_.op->combine;
    const auto count = static_cast<size_t>(sample_count(node_.shape));
    std::vector<Accumulator> sums(count);
    std::vector<Combination> results(count);
    std::vector<bool> seen(count);
    parts_.assign(count, 0);
    for (PointWalk walk(graph_, id_); walk.valid(); walk.next()) {
      if (!walk.inside()) continue;
      element_ = walk.write();
      const auto place = static_cast<size_t>(element_);
      const auto found = at_point(walk);
      if (!found) return {};
      const Combination& form = *found;
      if (combine == Combine::Sum) {
        spend_on(form);
        sums[place].add(form, 1);
      } else if (!seen[place]) {
        results[place] = form;
      } else if (combine == Combine::Max) {
        results[place] = form + relu(results[place] + Rational(-1) * form);
      } else if (combine == Combine::Min) {
        results[place] = form + Rational(-1) * relu(form + Rational(-1) * results[place]);
      } else {
        return {};
      }
      seen[place] = true;
    }
    const bool needs_one = combine == Combine::Max || combine == Combine::Min;  // else infinite
    if (needs_one && std::ranges::find(seen, false) != seen.end()) return {};
    if (combine == Combine::Sum)
      for (size_t i = 0; i < count; ++i) results[i] = sums[i].take();
    return results;
  }

  std::vector<UnitDecision> decisions() && { return std::move(decisions_); }

 private:
  const Combination& operand(size_t k) const { return *operands_[k]; }

  void spend_on(const Combination& form) {
    work_left_ -= work_of(form);
    if (work_left_ < 0) throw TooLong();
  }

  std::optional<Combination> at_point(const PointWalk& walk) {
    operands_.clear();
    constants_.clear();
    labels_ = &walk.labels();
    for (size_t k = 0; k < node_.operands.size(); ++k) {
      operands_.push_back(&normal_.forms.at(node_.operands[k])[static_cast<size_t>(walk.read(k))]);
      constants_.push_back(operands_.back()->constant);
    }
    const Scalar& body = node_.op->body.expression;
    if (has_kink_ && std::ranges::count(data_, true) == 1) return by_table();
    if (is_piecewise_) return of(body);
    if (!has_kink_)
      if (auto form = of(body)) return form;
    return call();
  }

  Combination relu(const Combination& argument) {
    spend_on(argument);
    return decided(normal_.variables.relu(argument, name()));
  }

  std::optional<Combination> call() {
    const auto body = specialised();
    if (!body) return {};
    std::vector<Combination> arguments;
    for (size_t k = 0; k < data_.size(); ++k)
      if (data_[k]) arguments.push_back(operand(k));
    return decided(normal_.variables.call(*body, arguments, name()));
  }

  UnitName name() {
    normal_.names[id_].push_back({id_, element_, parts_[static_cast<size_t>(element_)]++});
    return normal_.names[id_].back();
  }

  Combination decided(std::pair<Combination, UnitDecision> result) {
    decisions_.push_back(result.second);
    return std::move(result.first);
  }

  /// The body with constants and labels put in; its arguments are the data. Nothing if a constant is no
  /// double: another number would make another function.
  std::optional<Scalar> specialised() const {
    std::vector<Scalar> arguments, labels;
    int next = 0;
    for (size_t k = 0; k < data_.size(); ++k) {
      if (!data_[k] && !is_number_of(Type::f64, constants_[k])) return {};
      arguments.push_back(data_[k] ? Scalar::argument(next++) : Scalar(constants_[k].to_double()));
    }
    for (const int64_t label : *labels_) labels.emplace_back(static_cast<double>(label));
    return substitute(node_.op->body.expression, arguments, labels);
  }

  std::optional<Combination> by_table() {
    const auto body = specialised();
    if (!body) return {};
    auto [place, fresh] = tables_.try_emplace(body->id());
    if (fresh) place->second = piecewise_linear(*body);
    if (!place->second || !is_continuous(*place->second)) return call();
    const PiecewiseLinear& table = *place->second;
    const auto varying = std::ranges::find(data_, true) - data_.begin();
    const Combination& x = operand(static_cast<size_t>(varying));
    Accumulator sum;
    sum.add(x, table.slopes[0]);
    sum.add({{}, table.offsets[0]}, 1);
    for (size_t k = 0; k < table.knots.size(); ++k) {
      Combination argument = x;
      argument.constant -= table.knots[k].at;
      sum.add(relu(argument), table.slopes[k + 1] - table.slopes[k]);
    }
    return sum.take();
  }

  bool varies(const Scalar& e) const {
    for (size_t k = 0; k < data_.size(); ++k)
      if (data_[k] && depends_on(e, static_cast<int>(k))) return true;
    return false;
  }

  /// The form of a part of the body; nothing where it is not piecewise linear in the data.
  std::optional<Combination> of(const Scalar& body) {
    using Maybe = std::optional<Combination>;
    return fold_asked<Maybe>(body, [&](const Scalar& e, const auto& of) -> Maybe {
      if (e.kind() == ScalarKind::Argument) return operand(static_cast<size_t>(e.position()));
      if (!varies(e)) {
        const auto value = evaluate_exactly(e, constants_, *labels_);
        return value ? Maybe(Combination{{}, *value}) : Maybe();
      }
      if (e.kind() == ScalarKind::Select) {
        const Maybe& condition = of(e.terms()[0]);
        if (!condition || !condition->is_constant()) return {};
        return of(e.terms()[condition->constant.is_zero() ? 2 : 1]);
      }
      std::vector<Combination> terms;
      for (const Scalar& term : e.terms()) {
        const Maybe& form = of(term);
        if (!form) return {};
        terms.push_back(*form);
      }
      return combined(e.kind(), terms);
    });
  }

  std::optional<Combination> combined(ScalarKind kind, const std::vector<Combination>& t) {
    switch (kind) {
      case ScalarKind::Negate: return Rational(-1) * t[0];
      case ScalarKind::Add: return t[0] + t[1];
      case ScalarKind::Subtract: return t[0] + Rational(-1) * t[1];
      case ScalarKind::Multiply:
        if (t[0].is_constant()) return t[0].constant * t[1];
        if (t[1].is_constant()) return t[1].constant * t[0];
        return {};
      case ScalarKind::Divide:
        if (!t[1].is_constant() || t[1].constant.is_zero()) return {};
        return (Rational(1) / t[1].constant) * t[0];
      case ScalarKind::Max: return t[1] + relu(t[0] + Rational(-1) * t[1]);
      case ScalarKind::Min: return t[0] + Rational(-1) * relu(t[0] + Rational(-1) * t[1]);
      default: return {};
    }
  }

  const Graph& graph_;
  NodeId id_;
  const Node& node_;
  NormalForm& normal_;
  const std::vector<bool> data_;
  int64_t& work_left_;
  bool has_kink_ = false, is_piecewise_ = false;
  std::vector<const Combination*> operands_;
  std::vector<Rational> constants_;
  const std::vector<int64_t>* labels_ = nullptr;
  int64_t element_ = 0;
  std::vector<int> parts_;
  std::vector<UnitDecision> decisions_;
  std::map<const ScalarNode*, std::optional<PiecewiseLinear>> tables_;
};

/// Makes the normal form of a graph, node by node.
class Builder {
 public:
  Builder(const Graph& graph, const NormalFormOptions& options)
      : graph_(graph), options_(options), facts_(linearity(graph)), work_left_(options.work_limit) {
    normal_.variables = Variables(options.bounder, options.near);
  }

  NormalForm run() {
    std::vector<NodeId> wanted;
    for (const Output& output : graph_.outputs()) wanted.push_back(output.node);
    const std::vector<NodeId> needed = ancestors(graph_, wanted);
    int64_t points = 0;
    for (const NodeId id : needed)
      if (graph_.node(id).role == Role::Apply && !has_lookup(graph_.node(id)))
        points += PointWalk(graph_, id).count();
    if (points > options_.point_limit) {
      normal_.reason =
          fmt::format("too large: {} loop points, the limit is {}", points, options_.point_limit);
      return std::move(normal_);
    }
    for (const NodeId id : needed) {
      try {
        make(id);
      } catch (const TooLong&) {
        normal_.reason =
            fmt::format("too large: more than {} operations on rational numbers", options_.work_limit);
        return std::move(normal_);
      }
      for (const Combination& form : normal_.forms.at(id)) terms_ += static_cast<int64_t>(form.terms.size());
      if (terms_ <= options_.term_limit) continue;
      normal_.reason = fmt::format("too large: more than {} terms", options_.term_limit);
      return std::move(normal_);
    }
    return std::move(normal_);
  }

 private:
  void make(NodeId id) {
    const Node& node = graph_.node(id);
    if (facts_.parts[static_cast<size_t>(id)] == Part::Constant && make_constant(id)) return;
    // A stored infinity or NaN has no form, and no checker reads it.
    const bool no_number = std::ranges::any_of(node.operands, [&](NodeId operand) {
      const Role role = graph_.node(operand).role;
      return (role == Role::Parameter || role == Role::Constant) && !constants_.contains(operand);
    });
    const bool opaque = node.role != Role::Apply || has_lookup(node) || no_number ||
                        !facts_.mixing[static_cast<size_t>(id)].empty() ||
                        node.op->combine == Combine::Product || gives_position(node.op->combine);
    if (opaque) return make_leaf(id);
    std::vector<bool> data;
    for (const NodeId operand : node.operands) data.push_back(!constants_.contains(operand));
    if (std::ranges::count(data, true) == 0) return make_leaf(id);
    if (reads_enclosed(id)) return make_nearly(id, data);
    NodeForms forms(graph_, id, normal_, data, work_left_);
    auto made = forms.run();
    if (!made) {
      normal_.names.erase(id);
      normal_.variables.forget(id);
      return make_leaf(id);
    }
    normal_.forms[id] = std::move(*made);
    normal_.order.push_back(id);
    auto decisions = std::move(forms).decisions();
    if (!decisions.empty()) normal_.decisions[id] = std::move(decisions);
  }

  bool make_constant(NodeId id) {
    const Node& node = graph_.node(id);
    std::optional<ExactValues> values;
    if (node.role == Role::Parameter || node.role == Role::Constant) values = exact_values(node.value);
    const bool near = reads_enclosed(id);
    if (node.role == Role::Apply && !has_lookup(node) && !near) {
      std::map<NodeId, ExactValues> known;
      for (const NodeId operand : node.operands) {
        if (!constants_.contains(operand)) return false;
        for (const Combination& form : normal_.forms.at(operand)) known[operand].push_back(form.constant);
      }
      if (auto found = evaluate_exactly(graph_, known, std::span(&id, 1))) values = std::move(found->at(id));
      if (values) normal_.order.push_back(id);
    }
    if (!values && options_.near && (values = nearby(id))) {
      normal_.order.push_back(id);
      normal_.enclosed.insert(id);
    }
    if (!values) return false;
    constants_.insert(id);
    std::vector<Combination>& forms = normal_.forms[id];  // of a tensor without elements: none
    for (Rational& value : *values) forms.push_back({{}, std::move(value)});
    return true;
  }

  bool reads_enclosed(NodeId id) const {
    return std::ranges::any_of(graph_.node(id).operands,
                               [&](NodeId operand) { return normal_.enclosed.contains(operand); });
  }

  std::optional<ExactValues> nearby(NodeId id) const {
    for (const NodeId operand : graph_.node(id).operands)
      if (!constants_.contains(operand)) return {};
    return nearby_values(graph_, id, [&](NodeId operand, int64_t element) {
      return normal_.forms.at(operand)[static_cast<size_t>(element)].constant;
    });
  }

  /// A map that is affine in its data, with constants next to the true ones: a line and what it is off by.
  void make_nearly(NodeId id, const std::vector<bool>& data) {
    const Node& node = graph_.node(id);
    if (node.op->combine != Combine::Assign || std::ranges::count(data, true) != 1) return make_leaf(id);
    const auto varying = static_cast<size_t>(std::ranges::find(data, true) - data.begin());
    AffineBody body(node.op->body.expression, data);
    std::vector<Combination> forms(static_cast<size_t>(sample_count(node.shape)));
    std::vector<Rational> constants(node.operands.size());
    for (PointWalk walk(graph_, id); walk.valid(); walk.next()) {
      if (!walk.inside()) continue;
      const auto form = [&](size_t k) -> const Combination& {
        return normal_.forms.at(node.operands[k])[static_cast<size_t>(walk.read(k))];
      };
      for (size_t k = 0; k < constants.size(); ++k) constants[k] = form(k).constant;
      if (!body.run(constants, walk.labels())) return make_leaf(id);
      const FormRange range = options_.bounder(normal_.variables, form(varying));
      if (!range.low || !range.high) return make_leaf(id);
      const Rational error =
          (std::max(range.low->abs(), range.high->abs()) + 1).floor() * Rational::dyadic(1, -60);
      forms[static_cast<size_t>(walk.write())] = on_grid(body.slopes()[varying]) * form(varying) +
                                                 Combination{{}, on_grid(body.offset())} +
                                                 normal_.variables.error({id, walk.write(), 0}, error);
    }
    normal_.forms[id] = std::move(forms);
    normal_.order.push_back(id);
    normal_.nearly.insert(id);
  }

  void make_leaf(NodeId id) {
    normal_.leaves.push_back(id);
    std::vector<Combination>& forms = normal_.forms[id];
    for (int64_t i = 0; i < sample_count(graph_.node(id).shape); ++i)
      forms.push_back(normal_.variables.leaf(id, i));
  }

  const Graph& graph_;
  const NormalFormOptions& options_;
  Linearity facts_;
  NormalForm normal_;
  std::set<NodeId> constants_;
  int64_t terms_ = 0, work_left_;
};

}  // namespace

NormalForm normal_form(const Graph& graph, const NormalFormOptions& options) {
  expect(!graph.outputs().empty(), "[normal_form] the graph has no outputs");
  return Builder(graph, options).run();
}

int64_t NormalForm::live_relus(const Graph& graph) const {
  std::set<int> seen;
  std::vector<int> open;
  const auto visit = [&](const Combination& form) {
    for (const auto& [variable, coefficient] : form.terms)
      if (seen.insert(variable).second) open.push_back(variable);
  };
  for (const Output& output : graph.outputs())
    for (const Combination& form : forms.at(output.node)) visit(form);
  int64_t count = 0;
  while (!open.empty()) {
    const Variable& variable = variables[open.back()];
    open.pop_back();
    count += variable.kind == VariableKind::Relu ? 1 : 0;
    for (const Combination& argument : variable.arguments) visit(argument);
  }
  return count;
}

}  // namespace crease
