#include "graph/analysis/joined.h"

#include <algorithm>
#include <optional>

#include "graph/error.h"
#include "graph/ops/arithmetic.h"

namespace crease {
namespace {

using Names = std::vector<std::pair<std::string, NodeId>>;

Names inputs_of(const Graph& graph) {
  Names result;
  for (const NodeId id : graph.inputs()) result.emplace_back(graph.node(id).name, id);
  return result;
}

Names outputs_of(const Graph& graph) {
  Names result;
  for (const Output& output : graph.outputs()) result.emplace_back(output.name, output.node);
  return result;
}

void expect_fit(const Graph& a, NodeId first_id, const Graph& b, NodeId second_id, const char* what,
                const std::string& first_name, const std::string& second_name) {
  const Node& first = a.node(first_id);
  const Node& second = b.node(second_id);
  expect(first.shape == second.shape && first.type == second.type,
         "[equivalent] {} '{}' and '{}' do not fit: got {} {} and {} {}", what, first_name, second_name,
         to_string(first.type), to_string(first.shape), to_string(second.type), to_string(second.shape));
}

/// Partners in the order of `a`. Errors: Error if they do not fit.
std::vector<std::pair<NodeId, NodeId>> paired(const Graph& a, const Names& in_a, const Graph& b,
                                              const Names& in_b, const char* what) {
  expect(in_a.size() == in_b.size(), "[equivalent] the networks have different numbers of {}: got {} and {}",
         what, in_a.size(), in_b.size());
  const bool by_name = std::ranges::all_of(in_a, [&](const auto& entry) {
    return std::ranges::count(in_b, entry.first, &Names::value_type::first) == 1;
  });
  std::vector<std::pair<NodeId, NodeId>> result;
  for (size_t i = 0; i < in_a.size(); ++i) {
    const auto& partner =
        by_name ? *std::ranges::find(in_b, in_a[i].first, &Names::value_type::first) : in_b[i];
    expect_fit(a, in_a[i].second, b, partner.second, what, in_a[i].first, partner.first);
    result.emplace_back(in_a[i].second, partner.second);
  }
  return result;
}

/// The inputs of `b`, all of which have their name in `a`: what `a` has besides does not reach b's outputs.
/// Nothing if that is not so.
std::optional<std::vector<std::pair<NodeId, NodeId>>> fewer(const Graph& a, const Names& in_a, const Graph& b,
                                                            const Names& in_b) {
  if (in_b.size() >= in_a.size()) return {};
  std::vector<std::pair<NodeId, NodeId>> result;
  for (const auto& [name, id] : in_a) {
    const auto partner = std::ranges::find(in_b, name, &Names::value_type::first);
    if (partner != in_b.end()) expect_fit(a, id, b, partner->second, "inputs", name, name);
    result.emplace_back(id, partner == in_b.end() ? -1 : partner->second);
  }
  const auto missing = std::ranges::count(result, -1, &std::pair<NodeId, NodeId>::second);
  if (result.size() - static_cast<size_t>(missing) != in_b.size()) return {};
  return result;
}

/// The name of a parameter with a prefix, or with more of them where an input is called that.
std::string prefixed(const Graph& to, const std::string& prefix, const std::string& name) {
  std::string result = prefix + name;
  const auto is_taken = [&](NodeId input) { return to.node(input).name == result; };
  while (std::ranges::any_of(to.inputs(), is_taken)) result = prefix + result;
  return result;
}

/// Copies a network behind the inputs that `place` holds already.
void append(Graph& to, const Graph& from, const std::string& prefix, std::vector<NodeId>& place) {
  for (NodeId id = 0; id < from.size(); ++id) {
    const Node& node = from.node(id);
    NodeId& target = place[static_cast<size_t>(id)];
    if (node.role == Role::Input) continue;
    if (node.role == Role::Parameter) {
      Node renamed = node;
      renamed.name = prefixed(to, prefix, node.name);
      target = to.copy(renamed, {}).id();
      continue;
    }
    std::vector<Value> operands;
    operands.reserve(node.operands.size());
    for (const NodeId operand : node.operands)
      operands.push_back(to.value(place[static_cast<size_t>(operand)]));
    target = to.copy(node, operands).id();
  }
}

}  // namespace

Joined joined(const Graph& a, const Graph& b) {
  const Names inputs_a = inputs_of(a), inputs_b = inputs_of(b);
  const auto some = fewer(a, inputs_a, b, inputs_b);
  const auto inputs = some ? *some : paired(a, inputs_a, b, inputs_b, "inputs");
  const auto outputs = paired(a, outputs_of(a), b, outputs_of(b), "outputs");
  expect(!outputs.empty(), "[equivalent] the networks have no outputs: got 0, want at least 1");
  Joined result{.graph = {}, .from_a = {}, .from_b = {}, .outputs = {}, .differences = {}};
  result.from_a.assign(static_cast<size_t>(a.size()), -1);
  result.from_b.assign(static_cast<size_t>(b.size()), -1);
  for (const auto& [first, second] : inputs) {
    const Node& node = a.node(first);
    const NodeId id = result.graph.input(node.name, node.shape, node.type, node.where).id();
    result.from_a[static_cast<size_t>(first)] = id;
    if (second >= 0) result.from_b[static_cast<size_t>(second)] = id;
  }
  append(result.graph, a, "a.", result.from_a);
  append(result.graph, b, "b.", result.from_b);
  for (size_t i = 0; i < outputs.size(); ++i) {
    const NodeId in_a = result.from_a[static_cast<size_t>(outputs[i].first)];
    const NodeId in_b = result.from_b[static_cast<size_t>(outputs[i].second)];
    expect(is_floating(result.graph.node(in_a).type),
           "[equivalent] output '{}' is not of a floating type: got {}; compare what it is decided by",
           a.outputs()[i].name, to_string(result.graph.node(in_a).type));
    const Value difference = result.graph.value(in_a) - result.graph.value(in_b);
    result.outputs.emplace_back(in_a, in_b);
    result.differences.push_back(difference.id());
    result.graph.output(a.outputs()[i].name, difference);
  }
  return result;
}

}  // namespace crease
