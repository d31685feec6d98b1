#include "graph/analysis/exact.h"

#include <algorithm>
#include <cmath>

#include "graph/analysis/points.h"
#include "graph/scalar/forms.h"
#include "graph/scalar/tape.h"
#include "graph/stored.h"

namespace crease {

namespace {

using Maybe = std::optional<Rational>;

constexpr int64_t kMostBits = int64_t{1} << 16;

/// Whether a number takes no more bits than are computed with in no time.
bool is_short(const Rational& number) {
  constexpr int64_t most_fraction_bits = int64_t{1} << 14;
  return number.bits() <= (number.denominator_bits() == 1 ? kMostBits : most_fraction_bits) &&
         std::abs(number.exponent()) <= kMostBits;
}

Maybe truth(bool value) { return Rational(value ? 1 : 0); }

/// A body as a list of nodes with the places of their terms; run once for each loop point.
class ExactTape {
 public:
  explicit ExactTape(const Scalar& body) : steps_(steps_of(body)) {}

  Maybe run(std::span<const Rational> arguments, std::span<const int64_t> labels) {
    std::vector<Maybe> values;
    values.reserve(steps_.size());
    for (const BodyStep& step : steps_) {
      values.push_back(value(step, values, arguments, labels));
      if (values.back() && !is_short(*values.back())) return {};
    }
    return values.back();
  }

 private:
  static Maybe value(const BodyStep& step, std::span<const Maybe> values, std::span<const Rational> arguments,
                     std::span<const int64_t> labels) {
    const auto position = [&] { return static_cast<size_t>(step.node.position()); };
    if (step.node.kind() == ScalarKind::Argument) return arguments[position()];
    if (step.node.kind() == ScalarKind::Index) return Rational(labels[position()]);
    if (step.node.kind() == ScalarKind::Constant) {
      const double constant = step.node.constant();
      return std::isfinite(constant) ? Rational::of(constant) : Maybe();
    }
    std::vector<Rational> terms;
    for (const size_t term : step.terms) {
      // The branch not taken may have no value.
      const bool ignored = step.node.kind() == ScalarKind::Select && !terms.empty() &&
                           (terms.size() == 1) == terms[0].is_zero();
      if (!values[term] && !ignored) return {};
      terms.push_back(values[term].value_or(Rational()));
    }
    return compute_exactly(step.node.kind(), terms);
  }

