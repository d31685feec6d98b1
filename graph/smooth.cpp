#include "graph/smooth.h"

#include "graph/scalar/forms.h"
#include "graph/scan.h"
#include "graph/stored.h"

namespace crease {
namespace {

bool decides(const Scalar& step) {
  switch (step.kind()) {
    case ScalarKind::Max:
    case ScalarKind::Min:
    case ScalarKind::Less:
    case ScalarKind::LessEqual:
    case ScalarKind::Equal:
    case ScalarKind::Floor: return depends_on_arguments(step);
    default: return false;
  }
}

bool is_smooth(const Graph& graph, const Node& node) {
  if (node.role == Role::Scan) return is_smooth(node.scan->body);
  if (node.role != Role::Apply) return true;
  const Combine combine = node.op->combine;
  const bool adds = combine == Combine::Assign || combine == Combine::Sum || combine == Combine::Product;
  const Scalar& body = node.op->body.expression;
  return adds && !any_step(body, decides) && !has_pole(body) &&
         (is_floating(node.type) || stores_exactly(graph, node));
}

}  // namespace

bool has_pole(const Scalar& body) {
  return any_step(body, [](const Scalar& e) {
    return e.kind() == ScalarKind::Sqrt || e.kind() == ScalarKind::Log || e.kind() == ScalarKind::Log1p ||
           (e.kind() == ScalarKind::Divide && depends_on_arguments(e.terms()[1]));
  });
}

bool is_smooth(const Graph& graph) {
  for (NodeId id = 0; id < graph.size(); ++id)
    if (!is_smooth(graph, graph.node(id))) return false;
  return true;
}

}  // namespace crease
