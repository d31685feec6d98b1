#include "frontends/training/noether.h"

#include <algorithm>

#include "frontends/optimizers.h"
#include "graph/error.h"
#include "graph/ops/hold.h"

namespace crease {
namespace {

Graph with_output(const Objective& objective) {
  Graph graph = extract({{"output", objective.output}});
  return graph;
}

/// State stands still in training: what a rescaling of it would conserve is not conserved.
ScalingOptions of_trained(const Graph& network) {
  ScalingOptions options;
  for (const NodeId id : network.parameters())
    if (network.node(id).state) options.fixed.insert(network.node(id).name);
  return options;
}

}  // namespace

NoetherTest::NoetherTest(const Objective& objective, const GradOptions& rules, const RunnerOptions& run)
    : network_(with_output(objective)),
      group_(scaling_group(network_, of_trained(network_))),
      runner_(gradients(objective, rules), run) {
  expect(group_.dimension() > 0,
         "[noether] no rescaling of the network was found that leaves its output alone: there is nothing to "
         "hold gradients against, train without the Noether test");
}

Graph NoetherTest::gradients(const Objective& objective, const GradOptions& rules) {
  Graph graph = objective.loss.graph();
  std::vector<Value> parameters;
  for (const NodeId id : graph.parameters())
    if (is_floating(graph.node(id).type)) parameters.push_back(graph.value(id));
  const auto held = held_between(graph, {graph.value(objective.loss.id())}, parameters);
  if (held)
    fail(
        "[noether] stop_gradient holds node {} constant: the gradients are not those of a loss that "
        "rescalings leave alone, train without the Noether test",
        describe(graph, *held));
  const std::vector<Value> values = grad(graph.value(objective.loss.id()), parameters, rules);
  std::vector<std::pair<std::string, Value>> outputs;
  for (size_t k = 0; k < values.size(); ++k) outputs.emplace_back(parameters[k].node().name, values[k]);
  return extract(outputs);
}

double NoetherTest::operator()(const NamedTensors& parameters, const Bindings& batch) {
  runner_.set_parameters(parameters);
  take(parameters);
  if (start_.empty()) start_ = conserved_quantities(network_, group_);
  return worst(noether_sums(network_, group_, runner_(batch)));
}

double NoetherTest::drift(const NamedTensors& parameters) {
  if (start_.empty()) return 0;
  take(parameters);
  std::vector<SignedSum> change = conserved_quantities(network_, group_);
  for (size_t k = 0; k < change.size(); ++k) {
    change[k].sum -= start_[k].sum;
    change[k].magnitude = std::max(change[k].magnitude, start_[k].magnitude);
  }
  return worst(change);
}

void NoetherTest::take(const NamedTensors& parameters) {
  for (const NodeId id : network_.parameters()) {
    const std::string& name = network_.node(id).name;
    if (const auto found = parameters.find(name); found != parameters.end())
      network_.set_parameter(name, found->second);
  }
}

}  // namespace crease