  std::vector<BodyStep> steps_;
};

/// Puts one more value into an element of the result.
void put(Combine combine, Rational& element, bool first, const Rational& value) {
  switch (combine) {
    case Combine::Assign: element = value; return;
    case Combine::Sum: element += value; return;
    case Combine::Product: element *= value; return;
    case Combine::Max:
      if (first || value > element) element = value;
      return;
    case Combine::Min:
      if (first || value < element) element = value;
      return;
    case Combine::ArgMax:
    case Combine::ArgMin: return;
  }
}

std::optional<ExactValues> apply_node(const Graph& graph, NodeId id,
                                      const std::map<NodeId, ExactValues>& known) {
  const Node& node = graph.node(id);
  const Combine combine = node.op->combine;
  if (gives_position(combine) || has_lookup(node)) return {};
  if (!stores_exactly(graph, node)) return {};
  ExactTape tape(node.op->body.expression);
  const auto count = static_cast<size_t>(sample_count(node.shape));
  ExactValues result(count, combine == Combine::Product ? 1 : 0);
  std::vector<bool> seen(count);
  std::vector<const ExactValues*> operands;
  for (const NodeId operand : node.operands) operands.push_back(&known.at(operand));
  std::vector<Rational> arguments(operands.size());
  for (PointWalk walk(graph, id); walk.valid(); walk.next()) {
    if (!walk.inside()) continue;
    for (size_t k = 0; k < operands.size(); ++k)
      arguments[k] = (*operands[k])[static_cast<size_t>(walk.read(k))];
    const Maybe value = tape.run(arguments, walk.labels());
    if (!value) return {};
    const auto element = static_cast<size_t>(walk.write());
    put(combine, result[element], !seen[element], *value);
    if (seen[element] && !is_short(result[element])) return {};
    seen[element] = true;
  }
  const bool needs_one = combine == Combine::Max || combine == Combine::Min;  // else infinite
  if (needs_one && std::find(seen.begin(), seen.end(), false) != seen.end()) return {};
  return result;
}

std::optional<ExactValues> node_values(const Graph& graph, NodeId id,
                                       const std::map<NodeId, ExactValues>& known) {
  const Node& node = graph.node(id);
  switch (node.role) {
    case Role::Parameter:
    case Role::Constant: return exact_values(node.value);
    case Role::Apply: return apply_node(graph, id, known);
    case Role::Input:
    case Role::Random:
    case Role::Scan: return {};
  }
  return {};
}

}  // namespace

std::optional<Rational> compute_exactly(ScalarKind kind, std::span<const Rational> t) {
  switch (kind) {
    case ScalarKind::Add: return t[0] + t[1];
    case ScalarKind::Subtract: return t[0] - t[1];
    case ScalarKind::Multiply: return t[0] * t[1];
    case ScalarKind::Divide: return t[1].is_zero() ? Maybe() : t[0] / t[1];
    case ScalarKind::Negate: return -t[0];
    case ScalarKind::Max: return std::max(t[0], t[1]);
    case ScalarKind::Min: return std::min(t[0], t[1]);
    case ScalarKind::Less: return truth(t[0] < t[1]);
    case ScalarKind::LessEqual: return truth(t[0] <= t[1]);
    case ScalarKind::Equal: return truth(t[0] == t[1]);
    case ScalarKind::And: return truth(!t[0].is_zero() && !t[1].is_zero());
    case ScalarKind::Or: return truth(!t[0].is_zero() || !t[1].is_zero());
    case ScalarKind::Not: return truth(t[0].is_zero());
    case ScalarKind::Select: return t[0].is_zero() ? t[2] : t[1];
    case ScalarKind::Sqrt: return square_root(t[0]);
    case ScalarKind::Floor: return t[0].floor();
    case ScalarKind::Constant:
    case ScalarKind::Argument:
    case ScalarKind::Index:
    case ScalarKind::Size:
    case ScalarKind::Exp:
    case ScalarKind::Expm1:
    case ScalarKind::Log:
    case ScalarKind::Log1p:
    case ScalarKind::Sin:
    case ScalarKind::Cos:
    case ScalarKind::Tanh:
    case ScalarKind::Sigmoid:
    case ScalarKind::Softplus:
    case ScalarKind::Erf: return {};
  }
  return {};
}

std::optional<ExactValues> exact_values(const Tensor& tensor) {
  ExactValues values;
  values.reserve(static_cast<size_t>(tensor.count()));
  for (int64_t i = 0; i < tensor.count(); ++i) {
    const double value = tensor.at(i);
    if (!std::isfinite(value)) return {};
    values.push_back(Rational::of(value));
  }
  return values;
}

std::optional<Rational> evaluate_exactly(const Scalar& body, std::span<const Rational> arguments,
                                         std::span<const int64_t> labels) {
  return ExactTape(body).run(arguments, labels);
}

std::optional<std::map<NodeId, ExactValues>> evaluate_exactly(const Graph& graph,
                                                              const std::map<NodeId, ExactValues>& inputs,
                                                              std::span<const NodeId> wanted) {
  std::map<NodeId, ExactValues> known = inputs;
  for (const NodeId id : ancestors(graph, wanted)) {
    if (known.contains(id)) continue;
    auto values = node_values(graph, id, known);
    if (!values) return {};
    known[id] = std::move(*values);
  }
  std::map<NodeId, ExactValues> result;
  for (const NodeId id : wanted) result[id] = known.at(id);
  return result;
}

bool is_exact_affordable(const Graph& graph, std::span<const NodeId> wanted) {
  constexpr int64_t most = int64_t{1} << 22;
  int64_t points = 0, steps = 0;
  for (const NodeId id : ancestors(graph, wanted)) {
    if (graph.node(id).role != Role::Apply || has_lookup(graph.node(id))) continue;
    points += PointWalk(graph, id).count();
    ++steps;
  }
  return points * steps <= most;
}

}  // namespace crease
