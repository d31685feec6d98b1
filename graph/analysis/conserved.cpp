#include "graph/analysis/conserved.h"

#include <algorithm>
#include <cmath>

#include "graph/error.h"

namespace crease {
namespace {

/// For each coordinate the sum of exponent * term(parameter, entry).
template <class Term>
std::vector<SignedSum> sums(const Graph& graph, const ScalingGroup& group, const Term& term) {
  std::vector<SignedSum> result(static_cast<size_t>(group.dimension()));
  for (const NodeId id : graph.parameters()) {
    const auto exponents = group.exponents(id);
    for (size_t i = 0; i < exponents.size(); ++i) {
      const double factor = term(graph.node(id), static_cast<int64_t>(i));
      for (const auto& [coordinate, exponent] : exponents[i]) {
        SignedSum& total = result[static_cast<size_t>(coordinate)];
        const double part = exponent.to_double() * factor;
        total.sum += part;
        total.magnitude += std::abs(part);
      }
    }
  }
  return result;
}

const Tensor* gradient_of(const Node& node, const NamedTensors& gradients) {
  const auto found = gradients.find(node.name);
  if (found == gradients.end()) return nullptr;
  expect(found->second.sizes() == node.value.sizes(),
         "[noether] the gradient of '{}' has {} elements, want {}", node.name, found->second.count(),
         node.value.count());
  return &found->second;
}

}  // namespace

std::vector<SignedSum> conserved_quantities(const Graph& graph, const ScalingGroup& group) {
  return sums(graph, group, [](const Node& node, int64_t i) {
    const double theta = node.value.at(i);
    return theta * theta / 2;
  });
}

std::vector<SignedSum> noether_sums(const Graph& graph, const ScalingGroup& group,
                                    const NamedTensors& gradients) {
  return sums(graph, group, [&](const Node& node, int64_t i) {
    const Tensor* gradient = gradient_of(node, gradients);
    return gradient == nullptr ? 0.0 : node.value.at(i) * gradient->at(i);
  });
}

std::vector<SignedSum> conserved_drift(const Graph& graph, const ScalingGroup& group,
                                       const NamedTensors& gradients) {
  return sums(graph, group, [&](const Node& node, int64_t i) {
    const Tensor* gradient = gradient_of(node, gradients);
    return gradient == nullptr ? 0.0 : gradient->at(i) * gradient->at(i) / 2;
  });
}

double worst(const std::vector<SignedSum>& sums) {
  double worst = 0;
  for (const SignedSum& sum : sums)
    if (sum.magnitude > 0) worst = std::max(worst, std::abs(sum.sum) / sum.magnitude);
  return worst;
}

}  // namespace crease
