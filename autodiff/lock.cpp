#include "autodiff/lock.h"

#include <map>
#include <optional>
#include <set>

#include "autodiff/locker.h"
#include "autodiff/reach.h"
#include "graph/error.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/leaf.h"

namespace crease {
namespace {

void seed_variables(Locker& locker, ValueSpan wrt, const std::vector<std::vector<Value>>& directions,
                    const std::source_location& where) {
  expect(!directions.empty(), "[locked_grad] wants at least one direction (at {})", to_string(where));
  for (const auto& direction : directions)
    expect(direction.size() == wrt.size(), "[locked_grad] {} variables, a direction with {} tangents (at {})",
           wrt.size(), direction.size(), to_string(where));
  for (size_t i = 0; i < wrt.size(); ++i) {
    std::vector<std::optional<Value>> tangents;
    for (const auto& direction : directions) {
      check_like("locked_grad", "tangent", direction[i], wrt[i], where);
      tangents.emplace_back(direction[i]);
    }
    locker.seed(wrt[i], std::move(tangents));
  }
}

std::vector<Value> reverse(Locker& locker, const Value& loss, ValueSpan wrt, const std::vector<bool>& active,
                           const std::source_location& where) {
  const Graph graph = loss.graph();
  std::map<NodeId, Value> adjoints{{loss.id(), graph.handle().constant(1.0, loss.type(), where)}};
  std::set<NodeId> follow_nan;  // nodes whose adjoint is NaN wherever they are
  for (NodeId id = loss.id(); id >= 0; --id) {
    const auto it = adjoints.find(id);
    if (it == adjoints.end() || !active[static_cast<size_t>(id)] || graph.node(id).role != Role::Apply)
      continue;
    const std::vector<NodeId> operands = locker.operands(id);
    for (int k = 0; k < static_cast<int>(operands.size()); ++k) {
      const NodeId operand = operands[static_cast<size_t>(k)];
      if (!active[static_cast<size_t>(operand)] || !is_floating(graph.node(operand).type)) continue;
      const auto contribution = locker.adjoint(id, k, it->second, follow_nan.contains(id));
      if (!contribution) continue;
      if (contribution->follows_nan) follow_nan.insert(operand);
      const auto [slot, fresh] = adjoints.emplace(operand, contribution->value);
      if (!fresh) slot->second = add(slot->second, contribution->value, where);
    }
  }
  std::vector<Value> gradient;
  for (const Value& variable : wrt) {
    const auto it = adjoints.find(variable.id());
    gradient.push_back(it != adjoints.end() ? it->second : zeros_like(variable, where));
  }
  return gradient;
}

}  // namespace

LockedGradient locked_grad(const Value& loss, ValueSpan wrt,
                           const std::vector<std::vector<Value>>& directions, std::source_location where) {
  check_loss("locked_grad", loss, where);
  check_derivative("locked_grad", {&loss, 1}, wrt, where);
  const Graph graph = loss.graph();
  Locker locker(graph, directions.size(), where);
  seed_variables(locker, wrt, directions, where);
  const std::vector<bool> active = reached(graph, {&loss, 1}, wrt);
  for (NodeId id = 0; id < static_cast<NodeId>(active.size()); ++id)
    if (active[static_cast<size_t>(id)]) locker.lock_for_reverse(id);
  if (!locker.is_locked(loss.id())) locker.seed(loss, std::vector<std::optional<Value>>(directions.size()));
  const LockedNode& end = locker.at(loss.id());
  LockedGradient result{.value = end.value, .hits = locker.hits(), .unresolved = locker.unresolved()};
  for (const auto& tangent : end.tangents)
    result.derivatives.push_back(tangent ? *tangent : zeros_like(loss, where));
  result.gradient = reverse(locker, loss, wrt, active, where);
  return result;
}

}  // namespace crease
