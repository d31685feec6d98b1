#include "frontends/training/resume.h"

#include <algorithm>

#include "frontends/optimizers.h"
#include "graph/error.h"

namespace crease {
namespace {

/// The optimizer whose state is among these parameters: "adam" by "adam.m/0.weight"; empty if it has none.
std::string optimizer_of(const NamedTensors& parameters) {
  for (const auto& [name, value] : parameters) {
    const size_t slash = name.find('/');
    if (slash != std::string::npos && parameters.contains(name.substr(slash + 1)))
      return name.substr(0, name.find('.'));
  }
  return {};
}

void expect_same_optimizer(const Graph& step, const Checkpoint& from, const std::string& optimizer) {
  const std::string before = optimizer_of(from.parameters), now = optimizer_of(parameters_of(step));
  expect(before == now, "[train] the checkpoint has {}, but the optimizer is {}: resume with {}",
         before.empty() ? "no optimizer's state" : "the state of " + before, optimizer,
         before.empty() ? "sgd, or another without state" : before);
}

bool moves_its_rate(const Graph& step) {
  return std::ranges::any_of(step.updates(), [&](const Update& update) {
    return step.node(update.parameter).name == learning_rate_name;
  });
}

}  // namespace

NamedTensors resumed_parameters(const Graph& step, const Checkpoint& from, const std::string& optimizer) {
  expect_same_optimizer(step, from, optimizer);
  Graph resumed = step;
  set_parameters(resumed, from.parameters);
  if (!moves_its_rate(step))
    resumed.set_parameter(learning_rate_name, step.find(learning_rate_name).node().value);
  return parameters_of(resumed);
}

}  // namespace crease
