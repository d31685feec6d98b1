#include "autodiff/directional.h"

#include <map>
#include <optional>

#include "autodiff/adjoint.h"
#include "autodiff/locker.h"
#include "autodiff/loop_builder.h"
#include "autodiff/reach.h"
#include "autodiff/scan.h"
#include "autodiff/selection.h"
#include "autodiff/trap.h"
#include "graph/error.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/hold.h"
#include "graph/ops/leaf.h"

namespace crease {
namespace {

using Tangents = std::map<NodeId, Value>;

void check_tangents(const char* call, ValueSpan outputs, ValueSpan wrt, ValueSpan tangents,
                    const std::source_location& where) {
  check_derivative(call, outputs, wrt, where);
  expect(wrt.size() == tangents.size(), "[{}] {} variables, {} tangents (at {})", call, wrt.size(),
         tangents.size(), to_string(where));
  for (size_t i = 0; i < wrt.size(); ++i) check_like(call, "tangent", tangents[i], wrt[i], where);
}

/// Tangents of `outputs` in the last direction, and values of `valued` on the locked side.
LockedOutputs exact(const char* call, ValueSpan valued, ValueSpan outputs, ValueSpan wrt,
                    const std::vector<std::vector<Value>>& directions, const std::source_location& where) {
  expect(!directions.empty(), "[{}] wants at least one direction (at {})", call, to_string(where));
  for (const auto& direction : directions) check_tangents(call, outputs, wrt, direction, where);
  const Graph graph = outputs[0].graph();
  Locker locker(graph, directions.size(), where);
  for (size_t i = 0; i < wrt.size(); ++i) {
    std::vector<std::optional<Value>> tangents;
    for (const auto& direction : directions) tangents.emplace_back(direction[i]);
    locker.seed(wrt[i], std::move(tangents));
  }
  std::vector<Value> all(valued.begin(), valued.end());
  all.insert(all.end(), outputs.begin(), outputs.end());
  const std::vector<bool> active = reached(graph, all, wrt);
  for (NodeId id = 0; id < static_cast<NodeId>(active.size()); ++id)
    if (active[static_cast<size_t>(id)]) locker.lock(id);
  std::vector<Value> results, values;
  for (const Value& value : valued)
    values.push_back(locker.is_locked(value.id()) ? locker.at(value.id()).value : value);
  for (const Value& output : outputs) {
    const bool moves = locker.is_locked(output.id()) && locker.at(output.id()).tangents.back();
    results.push_back(moves ? *locker.at(output.id()).tangents.back() : zeros_like(output, where));
  }
  return {std::move(values), std::move(results)};
}

/// The tangent of one node with the slopes that a rule selects, or nothing if it does not move.
std::optional<Value> linear_tangent(const Graph& graph, NodeId id, const Tangents& tangents,
                                    const Selected& selected, const std::source_location& where) {
  LoopBuilder builder(graph, id);
  const Node& node = builder.node();
  if (is_held(node)) return {};  // a variable itself
  const KinkRule rule = rule_beside_trap(selected.rule);
  std::vector<Value> traps;
  Scalar body = 0;
  for (int k = 0; k < static_cast<int>(node.operands.size()); ++k) {
    const auto it = tangents.find(node.operands[static_cast<size_t>(k)]);
    if (it == tangents.end() || builder.representative(k) != k) continue;
    const Scalar move = builder.read(graph.value(it->second.id()), node.loops.reads[static_cast<size_t>(k)]);
    const Scalar slope_k = selected_slope(builder, k, rule);
    if (selected.rule.tie == Tie::trap && !is_decided(*node.op))
      if (const auto clear = unsprung(graph, id, k)) traps.push_back(*clear);
    body = body + strong_product(move, builder.over_operands(slope_k), pole_rule(*node.op, selected.at_pole));
  }
  const Combine combine = node.op->combine;
  if (body.is_constant(0) || gives_position(combine)) return {};
  if (combine != Combine::Assign && combine != Combine::Sum)
    body = strong_product(body, combine_weight(builder, graph, id, rule, where));
  for (const Value& clear : traps) body = select(builder.read(clear, {}), body, 0);
  builder.keep_bounds();
  return builder.build("t_" + node.op->name, body, node.loops.write, node.shape,
                       combine == Combine::Assign ? Combine::Assign : Combine::Sum, node.type, where);
}

std::optional<Value> scan_tangent(const Graph& graph, NodeId id, const Tangents& tangents,
                                  ScanTangents& scans) {
  std::vector<Value> operands;
  std::vector<std::optional<Value>> moves;
  for (const NodeId operand : graph.node(id).operands) {
    operands.push_back(graph.value(operand));
    const auto found = tangents.find(operand);
    moves.push_back(found == tangents.end() ? std::nullopt : std::optional(found->second));
  }
  return scans.of(id, operands, moves).tangent;
}

}  // namespace

std::vector<Value> jvp(ValueSpan outputs, ValueSpan wrt, ValueSpan tangents, std::source_location where) {
  return exact("jvp", {}, outputs, wrt, {{tangents.begin(), tangents.end()}}, where).tangents;
}

LockedOutputs values_and_jvp(ValueSpan valued, ValueSpan outputs, ValueSpan wrt, ValueSpan tangents,
                             std::source_location where) {
  return exact("jvp", valued, outputs, wrt, {{tangents.begin(), tangents.end()}}, where);
}

Value directional_derivative(const Value& output, const Value& wrt, const Value& direction,
                             std::source_location where) {
  return exact("directional_derivative", {}, {&output, 1}, {&wrt, 1}, {{direction}}, where).tangents[0];
}

std::vector<Value> locked_jvp(ValueSpan outputs, ValueSpan wrt,
                              const std::vector<std::vector<Value>>& directions, std::source_location where) {
  return exact("locked_jvp", {}, outputs, wrt, directions, where).tangents;
}

std::vector<Value> linear_jvp(ValueSpan outputs, ValueSpan wrt, ValueSpan tangents,
                              const GradOptions& options, std::source_location where) {
  check_tangents("linear_jvp", outputs, wrt, tangents, where);
  const Graph graph = outputs[0].graph();
  Tangents known;
  const auto add_to = [&](NodeId id, const Value& tangent) {
    const auto [it, fresh] = known.emplace(id, tangent);
    if (!fresh) it->second = add(it->second, tangent, where);
  };
  for (size_t i = 0; i < wrt.size(); ++i) add_to(wrt[i].id(), tangents[i]);
  const std::vector<bool> active = between(graph, outputs, wrt);
  ScanTangents scans(graph, options, where);
  for (NodeId id = 0; id < static_cast<NodeId>(active.size()); ++id) {
    if (!active[static_cast<size_t>(id)]) continue;
    if (graph.node(id).role == Role::Scan) {
      if (const auto tangent = scan_tangent(graph, id, known, scans)) add_to(id, *tangent);
      continue;
    }
    if (graph.node(id).role != Role::Apply) continue;
    const Selected selected{effective_rule(graph, graph.node(id), options), options.at_pole};
    if (const auto tangent = linear_tangent(graph, id, known, selected, where)) add_to(id, *tangent);
  }
  std::vector<Value> results;
  for (const Value& output : outputs) {
    const auto it = known.find(output.id());
    results.push_back(it != known.end() ? it->second : zeros_like(output, where));
  }
  return results;
}

std::vector<Value> hvp(const Value& loss, ValueSpan wrt, ValueSpan tangents, const GradOptions& options,
                       std::source_location where) {
  GradOptions one_sided = options;
  one_sided.one_sided = true;
  const std::vector<Value> gradients = grad(loss, wrt, one_sided, where);
  return linear_jvp(gradients, wrt, tangents, one_sided, where);
}

}  // namespace crease
