#include "frontends/training/penalty.h"

#include <array>
#include <cmath>

#include "frontends/losses.h"
#include "graph/error.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/reduction.h"

namespace crease {
namespace {

void expect_factor(const char* name, double factor) {
  expect(std::isfinite(factor) && factor >= 0, "[{}] the factor must be finite and at least 0: got {}", name,
         factor);
}

std::vector<NodeId> ancestors_of(const Value& output) {
  return ancestors(output.graph(), std::array{output.id()});
}

/// Trained parameters of two dimensions or more that the output depends on.
std::vector<Value> weights_of(const Value& output) {
  const Graph graph = output.graph();
  std::vector<Value> weights;
  for (const NodeId id : ancestors_of(output)) {
    const Node& node = graph.node(id);
    if (node.role == Role::Parameter && !node.state && node.shape.size() >= 2 && is_floating(node.type))
      weights.push_back(graph.value(id));
  }
  return weights;
}

}  // namespace

std::vector<Value> results_of(const Value& output, const std::string& operation) {
  const Graph graph = output.graph();
  std::vector<Value> results;
  for (const NodeId id : ancestors_of(output)) {
    const Node& node = graph.node(id);
    if (node.role == Role::Apply && node.op->name == operation) results.push_back(graph.value(id));
  }
  return results;
}

Penalty l1_on_activations(const std::string& operation, double factor) {
  expect_factor("l1_on_activations", factor);
  return [=](const Value& output) {
    const std::vector<Value> activations = results_of(output, operation);
    expect(!activations.empty(), "[l1_on_activations] the network has no operation '{}'", operation);
    std::vector<Value> sums;  // of each sample, [batch]
    for (const Value& value : activations) {
      Axes axes;
      for (int axis = 1; axis < static_cast<int>(value.shape().size()); ++axis) axes.push_back(axis);
      const Value magnitude = abs(value);
      sums.push_back(axes.empty() ? magnitude : sum(magnitude, axes));
    }
    Value total = sums.front();
    for (size_t i = 1; i < sums.size(); ++i) total = total + sums[i];
    return mean(total) * factor;
  };
}

Penalty l1_on_weights(double factor) {
  expect_factor("l1_on_weights", factor);
  return [=](const Value& output) { return l1_penalty(weights_of(output), factor); };
}

Penalty l2_on_weights(double factor) {
  expect_factor("l2_on_weights", factor);
  return [=](const Value& output) { return l2_penalty(weights_of(output), factor); };
}

Penalty sum_of(std::vector<Penalty> penalties) {
  expect(!penalties.empty(), "[sum_of] no penalty is given");
  return [penalties = std::move(penalties)](const Value& output) {
    Value total = penalties.front()(output);
    for (size_t i = 1; i < penalties.size(); ++i) total = total + penalties[i](output);
    return total;
  };
}

}  // namespace crease
