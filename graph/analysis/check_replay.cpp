#include "graph/analysis/check_replay.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "graph/scalar/forms.h"
#include "graph/stored.h"

namespace crease::checker {

namespace {

[[noreturn]] void refuse(const std::string& why) { throw Refused(why); }

int64_t row_size(const Dim& dim) { return dim.is_symbol() ? 1 : dim.size(); }

/// Where an access leads. One that never leaves its tensor is followed by a step for each label.
class Place {
 public:
  Place(const Access& access, const Shape& shape, std::span<const int64_t> extents)
      : access_(access), shape_(shape), steps_(extents.size()) {
    int64_t stride = 1;
    for (size_t d = access.size(); d-- > 0; stride *= row_size(shape[d])) {
      if (access[d].lookup >= 0) refuse("an access depends on data");
      int64_t least = access[d].offset, most = access[d].offset;
      for (const auto& [label, coefficient] : access[d].terms) {
        const auto l = static_cast<size_t>(label);
        steps_[l] += coefficient * stride;
        const int64_t reach = coefficient * (extents[l] - 1);
        (reach < 0 ? least : most) += reach;
      }
      stays_ = stays_ && least >= 0 && most < row_size(shape[d]);
    }
  }

  bool stays() const { return stays_; }
  int64_t step(size_t label) const { return steps_[label]; }

  /// Flat element at a point; -1 outside.
  int64_t at(std::span<const int64_t> labels) const {
    int64_t flat = 0;
    for (size_t d = 0; d < access_.size(); ++d) {
      int64_t position = access_[d].offset;
      for (const auto& [label, coefficient] : access_[d].terms)
        position += coefficient * labels[static_cast<size_t>(label)];
      if (position < 0 || position >= row_size(shape_[d])) return -1;
      flat = flat * row_size(shape_[d]) + position;
    }
    return flat;
  }

 private:
  const Access& access_;
  const Shape& shape_;
  std::vector<int64_t> steps_;
  bool stays_ = true;
};

bool is_named(const std::vector<Label>& labels, int label) {
  return labels[static_cast<size_t>(label)].extent.is_symbol();
}

/// Each named dimension is read by its own label, and by nothing else; no other dimension uses such a label.
void require_own_rows(const Graph& graph, NodeId id, const Access& access, const Shape& shape) {
  const std::vector<Label>& labels = graph.node(id).loops.labels;
  std::set<std::string> names;
  for (size_t d = 0; d < shape.size(); ++d) {
    const AffineIndex& index = access[d];
    if (!shape[d].is_symbol()) {
      for (const Term& term : index.terms)
        if (is_named(labels, term.label)) refuse(describe(graph, id) + " mixes samples");
      continue;
    }
    const bool own = index.lookup < 0 && index.offset == 0 && index.terms.size() == 1 &&
                     index.terms[0].coefficient == 1 &&
                     labels[static_cast<size_t>(index.terms[0].label)].extent == shape[d];
    if (!own || !names.insert(shape[d].symbol()).second) refuse(describe(graph, id) + " mixes samples");
  }
}

void require_no_row_number(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  const bool reads = any_step(node.op->body.expression, [&](const Scalar& e) {
    return e.kind() == ScalarKind::Size ||
           (e.kind() == ScalarKind::Index && is_named(node.loops.labels, e.position()));
  });
  if (reads) refuse(describe(graph, id) + " depends on the number of the sample");
}

Rational known_value(const Scalar& body, std::span<const Rational> t) {
  const auto truth = [](bool holds) { return Rational(holds ? 1 : 0); };
  switch (body.kind()) {
    case ScalarKind::Add: return t[0] + t[1];
    case ScalarKind::Subtract: return t[0] - t[1];
    case ScalarKind::Negate: return -t[0];
    case ScalarKind::Multiply: return t[0] * t[1];
    case ScalarKind::Divide:
      if (t[1].is_zero()) refuse("division by 0");
      return t[0] / t[1];
    case ScalarKind::Max: return t[0] < t[1] ? t[1] : t[0];
    case ScalarKind::Min: return t[1] < t[0] ? t[1] : t[0];
    case ScalarKind::Less: return truth(t[0] < t[1]);
    case ScalarKind::LessEqual: return truth(t[0] <= t[1]);
    case ScalarKind::Equal: return truth(t[0] == t[1]);
    case ScalarKind::And: return truth(!t[0].is_zero() && !t[1].is_zero());
    case ScalarKind::Or: return truth(!t[0].is_zero() || !t[1].is_zero());
    case ScalarKind::Not: return truth(t[0].is_zero());
    case ScalarKind::Floor: return t[0].floor();
    case ScalarKind::Sqrt:
      if (const auto root = square_root(t[0])) return *root;
      refuse("sqrt(" + to_string(t[0]) + ") is not rational");
    case ScalarKind::Constant:
    case ScalarKind::Argument:
    case ScalarKind::Index:
    case ScalarKind::Size:
    case ScalarKind::Select:
    case ScalarKind::Exp:
    case ScalarKind::Expm1:
    case ScalarKind::Log:
    case ScalarKind::Log1p:
    case ScalarKind::Sin:
    case ScalarKind::Cos:
    case ScalarKind::Tanh:
    case ScalarKind::Sigmoid:
    case ScalarKind::Softplus:
    case ScalarKind::Erf: refuse(std::string(name_of(body.kind())) + " has no exact rational value");
  }
  refuse("unknown scalar");
}

/// Gathers what several loop points give to one element.
class Gatherer {
 public:
  Gatherer(Combine combine, int64_t count)
      : combine_(combine),
        values_(static_cast<size_t>(count), combine == Combine::Product ? 1 : 0),
        seen_(static_cast<size_t>(count)) {
    if (gives_position(combine)) refuse("argmax has no exact replay");
  }

