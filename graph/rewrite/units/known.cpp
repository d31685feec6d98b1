#include "graph/rewrite/units/known.h"

#include <algorithm>

#include "graph/analysis/exact.h"
#include "graph/analysis/points.h"
#include "graph/scalar/forms.h"

namespace crease {
namespace {

size_t at_index(int64_t k) { return static_cast<size_t>(k); }

// Nodes with more loop points are not looked through: about a second.
constexpr int64_t kMostPoints = int64_t{1} << 21;

/// Whether one sample stands for all: no named dimension is combined over.
bool keeps_samples(const Node& node) {
  return std::ranges::none_of(reduced_labels(node.loops), [&](int label) {
    return node.loops.labels[at_index(label)].extent.is_symbol();
  });
}

bool can_be_known(const Node& node) {
  const Combine combine = node.op->combine;
  return is_floating(node.type) && !has_lookup(node) && keeps_samples(node) &&
         (combine == Combine::Assign || combine == Combine::Sum || combine == Combine::Max ||
          combine == Combine::Min);
}

std::optional<Rational> combined(Combine combine, const std::optional<Rational>& a,
                                 const std::optional<Rational>& b) {
  if (!a || !b) return {};
  if (combine == Combine::Max) return std::max(*a, *b);
  if (combine == Combine::Min) return std::min(*a, *b);
  return *a + *b;
}

}  // namespace

std::optional<Rational> partial_value(const Scalar& body,
                                      const std::vector<std::optional<Rational>>& arguments,
                                      const std::vector<int64_t>& labels) {
  using Maybe = std::optional<Rational>;
  return fold_steps<Maybe>(body, [&](const Scalar& e, std::span<const Maybe> values) -> Maybe {
    if (e.kind() == ScalarKind::Argument) return arguments[at_index(e.position())];
    if (e.kind() == ScalarKind::Index) return Rational(labels[at_index(e.position())]);
    if (e.kind() == ScalarKind::Constant)
      return std::isfinite(e.constant()) ? Maybe(Rational::of(e.constant())) : Maybe();
    if (e.kind() == ScalarKind::Select) return values[0] ? values[values[0]->is_zero() ? 2 : 1] : Maybe();
    std::vector<Rational> terms;
    bool all = true;
    for (const Maybe& value : values) {
      if (value && value->is_zero() && e.kind() == ScalarKind::Multiply) return Rational(0);
      all = all && value;
      terms.push_back(value.value_or(Rational(0)));
    }
    return all && !terms.empty() ? compute_exactly(e.kind(), terms) : Maybe();
  });
}

KnownElements::KnownElements(const BoxAnalysis& box, const std::vector<UnitNode>& units) : box_(box) {
  for (const UnitNode& node : units)
    for (const Unit& unit : node.units) {
      if (unit.state != UnitState::Dead) continue;
      auto& values = found_[node.node];
      values.resize(at_index(sample_count(box.graph().node(node.node).shape)));
      values[at_index(unit.element)] = Rational(0);
    }
  for (const NodeId id : box.nodes())
    if (box.graph().node(id).role == Role::Apply && !box.is_constant(id)) propagate(id);
}

std::optional<Rational> KnownElements::at(NodeId node, int64_t element) const {
  if (const auto found = found_.find(node); found != found_.end())
    if (const auto& value = found->second[at_index(element)]) return value;
  const Interval x = box_.by_lines(node, element);
  if (!x.is_point() || !x.is_finite()) return {};
  return Rational::of(x.low);
}

std::optional<std::vector<Rational>> KnownElements::all(NodeId node) const {
  std::vector<Rational> values;
  for (int64_t i = 0; i < sample_count(box_.graph().node(node).shape); ++i) {
    const auto value = at(node, i);
    if (!value) return {};
    values.push_back(*value);
  }
  return values;
}

void KnownElements::propagate(NodeId id) {
  const Graph& graph = box_.graph();
  const Node& node = graph.node(id);
  const bool reads_known =
      std::ranges::any_of(node.operands, [&](NodeId operand) { return found_.contains(operand); });
  if (!reads_known || !can_be_known(node) || PointWalk(graph, id).count() > kMostPoints) return;
  const auto count = at_index(sample_count(node.shape));
  std::vector<std::optional<Rational>> values(count, Rational(0));
  std::vector<bool> seen(count);
  std::vector<std::optional<Rational>> arguments(node.operands.size());
  for (PointWalk walk(graph, id); walk.valid(); walk.next()) {
    if (!walk.inside()) continue;
    const auto place = at_index(walk.write());
    if (seen[place] && !values[place]) continue;
    for (size_t k = 0; k < arguments.size(); ++k) arguments[k] = at(node.operands[k], walk.read(k));
    const auto value = partial_value(node.op->body.expression, arguments, walk.labels());
    values[place] = seen[place] ? combined(node.op->combine, values[place], value) : value;
    seen[place] = true;
  }
  const bool needs_one = node.op->combine == Combine::Max || node.op->combine == Combine::Min;
  for (size_t i = 0; i < count; ++i)
    if (needs_one && !seen[i]) values[i].reset();
  if (const auto known = found_.find(id); known != found_.end())
    for (size_t i = 0; i < count; ++i)
      if (known->second[i]) values[i] = known->second[i];
  if (std::ranges::any_of(values, [](const auto& value) { return value.has_value(); }))
    found_[id] = std::move(values);
}

}  // namespace crease
