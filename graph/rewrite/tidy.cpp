#include "graph/rewrite/tidy.h"

#include "graph/rewrite/fold.h"
#include "graph/rewrite/rewrite.h"
#include "graph/rewrite/share.h"
#include "graph/verify.h"

namespace crease {

namespace {

/// Folds and simplifies one node, whose operands went through the same. Constants that went into a body may
/// leave one without operands, which is a constant again.
Value tidied(Graph& to, const Node& node, const std::vector<Value>& operands, Derivatives derivatives,
             Subnormals subnormals) {
  const Value value = folded(to, node, operands, subnormals);
  const Value simple = simplest(value, derivatives);
  if (simple.id() == value.id() || simple.node().role != Role::Apply) return simple;
  std::vector<Value> own;
  for (const NodeId operand : simple.node().operands) own.push_back(to.value(operand));
  return is_foldable(simple.node(), own) ? folded(to, simple.node(), own, subnormals) : simple;
}

}  // namespace

Rewrite tidy(const Graph& graph, Derivatives derivatives, Subnormals subnormals) {
  // One pass for all that looks at single nodes: each pass copies the graph.
  const Remake remake = [&](Graph& to, const Node& node, const std::vector<Value>& operands) {
    return tidied(to, node, operands, derivatives, subnormals);
  };
  Rewrite simple = rebuild_needed(graph, remake);
  verify_pass(graph, simple, "simplify");
  Rewrite shared = share(simple.graph);
  verify_pass(simple.graph, shared, "share");
  return then(simple, std::move(shared));
}

}  // namespace crease
