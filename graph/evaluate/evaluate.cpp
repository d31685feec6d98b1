#include "graph/evaluate.h"

#include "graph/error.h"
#include "graph/evaluate/float_mode.h"
#include "graph/evaluate/loops.h"
#include "graph/trap.h"

namespace crease {
namespace {

Tensor random_tensor(const Node& node, int64_t counter, const Sizes& sizes) {
  Tensor tensor(node.type, sizes_of(node.shape, sizes));
  for (int64_t i = 0; i < tensor.count(); ++i) tensor.set(i, philox_uniform(node.seed, counter, i));
  return tensor;
}

Tensor compute(const Graph& graph, const Node& node, const Bindings& inputs,
               const std::vector<Tensor>& values, const Sizes& sizes) {
  switch (node.role) {
    case Role::Input: return inputs.at(node.name).converted(node.type);
    case Role::Parameter:
    case Role::Constant: return node.value;
    case Role::Random: {
      const Tensor& counter = values[static_cast<size_t>(node.operands[0])];
      return random_tensor(node, static_cast<int64_t>(counter.item()), sizes);
    }
    case Role::Apply: break;
  }
  std::vector<const Tensor*> operands;
  for (const NodeId operand : node.operands) operands.push_back(&values[static_cast<size_t>(operand)]);
  return run_loops(graph, node, operands, sizes);
}

}  // namespace

std::vector<Tensor> evaluate(const Graph& graph, const Bindings& inputs, std::span<const Value> wanted,
                             Subnormals subnormals) {
  const FloatMode mode(subnormals);
  const Sizes sizes = bind(graph, inputs);
  std::vector<NodeId> ids;
  for (const Value& value : wanted) {
    expect(static_cast<bool>(value) && value.id() < graph.size(),
           "evaluate: a wanted value is not of this graph");
    ids.push_back(value.id());
  }
  std::vector<Tensor> values(static_cast<size_t>(graph.size()));
  for (const NodeId id : ancestors(graph, ids)) {
    const Node& node = graph.node(id);
    Tensor& value = values[static_cast<size_t>(id)];
    value = compute(graph, node, inputs, values, sizes);
    if (!is_trap(node)) continue;
    if (const auto error = sprung_trap(node, value.item(), sizes)) fail("{}", *error);
  }
  std::vector<Tensor> results;
  for (const NodeId id : ids) results.push_back(values[static_cast<size_t>(id)]);
  return results;
}

Tensor evaluate(const Value& wanted, const Bindings& inputs) {
  return evaluate(wanted.graph(), inputs, {&wanted, 1})[0];
}

std::map<std::string, Tensor> evaluate(const Graph& graph, const Bindings& inputs, Subnormals subnormals) {
  std::vector<Value> wanted;
  for (const NodeId id : roots(graph)) wanted.push_back(graph.value(id));
  const std::vector<Tensor> values = evaluate(graph, inputs, wanted, subnormals);
  std::map<std::string, Tensor> results;
  size_t at = 0;
  for (const Output& output : graph.outputs()) results.emplace(output.name, values[at++]);
  for (const Update& update : graph.updates())
    results.emplace(graph.node(update.parameter).name, values[at++]);
  return results;
}

}  // namespace crease
