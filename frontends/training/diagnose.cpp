#include "frontends/training/diagnose.h"

#include <algorithm>
#include <cmath>

#include "graph/error.h"

namespace crease {
namespace {

template <class T>
std::optional<int64_t> first_in(std::span<const T> values) {
  const auto found = std::ranges::find_if(values, [](T value) { return !std::isfinite(value); });
  if (found == values.end()) return {};
  return found - values.begin();
}

double greatest_magnitude(const Tensor& tensor) {
  double greatest = 0;
  for (int64_t i = 0; i < tensor.count(); ++i) greatest = std::max(greatest, std::abs(tensor.at(i)));
  return greatest;
}

/// Without the sign of a nan, which depends on the machine.
std::string written(double value) { return std::isnan(value) ? "nan" : fmt::format("{}", value); }

std::string origin(const Node& node) {
  return node.role == Role::Apply ? node.op->name : std::string(to_string(node.role));
}

}  // namespace

std::optional<int64_t> first_non_finite(const Tensor& tensor) {
  if (tensor.type() == Type::f32) return first_in(tensor.read<float>());
  if (tensor.type() == Type::f64) return first_in(tensor.read<double>());
  return {};
}

std::optional<NonFinite> find_non_finite(const Graph& graph, const Bindings& inputs) {
  const std::vector<NodeId> nodes = ancestors(graph, roots(graph));
  std::vector<Value> wanted;
  std::vector<size_t> position(static_cast<size_t>(graph.size()));
  for (const NodeId id : nodes) {
    position[static_cast<size_t>(id)] = wanted.size();
    wanted.push_back(graph.value(id));
  }
  const std::vector<Tensor> values = evaluate(graph, inputs, wanted);
  for (size_t i = 0; i < nodes.size(); ++i) {
    const auto element = first_non_finite(values[i]);
    const Node& node = graph.node(nodes[i]);
    if (!element || node.role == Role::Constant) continue;  // an infinite constant is meant
    const double value = values[i].at(*element);
    std::string text = fmt::format("{} {} is {} at element {}", origin(node), describe(graph, nodes[i]),
                                   written(value), *element);
    for (const NodeId operand : node.operands) {
      const Tensor& tensor = values[position[static_cast<size_t>(operand)]];
      text += fmt::format("; greatest magnitude in {}: {:.4g}", describe(graph, operand),
                          greatest_magnitude(tensor));
    }
    return NonFinite{.node = nodes[i], .element = *element, .value = value, .text = text};
  }
  return {};
}

}  // namespace crease