  void add(int64_t element, const Rational& value) {
    const auto place = static_cast<size_t>(element);
    Rational& slot = values_[place];
    if (!seen_[place] && combine_ != Combine::Product)
      slot = value;
    else if (combine_ == Combine::Sum)
      slot += value;
    else if (combine_ == Combine::Product)
      slot *= value;
    else if (combine_ == Combine::Assign)
      refuse("two loop points assign one element");
    else if ((combine_ == Combine::Max) == (slot < value))
      slot = value;
    seen_[place] = true;
  }

  std::vector<Rational> finish() {
    for (const bool seen : seen_)
      if (!seen && (combine_ == Combine::Max || combine_ == Combine::Min))
        refuse("an extremum over nothing is infinite");
    return std::move(values_);
  }

 private:
  Combine combine_;
  std::vector<Rational> values_;
  std::vector<bool> seen_;
};

std::vector<Rational> stored_values(const Tensor& tensor) {
  std::vector<Rational> result;
  for (int64_t i = 0; i < tensor.count(); ++i) {
    if (!std::isfinite(tensor.at(i))) refuse("a stored value is not finite");
    result.push_back(Rational::of(tensor.at(i)));
  }
  return result;
}

}  // namespace

int64_t sample_size(const Shape& shape) {
  int64_t count = 1;
  for (const Dim& dim : shape) count *= row_size(dim);
  return count;
}

void visit_points(const Graph& graph, NodeId id, const std::function<void(const Touch&)>& visit) {
  const Node& node = graph.node(id);
  std::vector<int64_t> extents;
  for (const Label& label : node.loops.labels) extents.push_back(row_size(label.extent));
  std::vector<Place> places;
  for (size_t k = 0; k < node.operands.size(); ++k)
    places.emplace_back(node.loops.reads[k], graph.node(node.operands[k]).shape, extents);
  places.emplace_back(node.loops.write, node.shape, extents);
  const bool stays = std::ranges::all_of(places, &Place::stays);
  std::vector<int64_t> labels(extents.size()), flat(places.size());
  for (size_t k = 0; k < places.size(); ++k) flat[k] = places[k].at(labels);
  if (std::ranges::find(extents, 0) != extents.end()) return;
  while (true) {
    if (!stays)
      for (size_t k = 0; k < places.size(); ++k) flat[k] = places[k].at(labels);
    if (stays || std::ranges::min(flat) >= 0)
      visit({labels, std::span(flat).first(node.operands.size()), flat.back()});
    size_t label = extents.size();
    while (label > 0 && labels[label - 1] + 1 == extents[label - 1]) {
      --label;
      for (size_t k = 0; k < places.size(); ++k) flat[k] -= places[k].step(label) * labels[label];
      labels[label] = 0;
    }
    if (label == 0) return;
    ++labels[label - 1];
    for (size_t k = 0; k < places.size(); ++k) flat[k] += places[k].step(label - 1);
  }
}

void require_real(const Graph& graph, NodeId id) {
  if (graph.node(id).role != Role::Apply) refuse(describe(graph, id) + " is no operation");
  if (!stores_exactly(graph, graph.node(id)))
    refuse(describe(graph, id) + " cuts numbers to integers or wraps them around");
}

void require_separate_samples(const Graph& graph, NodeId id) {
  const Node& node = graph.node(id);
  require_real(graph, id);
  require_own_rows(graph, id, node.loops.write, node.shape);
  for (size_t k = 0; k < node.operands.size(); ++k)
    require_own_rows(graph, id, node.loops.reads[k], graph.node(node.operands[k]).shape);
  std::set<int> written;
  for (const AffineIndex& index : node.loops.write)
    for (const Term& term : index.terms) written.insert(term.label);
  for (int label = 0; label < static_cast<int>(node.loops.labels.size()); ++label)
    if (is_named(node.loops.labels, label) && !written.contains(label))
      refuse(describe(graph, id) + " combines over samples");
  require_no_row_number(graph, id);
}

Rational value_of(const Scalar& body, std::span<const Rational> arguments, std::span<const int64_t> labels) {
  return fold_asked<Rational>(body, [&](const Scalar& e, const auto& of) -> Rational {
    if (e.kind() == ScalarKind::Argument) return arguments[static_cast<size_t>(e.position())];
    if (e.kind() == ScalarKind::Index) return labels[static_cast<size_t>(e.position())];
    if (e.kind() == ScalarKind::Constant) {
      if (!std::isfinite(e.constant())) refuse("a constant is not finite");
      return Rational::of(e.constant());
    }
    if (e.kind() == ScalarKind::Select) return of(e.terms()[of(e.terms()[0]).is_zero() ? 2 : 1]);
    std::vector<Rational> terms;
    for (const Scalar& term : e.terms()) terms.push_back(of(term));
    return known_value(e, terms);
  });
}

std::vector<Rational> values_of(const Graph& graph, NodeId id,
                                const std::map<NodeId, std::vector<Rational>>& known) {
  const Node& node = graph.node(id);
  if (node.role == Role::Parameter || node.role == Role::Constant) return stored_values(node.value);
  if (node.role != Role::Apply) refuse(describe(graph, id) + " has no value of its own");
  require_real(graph, id);
  Gatherer result(node.op->combine, sample_size(node.shape));
  std::vector<Rational> arguments(node.operands.size());
  visit_points(graph, id, [&](const Touch& touch) {
    for (size_t k = 0; k < arguments.size(); ++k)
      arguments[k] = known.at(node.operands[k])[static_cast<size_t>(touch.reads[k])];
    result.add(touch.write, value_of(node.op->body.expression, arguments, touch.labels));
  });
  return result.finish();
}

}  // namespace crease::checker
