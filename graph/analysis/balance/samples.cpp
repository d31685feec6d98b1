#include "graph/analysis/balance/samples.h"

#include <algorithm>
#include <cmath>

#include "graph/analysis/points.h"

namespace crease {

Bindings random_inputs(const Graph& graph, int64_t rows, std::mt19937_64& random) {
  std::normal_distribution<double> number;
  Bindings inputs;
  for (const NodeId id : graph.inputs()) {
    const Node& node = graph.node(id);
    std::vector<int64_t> sizes;
    for (const Dim& dim : node.shape) sizes.push_back(dim.is_symbol() ? rows : dim.size());
    Tensor value(node.type, std::move(sizes));
    if (is_floating(node.type))
      for (int64_t i = 0; i < value.count(); ++i) value.set(i, number(random));
    inputs.emplace(node.name, std::move(value));
  }
  return inputs;
}

std::vector<OrbitValues> value_sizes(const Graph& graph, int64_t samples, uint64_t seed) {
  std::vector<OrbitValues> result;
  std::vector<Value> wanted;
  for (NodeId id = 0; id < graph.size(); ++id) {
    const Node& node = graph.node(id);
    if (node.role != Role::Apply || !is_floating(node.type)) continue;
    wanted.push_back(graph.value(id));
    result.push_back({.tensor = id, .sizes = {}});
    result.back().sizes.assign(static_cast<size_t>(sample_count(node.shape)), 0);
  }
  std::mt19937_64 random(seed);
  for (int64_t sample = 0; sample < samples; ++sample) {
    const std::vector<Tensor> values = evaluate(graph, random_inputs(graph, 1, random), wanted);
    for (size_t k = 0; k < values.size(); ++k)
      for (int64_t i = 0; i < values[k].count(); ++i) {
        double& size = result[k].sizes[static_cast<size_t>(i)];
        if (std::isfinite(values[k].at(i))) size = std::max(size, std::abs(values[k].at(i)));
      }
  }
  return result;
}

}  // namespace crease
