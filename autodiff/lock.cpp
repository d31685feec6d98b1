#include "autodiff/lock.h"

#include <map>
#include <optional>
#include <set>

#include "autodiff/locker.h"
#include "autodiff/reach.h"
#include "autodiff/scan.h"
#include "graph/error.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/leaf.h"
#include "graph/smooth.h"

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

/// Reverse mode through the locked program.
class Reverse {
 public:
  Reverse(Locker& locker, const Value& loss, const std::vector<bool>& active,
          const std::source_location& where)
      : locker_(locker), graph_(loss.graph().handle()), active_(active), where_(where) {
    adjoints_.emplace(loss.id(), graph_.constant(1.0, loss.type(), where));
  }

  void run(NodeId last) {
    for (NodeId id = last; id >= 0; --id) {
      if (!is_active(id)) continue;
      if (graph_.node(id).role == Role::Scan) propagate_loop(id);
      if (graph_.node(id).role == Role::Apply) propagate(id);
    }
  }

  Value of(const Value& variable) const {
    const auto it = adjoints_.find(variable.id());
    return it != adjoints_.end() ? it->second : zeros_like(variable, where_);
  }

 private:
  bool is_active(NodeId id) const { return active_[static_cast<size_t>(id)]; }

  void add_to(NodeId id, const Value& contribution) {
    const auto [slot, fresh] = adjoints_.emplace(id, contribution);
    if (!fresh) slot->second = add(slot->second, contribution, where_);
  }

  void propagate(NodeId id) {
    const auto it = adjoints_.find(id);
    if (it == adjoints_.end()) return;
    const Value dy = it->second;
    const std::vector<NodeId> operands = locker_.operands(id);
    for (int k = 0; k < static_cast<int>(operands.size()); ++k) {
      const NodeId operand = operands[static_cast<size_t>(k)];
      if (!is_active(operand) || !is_floating(graph_.node(operand).type)) continue;
      const auto contribution = locker_.adjoint(id, k, dy, follow_nan_.contains(id));
      if (!contribution) continue;
      if (contribution->follows_nan) follow_nan_.insert(operand);
      add_to(operand, contribution->value);
    }
  }

  /// A smooth loop has nothing to lock: its adjoint is the plain one, taken at its first active sibling.
  void propagate_loop(NodeId id) {
    std::map<int, Value> of_results;
    for (const NodeId sibling : siblings(graph_, id, static_cast<int>(active_.size()))) {
      if (!is_active(sibling)) continue;
      if (sibling < id) return;
      const auto it = adjoints_.find(sibling);
      if (it == adjoints_.end()) continue;
      const auto [slot, fresh] = of_results.emplace(graph_.node(sibling).result, it->second);
      if (!fresh) slot->second = add(slot->second, it->second, where_);
    }
    if (of_results.empty()) return;
    expect(
        locker_.at(id).base.id() == id,
        "[lock] a loop over time behind a jump is not locked: unroll(graph) writes its steps out (node {}, "
        "at {})",
        describe(graph_, id), to_string(where_));
    std::vector<bool> wanted;
    for (const NodeId operand : graph_.node(id).operands)
      wanted.push_back(is_active(operand) && is_floating(graph_.node(operand).type));
    for (const ScanAdjoint& part : scan_adjoint(graph_, id, of_results, wanted, {}, where_))
      add_to(part.operand, part.value);
  }

  Locker& locker_;
  Graph graph_;
  const std::vector<bool>& active_;
  std::source_location where_;
  std::map<NodeId, Value> adjoints_;
  std::set<NodeId> follow_nan_;  // nodes whose adjoint is NaN wherever they are
};

}  // namespace

void check_lockable(const char* call, const Graph& graph, const std::vector<bool>& active,
                    const std::source_location& where) {
  for (NodeId id = 0; id < static_cast<NodeId>(active.size()); ++id) {
    const Node& node = graph.node(id);
    if (!active[static_cast<size_t>(id)]) continue;
    if (node.role == Role::Scan && !is_smooth(node.scan->body))
      fail(
          "[{}] kinks inside a loop over time are not locked: unroll(graph) writes its steps out (node {}, "
          "at {})",
          call, describe(graph, id), to_string(where));
    if (const int k = number_as_truth(graph, node); k >= 0)
      fail(
          "[{}] operand {} is a number and read as a truth value, which jumps at 0 unseen: compare it with 0 "
          "in the body (node {}, at {})",
          call, k, describe(graph, id), to_string(where));
  }
}

LockedGradient locked_grad(const Value& loss, ValueSpan wrt,
                           const std::vector<std::vector<Value>>& directions, std::source_location where) {
  check_loss("locked_grad", loss, where);
  check_derivative("locked_grad", {&loss, 1}, wrt, where);
  const Graph graph = loss.graph();
  Locker locker(graph, directions.size(), where);
  seed_variables(locker, wrt, directions, where);
  const std::vector<bool> active = reached(graph, {&loss, 1}, wrt);
  check_lockable("locked_grad", graph, active, where);
  for (NodeId id = 0; id < static_cast<NodeId>(active.size()); ++id)
    if (active[static_cast<size_t>(id)]) locker.lock_for_reverse(id);
  if (!locker.is_locked(loss.id())) locker.seed(loss, std::vector<std::optional<Value>>(directions.size()));
  const LockedNode& end = locker.at(loss.id());
  LockedGradient result{.value = end.value, .hits = locker.hits(), .unresolved = locker.unresolved()};
  for (const auto& tangent : end.tangents)
    result.derivatives.push_back(tangent ? *tangent : zeros_like(loss, where));
  Reverse reverse(locker, loss, active, where);
  reverse.run(loss.id());
  for (const Value& variable : wrt) result.gradient.push_back(reverse.of(variable));
  return result;
}

}  // namespace crease
