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

Bindings box_inputs(const Graph& graph, const InputBox& box, int64_t sample, std::mt19937_64& random) {
  Bindings inputs;
  for (const NodeId id : graph.inputs()) {
    const Node& node = graph.node(id);
    Tensor value(node.type, sample_sizes(node.shape));
    if (is_floating(node.type)) {
      const std::vector<Interval> sides = box_of(graph, id, box);
      for (int64_t i = 0; i < value.count(); ++i) {
        auto [low, high] = sides[static_cast<size_t>(i)];
        if (!std::isfinite(low)) low = std::isfinite(high) ? high - 1 : -1;
        if (!std::isfinite(high)) high = low + (std::isfinite(sides[static_cast<size_t>(i)].low) ? 1 : 2);
        const double share = std::uniform_real_distribution<double>()(random);
        value.set(i, sample == 0 ? low : sample == 1 ? high : low + share * (high - low));
      }
    }
    inputs.emplace(node.name, std::move(value));
  }
  return inputs;
}

namespace {

template <class Inputs>
std::vector<OrbitValues> sizes_at(const Graph& graph, int64_t samples, Inputs&& inputs) {
  std::vector<OrbitValues> result;
  std::vector<Value> wanted;
  for (NodeId id = 0; id < graph.size(); ++id) {
    const Node& node = graph.node(id);
    if (node.role != Role::Apply || !is_floating(node.type)) continue;
    wanted.push_back(graph.value(id));
    result.push_back({.tensor = id, .sizes = {}});
    result.back().sizes.assign(static_cast<size_t>(sample_count(node.shape)), 0);
  }
  for (int64_t sample = 0; sample < samples; ++sample) {
    const std::vector<Tensor> values = evaluate(graph, inputs(sample), wanted);
    for (size_t k = 0; k < values.size(); ++k)
      for (int64_t i = 0; i < values[k].count(); ++i) {
        double& size = result[k].sizes[static_cast<size_t>(i)];
        if (std::isfinite(values[k].at(i))) size = std::max(size, std::abs(values[k].at(i)));
      }
  }
  return result;
}

}  // namespace

std::vector<OrbitValues> value_sizes(const Graph& graph, int64_t samples, uint64_t seed) {
  std::mt19937_64 random(seed);
  return sizes_at(graph, samples, [&](int64_t) { return random_inputs(graph, 1, random); });
}

std::vector<OrbitValues> value_sizes(const Graph& graph, int64_t samples, uint64_t seed,
                                     const InputBox& box) {
  std::mt19937_64 random(seed);
  return sizes_at(graph, samples, [&](int64_t sample) { return box_inputs(graph, box, sample, random); });
}

}  // namespace crease
