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

/// Terms of a step that are read as truth values, first those.
size_t truth_count(const Scalar& step) {
  switch (step.kind()) {
    case ScalarKind::Select:
    case ScalarKind::Not: return 1;
    case ScalarKind::And:
    case ScalarKind::Or: return 2;
    default: return 0;
  }
}

bool is_smooth(const Graph& graph, const Node& node) {
  if (node.role == Role::Scan) return is_smooth(node.scan->body);
  if (node.role != Role::Apply) return true;
  const Combine combine = node.op->combine;
  const bool adds = combine == Combine::Assign || combine == Combine::Sum || combine == Combine::Product;
  const Scalar& body = node.op->body.expression;
  return adds && !any_step(body, decides) && !has_pole(body) && number_as_truth(graph, node) < 0 &&
         (is_floating(node.type) || stores_exactly(graph, node));
}

}  // namespace

int number_as_truth(const Graph& graph, const Node& node) {
  if (node.role != Role::Apply) return -1;
  for (size_t k = 0; k < node.operands.size(); ++k) {
    const auto reads_number = [&](const Scalar& step) {
      for (size_t i = 0; i < truth_count(step); ++i)
        if (!gives_truth(step.terms()[i].kind()) && depends_on(step.terms()[i], static_cast<int>(k)))
          return true;
      return false;
    };
    const bool number =
        is_floating(graph.node(node.operands[k]).type) && !is_constant(graph, node.operands[k]);
    if (number && any_step(node.op->body.expression, reads_number)) return static_cast<int>(k);
  }
  return -1;
}

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
