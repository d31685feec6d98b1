#include "autodiff/directional.h"

#include <limits>
#include <map>
#include <optional>

#include "autodiff/adjoint.h"
#include "autodiff/loop_builder.h"
#include "autodiff/reach.h"
#include "autodiff/selection.h"
#include "graph/error.h"
#include "graph/ops/leaf.h"

namespace crease {
namespace {

using Tangents = std::map<NodeId, Value>;

/// The tangents of a node's operands at the current point; an operand without tangent does not move.
std::vector<Scalar> read_tangents(LoopBuilder& builder, const Graph& graph, const Tangents& tangents) {
  const Node& node = builder.node();
  std::vector<Scalar> read(node.operands.size());
  for (size_t k = 0; k < read.size(); ++k) {
    const auto it = tangents.find(node.operands[k]);
    if (it == tangents.end() || builder.representative(static_cast<int>(k)) != static_cast<int>(k)) continue;
    read[k] = builder.read(graph.value(it->second.id()), node.loops.reads[k]);
  }
  return read;
}

/// The tangent of the body at this point, following the tangents' signs at kinks.
Scalar directional_body(LoopBuilder& builder, const std::vector<Scalar>& tangents) {
  const int count = static_cast<int>(tangents.size());
  const Scalar derivative = directional(builder.body(), count);
  std::vector<Scalar> arguments;
  // Tangents first: those that are 0 remove the operands that only they are multiplied with.
  arguments.resize(2 * tangents.size());
  for (int k = 0; k < count; ++k) {
    arguments[static_cast<size_t>(k)] = Scalar::argument(k);
    if (!tangents[static_cast<size_t>(k)].is_constant(0))
      arguments[static_cast<size_t>(count + k)] = Scalar::argument(count + k);
  }
  const Scalar pruned = substitute(derivative, arguments);
  for (int k = 0; k < count; ++k) {
    arguments[static_cast<size_t>(k)] = depends_on(pruned, k) ? builder.operand(k) : Scalar(0);
    arguments[static_cast<size_t>(count + k)] = tangents[static_cast<size_t>(k)];
  }
  return substitute(pruned, arguments);
}

/// The tangent of the body at this point with the slopes that a Tie selects.
Scalar linear_body(LoopBuilder& builder, const std::vector<Scalar>& tangents, const Tie& tie) {
  Scalar total = 0;
  for (int k = 0; k < static_cast<int>(tangents.size()); ++k) {
    const Scalar& tangent = tangents[static_cast<size_t>(k)];
    if (tangent.is_constant(0)) continue;
    total = total + strong_product(tangent,
                                   builder.over_operands(slope(builder.body(), k, tie, builder.constants())));
  }
  return total;
}

/// Appends the tangent of one node, or nothing if it does not move. Without a Tie the tangent's sign decides
/// at kinks.
std::optional<Value> tangent_of(const Graph& graph, NodeId id, const Tangents& tangents,
                                const std::optional<Tie>& tie, const std::source_location& where) {
  LoopBuilder builder(graph, id);
  const Node& node = builder.node();
  const std::vector<Scalar> moves = read_tangents(builder, graph, tangents);
  Scalar body = tie ? linear_body(builder, moves, *tie) : directional_body(builder, moves);
  if (body.is_constant(0)) return {};
  Combine combine = node.op->combine;
  if (combine == Combine::ArgMax || combine == Combine::ArgMin) return {};
  const bool extremum = combine == Combine::Max || combine == Combine::Min;
  if (extremum && !tie) {
    // Among the points that attain the extremum, the one that moves furthest wins.
    const Scalar attained =
        equal(builder.over_operands(builder.body()), builder.read(graph.value(id), node.loops.write));
    constexpr double infinity = std::numeric_limits<double>::infinity();
    body = select(attained, body, combine == Combine::Max ? -infinity : infinity);
  } else if (extremum || combine == Combine::Product) {
    body = strong_product(body, combine_weight(builder, graph, id, tie.value_or(Tie::left), where));
    combine = Combine::Sum;
  }
  builder.keep_bounds();
  return builder.build("t_" + node.op->name, body, node.loops.write, node.shape, combine, node.type, where);
}

std::vector<Value> push_forward(const char* call, std::span<const Value> outputs, std::span<const Value> wrt,
                                std::span<const Value> directions, const GradOptions* linear,
                                const std::source_location& where) {
  check_derivative(call, outputs, wrt, where);
  expect(wrt.size() == directions.size(), "[{}] {} variables, {} tangents (at {})", call, wrt.size(),
         directions.size(), to_string(where));
  const Graph graph = outputs[0].graph();
  Tangents tangents;
  for (size_t i = 0; i < wrt.size(); ++i) {
    check_like(call, "tangent", directions[i], wrt[i], where);
    tangents.emplace(wrt[i].id(), directions[i]);
  }
  const std::vector<bool> active = between(graph, outputs, wrt);
  for (NodeId id = 0; id < static_cast<NodeId>(active.size()); ++id) {
    if (!active[static_cast<size_t>(id)] || tangents.contains(id) || graph.node(id).role != Role::Apply)
      continue;
    std::optional<Tie> tie;
    if (linear != nullptr) tie = effective_tie(graph, graph.node(id), linear->tie);
    if (const auto tangent = tangent_of(graph, id, tangents, tie, where)) tangents.emplace(id, *tangent);
  }
  std::vector<Value> results;
  for (const Value& output : outputs) {
    const auto it = tangents.find(output.id());
    results.push_back(it != tangents.end() ? it->second : zeros_like(output, where));
  }
  return results;
}

}  // namespace

std::vector<Value> jvp(std::span<const Value> outputs, std::span<const Value> wrt,
                       std::span<const Value> tangents, std::source_location where) {
  return push_forward("jvp", outputs, wrt, tangents, nullptr, where);
}

Value directional_derivative(const Value& output, const Value& wrt, const Value& direction,
                             std::source_location where) {
  return push_forward("directional_derivative", {&output, 1}, {&wrt, 1}, {&direction, 1}, nullptr, where)[0];
}

std::vector<Value> linear_jvp(std::span<const Value> outputs, std::span<const Value> wrt,
                              std::span<const Value> tangents, const GradOptions& options,
                              std::source_location where) {
  return push_forward("linear_jvp", outputs, wrt, tangents, &options, where);
}

std::vector<Value> hvp(const Value& loss, std::span<const Value> wrt, std::span<const Value> tangents,
                       const GradOptions& options, std::source_location where) {
  const std::vector<Value> gradients = grad(loss, wrt, options, where);
  return linear_jvp(gradients, wrt, tangents, options, where);
}

}  // namespace crease
