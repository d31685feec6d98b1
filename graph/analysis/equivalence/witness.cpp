#include "graph/analysis/equivalence/witness.h"

#include <algorithm>
#include <cmath>

#include "graph/analysis/exact.h"
#include "graph/analysis/points.h"
#include "graph/evaluate.h"

namespace crease {

size_t input_size(const Graph& graph, NodeId id) {
  return static_cast<size_t>(sample_count(graph.node(id).shape));
}

std::optional<DifferenceWitness> witness_at(const Joined& both, const std::vector<Rational>& point) {
  std::map<NodeId, ExactValues> inputs;
  size_t next = 0;
  for (const NodeId id : both.graph.inputs()) {
    const size_t count = input_size(both.graph, id);
    const auto first = point.begin() + static_cast<std::ptrdiff_t>(next);
    inputs[id].assign(first, first + static_cast<std::ptrdiff_t>(count));
    next += count;
  }
  for (size_t k = 0; k < both.outputs.size(); ++k) {
    const NodeId wanted[] = {both.outputs[k].first, both.outputs[k].second};
    const auto values = evaluate_exactly(both.graph, inputs, wanted);
    if (!values) continue;
    const ExactValues &of_a = values->at(wanted[0]), &of_b = values->at(wanted[1]);
    for (size_t i = 0; i < of_a.size(); ++i)
      if (of_a[i] != of_b[i])
        return DifferenceWitness{.point = point,
                                 .output = both.graph.outputs()[k].name,
                                 .index = static_cast<int64_t>(i),
                                 .a = of_a[i],
                                 .b = of_b[i]};
  }
  return {};
}

std::optional<DifferenceWitness> likely_witness_at(const Joined& both, const std::vector<Rational>& point) {
  Bindings inputs;
  size_t next = 0;
  for (const NodeId id : both.graph.inputs()) {
    const Node& node = both.graph.node(id);
    if (!is_floating(node.type)) return {};
    Tensor value(node.type, sample_sizes(node.shape));
    for (int64_t i = 0; i < value.count(); ++i) value.set(i, point[next++].to_double());
    inputs.emplace(node.name, std::move(value));
  }
  std::optional<DifferenceWitness> result;
  double greatest = 1e-4;  // relative; well above the rounding of f32
  for (size_t k = 0; k < both.outputs.size(); ++k) {
    const Value wanted[] = {both.graph.value(both.outputs[k].first),
                            both.graph.value(both.outputs[k].second)};
    const std::vector<Tensor> values = evaluate(both.graph, inputs, wanted);
    for (int64_t i = 0; i < values[0].count(); ++i) {
      const double a = values[0].at(i), b = values[1].at(i);
      const double difference = std::abs(a - b) / std::max({1.0, std::abs(a), std::abs(b)});
      if (!std::isfinite(difference) || difference <= greatest) continue;
      greatest = difference;
      result = {.point = point,
                .output = both.graph.outputs()[k].name,
                .index = i,
                .a = Rational::of(a),
                .b = Rational::of(b),
                .exact = false};
    }
  }
  return result;
}

}  // namespace crease
