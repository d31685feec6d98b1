#include "graph/analysis/normal_form/near_constants.h"

#include <cmath>
#include <vector>

#include "graph/analysis/points.h"
#include "graph/scalar/forms.h"

namespace crease {
namespace {

/// The root by two steps of Newton's method from that in double.
std::optional<Rational> nearby_root(const Rational& x) {
  if (x.sign() <= 0) return x.is_zero() ? std::optional<Rational>(0) : std::nullopt;
  Rational guess = Rational::of(std::sqrt(x.to_double()));
  if (guess.is_zero()) return {};
  for (int step = 0; step < 2; ++step) {
    guess = ((guess + x / guess) * Rational(1, 2)).floor(-96);
    if (guess.is_zero()) return {};
  }
  return guess;
}

std::optional<Rational> nearby_value(const Scalar& body, const std::vector<Rational>& arguments,
                                     const std::vector<int64_t>& labels) {
  using Maybe = std::optional<Rational>;
  return fold_steps<Maybe>(body, [&](const Scalar& e, std::span<const Maybe> values) -> Maybe {
    if (values.empty()) return evaluate_exactly(e, arguments, labels);
    std::vector<Rational> terms;
    for (const Maybe& value : values) {
      if (!value) return {};
      terms.push_back(*value);
    }
    return e.kind() == ScalarKind::Sqrt ? nearby_root(terms[0]) : compute_exactly(e.kind(), terms);
  });
}

}  // namespace

Rational on_grid(const Rational& x) { return x.floor(-64); }

std::optional<ExactValues> nearby_values(
    const Graph& graph, NodeId id, const std::function<Rational(NodeId operand, int64_t element)>& operand) {
  const Node& node = graph.node(id);
  if (node.role != Role::Apply || node.op->combine != Combine::Assign || has_lookup(node)) return {};
  ExactValues result(static_cast<size_t>(sample_count(node.shape)));
  std::vector<Rational> arguments(node.operands.size());
  for (PointWalk walk(graph, id); walk.valid(); walk.next()) {
    if (!walk.inside()) continue;
    for (size_t k = 0; k < arguments.size(); ++k) arguments[k] = operand(node.operands[k], walk.read(k));
    const auto value = nearby_value(node.op->body.expression, arguments, walk.labels());
    if (!value) return {};
    result[static_cast<size_t>(walk.write())] = on_grid(*value);
  }
  return result;
}

}  // namespace crease
