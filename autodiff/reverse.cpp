#include "autodiff/reverse.h"

#include <algorithm>
#include <map>
#include <set>

#include "autodiff/adjoint.h"
#include "autodiff/census.h"
#include "autodiff/reach.h"
#include "autodiff/scan.h"
#include "graph/error.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/leaf.h"

namespace crease {
namespace {

/// Adjoints by node, summed as contributions arrive.
class Adjoints {
 public:
  Adjoints(const Graph& graph, const GradOptions& options, const std::source_location& where)
      : graph_(graph.handle()), options_(options), where_(where) {}

  void add_to(NodeId id, const Value& contribution, bool follows_nan = false) {
    if (follows_nan) follow_nan_.insert(id);
    const auto [it, fresh] = values_.emplace(id, contribution);
    if (!fresh) it->second = add(it->second, contribution, where_);
  }

  void propagate(NodeId id, const std::vector<bool>& active) {
    const auto it = values_.find(id);
    if (it == values_.end()) return;
    const Node& node = graph_.node(id);
    const KinkRule rule = effective_rule(graph_, node, options_);
    const Value dy = it->second;
    for (int k = 0; k < static_cast<int>(node.operands.size()); ++k) {
      const NodeId operand = node.operands[static_cast<size_t>(k)];
      if (!active[static_cast<size_t>(operand)]) continue;
      const Selected selected{rule, options_.at_pole, follow_nan_.contains(id)};
      if (const auto contribution = adjoint(graph_, id, k, dy, selected, where_))
        add_to(operand, contribution->value, contribution->follows_nan);
    }
  }

  /// A loop's adjoint is taken at its first active sibling: what reads the others has been done by then.
  void propagate_scan(NodeId id, const std::vector<bool>& active) {
    std::map<int, Value> of_results;
    for (const NodeId sibling : siblings(graph_, id, static_cast<int>(active.size()))) {
      if (!active[static_cast<size_t>(sibling)]) continue;
      if (sibling < id) return;
      const auto found = values_.find(sibling);
      if (found == values_.end()) continue;
      const auto [slot, fresh] = of_results.emplace(graph_.node(sibling).result, found->second);
      if (!fresh) slot->second = add(slot->second, found->second, where_);
    }
    if (of_results.empty()) return;
    std::vector<bool> wanted;
    for (const NodeId operand : graph_.node(id).operands)
      wanted.push_back(active[static_cast<size_t>(operand)]);
    GradOptions inside = options_;
    inside.census = false;  // counters of a body would belong to one step of the loop
    for (const ScanAdjoint& part : scan_adjoint(graph_, id, of_results, wanted, inside, where_))
      add_to(part.operand, part.value);
  }

  const std::map<NodeId, Value>& all() const { return values_; }

  Value of(const Value& variable) const {
    const auto it = values_.find(variable.id());
    return it != values_.end() ? it->second : zeros_like(variable, where_);
  }

 private:
  Graph graph_;
  const GradOptions& options_;
  std::source_location where_;
  std::map<NodeId, Value> values_;
  std::set<NodeId> follow_nan_;  // nodes whose adjoint is NaN wherever they are
};

}  // namespace

std::vector<Value> vjp(ValueSpan outputs, ValueSpan wrt, ValueSpan cotangents, const GradOptions& options,
                       std::source_location where) {
  check_derivative("vjp", outputs, wrt, where);
  expect(outputs.size() == cotangents.size(), "[vjp] {} outputs, {} cotangents (at {})", outputs.size(),
         cotangents.size(), to_string(where));
  const Graph graph = outputs[0].graph();
  Adjoints adjoints(graph, options, where);
  NodeId last = 0;
  for (size_t i = 0; i < outputs.size(); ++i) {
    check_like("vjp", "cotangent", cotangents[i], outputs[i], where);
    adjoints.add_to(outputs[i].id(), cotangents[i]);
    last = std::max(last, outputs[i].id());
  }
  const std::vector<bool> active = between(graph, outputs, wrt);
  for (NodeId id = last; id >= 0; --id)
    if (active[static_cast<size_t>(id)])
      graph.node(id).role == Role::Scan ? adjoints.propagate_scan(id, active)
                                        : adjoints.propagate(id, active);
  if (options.census) add_census(graph, outputs, wrt, adjoints.all());
  std::vector<Value> gradients;
  for (const Value& variable : wrt) gradients.push_back(adjoints.of(variable));
  return gradients;
}

std::vector<Value> grad(const Value& loss, ValueSpan wrt, const GradOptions& options,
                        std::source_location where) {
  check_loss("grad", loss, where);
  const Value one = loss.graph().constant(1.0, loss.type(), where);
  return vjp({&loss, 1}, wrt, {&one, 1}, options, where);
}

Value grad(const Value& loss, const Value& wrt, const GradOptions& options, std::source_location where) {
  return grad(loss, ValueSpan(&wrt, 1), options, where)[0];
}

std::pair<Value, std::vector<Value>> value_and_grad(const Value& loss, ValueSpan wrt,
                                                    const GradOptions& options, std::source_location where) {
  return {loss, grad(loss, wrt, options, where)};
}

}  // namespace crease
