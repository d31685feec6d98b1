#include "frontends/training/lsuv.h"

#include <algorithm>
#include <cmath>

#include "frontends/optimizers.h"
#include "graph/error.h"

namespace crease {
namespace {

struct WeightedLayer {
  std::string weight;
  NodeId result;
};

std::vector<WeightedLayer> weighted_layers(const Graph& network) {
  constexpr std::string_view suffix = ".weight";
  std::vector<WeightedLayer> layers;
  const std::vector<NodeId> outputs = roots(network);
  for (const NodeId id : ancestors(network, outputs)) {
    const Node& node = network.node(id);
    if (node.role != Role::Apply || node.name.empty()) continue;
    const std::string weight = node.name + std::string(suffix);
    const auto is_weight = [&](NodeId parameter) { return network.node(parameter).name == weight; };
    const auto parameters = network.parameters();
    if (std::ranges::any_of(parameters, is_weight)) layers.push_back({weight, id});
  }
  return layers;
}

double variance_of(const Tensor& tensor) {
  double mean = 0, total = 0;
  const auto count = static_cast<double>(tensor.count());
  for (int64_t i = 0; i < tensor.count(); ++i) mean += tensor.at(i) / count;
  for (int64_t i = 0; i < tensor.count(); ++i) total += (tensor.at(i) - mean) * (tensor.at(i) - mean) / count;
  return total;
}

void divide(Tensor& tensor, double divisor) {
  for (int64_t i = 0; i < tensor.count(); ++i) tensor.set(i, tensor.at(i) / divisor);
}

}  // namespace

Graph lsuv(const Graph& network, const Bindings& batch, const LsuvOptions& options) {
  Graph result = network;
  const std::vector<WeightedLayer> layers = weighted_layers(network);
  expect(!layers.empty(), "[lsuv] no layer has a parameter '<layer>.weight' and a result of its name");
  std::vector<std::pair<std::string, Value>> outputs;
  for (const WeightedLayer& layer : layers) outputs.emplace_back(layer.weight, network.value(layer.result));
  Runner runner(extract(outputs), options.run);
  for (const WeightedLayer& layer : layers) {
    for (int attempt = 0; attempt < options.tries; ++attempt) {
      const double variance = variance_of(runner(batch).at(layer.weight));
      expect(std::isfinite(variance) && variance > 0,
             "[lsuv] the result of node {} has variance {} on this batch", describe(network, layer.result),
             variance);
      if (std::abs(variance - 1) <= options.tolerance) break;
      Tensor weight = result.find(layer.weight).node().value;
      divide(weight, std::sqrt(variance));
      result.set_parameter(layer.weight, weight);
      runner.set_parameter(layer.weight, weight);
    }
  }
  return result;
}

}  // namespace crease
