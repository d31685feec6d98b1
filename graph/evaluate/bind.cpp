// Bindings checked against the inputs of a graph.
#include <algorithm>
#include <cmath>
#include <iterator>
#include <set>

#include "graph/error.h"
#include "graph/evaluate.h"
#include "graph/listed.h"
#include "graph/scalar/forms.h"
#include "graph/scan.h"
#include "graph/truth.h"

namespace crease {
namespace {

// Programs bind before every step, which may take less time than writing a shape as text: messages are made
// where they are needed, by `if` and `fail`.

void bind_shape(const Node& input, const Tensor& tensor, Sizes& sizes) {
  if (tensor.sizes().size() != input.shape.size())
    fail("input '{}' wants shape {}, got {} (declared at {})", input.name, to_string(input.shape),
         to_string(tensor.sizes()), to_string(input.where));
  for (size_t d = 0; d < input.shape.size(); ++d) {
    const Dim& dim = input.shape[d];
    const int64_t size = tensor.sizes()[d];
    if (dim.is_symbol()) {
      const auto [it, fresh] = sizes.try_emplace(dim.symbol(), size);
      if (!fresh && it->second != size)
        fail("dimension '{}' is {} in input '{}', but {} in an earlier input (declared at {})", dim.symbol(),
             size, input.name, it->second, to_string(input.where));
    } else if (dim.size() != size) {
      fail("input '{}' wants shape {}, got {}: dimension {} is {}, want {} (declared at {})", input.name,
           to_string(input.shape), to_string(tensor.sizes()), d, size, dim.size(), to_string(input.where));
    }
  }
}

void bind_type(const Node& input, const Tensor& tensor) {
  if (is_floating(input.type) != is_floating(tensor.type()))
    fail("input '{}' holds {}, got a tensor of {} (declared at {})", input.name, to_string(input.type),
         to_string(tensor.type()), to_string(input.where));
}

/// Integers of another type must fit into the input's.
void bind_values(const Node& input, const Tensor& tensor) {
  expect_truth_values(tensor, "input ", input.name);
  if (is_floating(input.type) || tensor.type() == input.type) return;
  const Tensor back = tensor.converted(input.type).converted(tensor.type());
  if (back == tensor) return;
  int64_t i = 0;
  while (back.at(i) == tensor.at(i)) ++i;
  fail("input '{}' holds {}, which has no {}: element {} of the {} given (declared at {})", input.name,
       to_string(input.type), tensor.at(i), i, to_string(tensor.type()), to_string(input.where));
}

std::string input_names(const Graph& graph) {
  std::vector<std::string> names;
  for (const NodeId id : graph.inputs()) names.push_back(graph.node(id).name);
  return listed(names);
}

void add_named(const Shape& shape, std::set<std::string>& names) {
  for (const Dim& dim : shape)
    if (dim.is_symbol()) names.insert(dim.symbol());
}

/// The named dimensions whose size a node is computed with.
void add_sizes_read(const Node& node, std::set<std::string>& names) {
  add_named(node.shape, names);
  for (const Label& label : node.loops.labels) add_named({label.extent}, names);
  if (node.op)
    any_step(node.op->body.expression, [&](const Scalar& step) {
      if (step.kind() == ScalarKind::Size) names.insert(std::string(step.symbol()));
      return false;
    });
  if (!node.scan) return;
  add_named({node.scan->length}, names);
  for (NodeId id = 0; id < node.scan->body.size(); ++id) add_sizes_read(node.scan->body.node(id), names);
}

}  // namespace

std::vector<NodeId> needed_inputs(const Graph& graph, std::span<const NodeId> wanted) {
  const std::vector<NodeId> needed = ancestors(graph, wanted);
  std::set<std::string> open, given;  // named dimensions
  std::vector<NodeId> result;
  for (const NodeId id : needed) {
    const Node& node = graph.node(id);
    add_sizes_read(node, open);
    if (node.role != Role::Input) continue;
    add_named(node.shape, given);
    result.push_back(id);
  }
  for (const NodeId id : graph.inputs()) {
    std::set<std::string> sizes;
    add_named(graph.node(id).shape, sizes);
    const bool gives = std::ranges::any_of(
        sizes, [&](const std::string& symbol) { return open.contains(symbol) && !given.contains(symbol); });
    if (!gives) continue;
    result.push_back(id);
    given.merge(sizes);
  }
  return result;
}

std::vector<NodeId> ancestors_with_sizes(const Graph& graph, std::span<const NodeId> wanted) {
  std::vector<NodeId> inputs = needed_inputs(graph, wanted), result;
  std::ranges::sort(inputs);
  std::ranges::set_union(ancestors(graph, wanted), inputs, std::back_inserter(result));
  return result;
}

Sizes bind(const Graph& graph, const Bindings& inputs) { return bind_needed(graph, inputs, graph.inputs()); }

Sizes bind_needed(const Graph& graph, const Bindings& inputs, std::span<const NodeId> needed) {
  Sizes sizes;
  const std::vector<NodeId> wanted = graph.inputs();
  for (const auto& [name, tensor] : inputs) {
    const bool known =
        std::any_of(wanted.begin(), wanted.end(), [&](NodeId id) { return graph.node(id).name == name; });
    if (!known) fail("no input '{}'; the graph has: {}", name, input_names(graph));
  }
  for (const NodeId id : wanted) {
    const Node& input = graph.node(id);
    const auto it = inputs.find(input.name);
    if (it == inputs.end() && std::ranges::find(needed, id) == needed.end()) continue;
    if (it == inputs.end())
      fail("input '{}' {}{} is not bound (declared at {})", input.name, to_string(input.type),
           to_string(input.shape), to_string(input.where));
    bind_type(input, it->second);
    bind_shape(input, it->second, sizes);
    bind_values(input, it->second);
  }
  return sizes;
}

std::vector<int64_t> sizes_of(const Shape& shape, const Sizes& sizes) {
  std::vector<int64_t> result;
  for (const Dim& dim : shape) {
    if (!dim.is_symbol()) {
      result.push_back(dim.size());
      continue;
    }
    const auto it = sizes.find(dim.symbol());
    expect(it != sizes.end(), "dimension '{}' is bound by no input", dim.symbol());
    result.push_back(it->second);
  }
  return result;
}

}  // namespace crease
