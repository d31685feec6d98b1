#include "autodiff/reach.h"

#include "graph/error.h"
#include "graph/ops/hold.h"

namespace crease {

namespace {

/// Nodes on a path from a variable to an output; `passes` says which nodes a path may go through.
template <class Passes>
std::vector<bool> on_paths(const Graph& graph, ValueSpan outputs, ValueSpan wrt, Passes passes) {
  const auto size = static_cast<size_t>(graph.size());
  std::vector<bool> found(size, false), needed(size, false);
  for (const Value& variable : wrt) found[static_cast<size_t>(variable.id())] = true;
  for (size_t id = 0; id < size; ++id)
    for (const NodeId operand : graph.node(static_cast<NodeId>(id)).operands)
      if (found[static_cast<size_t>(operand)] && passes(graph.node(static_cast<NodeId>(id))))
        found[id] = true;
  for (const Value& output : outputs) needed[static_cast<size_t>(output.id())] = true;
  for (NodeId id = graph.size() - 1; id >= 0; --id) {
    const Node& node = graph.node(id);
    if (!needed[static_cast<size_t>(id)] || is_held(node)) continue;
    for (const NodeId operand : node.operands) needed[static_cast<size_t>(operand)] = true;
  }
  for (size_t id = 0; id < size; ++id) found[id] = found[id] && needed[id];
  return found;
}

}  // namespace

std::vector<bool> between(const Graph& graph, ValueSpan outputs, ValueSpan wrt) {
  return on_paths(graph, outputs, wrt,
                  [](const Node& node) { return is_floating(node.type) && !is_held(node); });
}

std::vector<bool> reached(const Graph& graph, ValueSpan outputs, ValueSpan wrt) {
  return on_paths(graph, outputs, wrt, [](const Node& node) { return !is_held(node); });
}

void check_loss(const char* call, const Value& loss, const std::source_location& where) {
  expect(loss.valid(), "[{}] the loss belongs to no graph (at {})", call, to_string(where));
  if (!loss.shape().empty())
    fail(
        "[{}] the loss must be a scalar, got shape {}: reduce it by sum or mean, or use vjp (node {}, at {})",
        call, to_string(loss.shape()), describe(loss.graph(), loss.id()), to_string(where));
  if (!is_floating(loss.type()))
    fail("[{}] the loss must be floating point, got {} (node {}, at {})", call, to_string(loss.type()),
         describe(loss.graph(), loss.id()), to_string(where));
}

void check_derivative(const char* call, ValueSpan outputs, ValueSpan wrt, const std::source_location& where) {
  expect(!outputs.empty() && !wrt.empty(), "[{}] wants at least one output and one variable (at {})", call,
         to_string(where));
  for (const Value& variable : wrt) {
    expect(variable.valid(), "[{}] a variable belongs to no graph (at {})", call, to_string(where));
    if (!variable.same_graph(outputs[0]))
      fail("[{}] variable {} belongs to another graph than the output (at {})", call,
           describe(variable.graph(), variable.id()), to_string(where));
    if (!is_floating(variable.type()))
      fail("[{}] cannot differentiate with respect to {} node {}: want floating point (at {})", call,
           to_string(variable.type()), describe(variable.graph(), variable.id()), to_string(where));
  }
  for (const Value& output : outputs)
    if (!output.same_graph(outputs[0]))
      fail("[{}] the outputs belong to different graphs (at {})", call, to_string(where));
}

void check_not_held(const char* call, ValueSpan outputs, ValueSpan wrt, const std::source_location& where) {
  const Graph graph = outputs[0].graph();
  const auto held = held_between(graph, outputs, wrt);
  if (!held) return;
  fail(
      "[{}] stop_gradient holds a part constant that the variables move, so the derivative is not that of "
      "the function: make what it holds an input, or differentiate without it (node {}, at {})",
      call, describe(graph, *held), to_string(where));
}

void check_like(const char* call, const char* role, const Value& value, const Value& like,
                const std::source_location& where) {
  if (!value.valid() || !value.same_graph(like))
    fail("[{}] a {} belongs to another graph (at {})", call, role, to_string(where));
  if (value.shape() == like.shape() && value.type() == like.type()) return;
  fail("[{}] {} is {}{}, want {}{} like node {} (at {})", call, role, to_string(value.type()),
       to_string(value.shape()), to_string(like.type()), to_string(like.shape()),
       describe(like.graph(), like.id()), to_string(where));
}

}  // namespace crease
