#include "graph/evaluate.h"

#include "graph/error.h"
#include "graph/evaluate/float_mode.h"
#include "graph/evaluate/loops.h"
#include "graph/trap.h"

namespace crease {
namespace {

/// Results of loops that are done, by record and operands.
using ScanResults = std::map<std::pair<const Scan*, std::vector<NodeId>>, std::map<int, Tensor>>;

std::set<int> wanted_results(const Graph& graph, const Node& node) {
  std::set<int> wanted;
  for (NodeId id = 0; id < graph.size(); ++id) {
    const Node& other = graph.node(id);
    if (other.scan == node.scan && other.operands == node.operands) wanted.insert(other.result);
  }
  return wanted;
}

Tensor random_tensor(const Node& node, int64_t counter, const Sizes& sizes) {
  Tensor tensor(node.type, sizes_of(node.shape, sizes));
  for (int64_t i = 0; i < tensor.count(); ++i) tensor.set(i, philox_uniform(node.seed, counter, i));
  return tensor;
}

Tensor compute(const Graph& graph, const Node& node, const Bindings& inputs,
               const std::vector<Tensor>& values, const Sizes& sizes, ScanResults& scans) {
  switch (node.role) {
    case Role::Input: return inputs.at(node.name).converted(node.type);
    case Role::Parameter:
    case Role::Constant: return node.value;
    case Role::Random: {
      const Tensor& counter = values[static_cast<size_t>(node.operands[0])];
      return random_tensor(node, static_cast<int64_t>(counter.item()), sizes);
    }
    case Role::Apply:
    case Role::Scan: break;
  }
  std::vector<const Tensor*> operands;
  for (const NodeId operand : node.operands) operands.push_back(&values[static_cast<size_t>(operand)]);
  if (node.role == Role::Scan) {
    const auto [results, fresh] = scans.try_emplace({node.scan.get(), node.operands});
    if (fresh) results->second = run_scan(*node.scan, operands, wanted_results(graph, node), sizes);
    return results->second.at(node.result);
  }
  return run_loops(graph, node, operands, sizes);
}

/// Errors: Error of the first trap that sprang.
void check_traps(const Graph& graph, std::span<const NodeId> computed, const std::vector<Tensor>& values,
                 const Sizes& sizes) {
  const auto item = [&](NodeId id) { return values[static_cast<size_t>(id)].item(); };
  for (const NodeId trap : computed) {
    if (!is_trap(graph.node(trap))) continue;
    std::vector<double> operands;
    for (const NodeId id : computed)
      if (trap_told_of(graph, id) == trap) operands.push_back(item(id));
    if (const auto error = sprung_trap(graph.node(trap), item(trap), operands, sizes)) fail("{}", *error);
  }
}

}  // namespace

std::vector<Tensor> evaluate_nodes(const Graph& graph, const Bindings& inputs, const Sizes& sizes,
                                   std::span<const NodeId> wanted) {
  std::vector<Tensor> values(static_cast<size_t>(graph.size()));
  ScanResults scans;
  const std::vector<NodeId> needed = ancestors(graph, wanted);
  for (const NodeId id : needed)
    values[static_cast<size_t>(id)] = compute(graph, graph.node(id), inputs, values, sizes, scans);
  check_traps(graph, needed, values, sizes);
  std::vector<Tensor> results;
  for (const NodeId id : wanted) results.push_back(values[static_cast<size_t>(id)]);
  return results;
}

std::vector<Tensor> evaluate(const Graph& graph, const Bindings& inputs, ValueSpan wanted,
                             Subnormals subnormals) {
  const FloatMode mode(subnormals);
  std::vector<NodeId> ids;
  for (const Value& value : wanted) {
    expect(value.valid() && graph.size() > 0 && value.same_graph(graph.value(0)),
           "evaluate: a wanted value is not of this graph");
    ids.push_back(value.id());
  }
  const Sizes sizes = bind_needed(graph, inputs, needed_inputs(graph, ids));
  return evaluate_nodes(graph, inputs, sizes, ids);
}

Tensor evaluate(const Value& wanted, const Bindings& inputs) {
  return evaluate(wanted.graph(), inputs, {&wanted, 1})[0];
}

NamedTensors evaluate(const Graph& graph, const Bindings& inputs, Subnormals subnormals) {
  std::vector<Value> wanted;
  for (const NodeId id : roots(graph)) wanted.push_back(graph.value(id));
  const std::vector<Tensor> values = evaluate(graph, inputs, wanted, subnormals);
  NamedTensors results;
  size_t at = 0;
  for (const Output& output : graph.outputs()) results.emplace(output.name, values[at++]);
  for (const Update& update : graph.updates())
    results.emplace(graph.node(update.parameter).name, values[at++]);
  return results;
}

}  // namespace crease
