#include "graph/analysis/equivalence/witness.h"

#include "graph/analysis/exact.h"
#include "graph/analysis/points.h"

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

}  // namespace crease
