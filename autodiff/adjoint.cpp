#include "autodiff/adjoint.h"

#include <algorithm>

#include "autodiff/loop_builder.h"
#include "autodiff/selection.h"
#include "graph/error.h"

namespace crease {
namespace {

/// Whether a slope can be infinite or NaN at a finite point.
bool can_be_infinite(const Scalar& slope) {
  const auto t = slope.terms();
  switch (slope.kind()) {
    case ScalarKind::Divide:
      if (t[1].kind() != ScalarKind::Constant) return true;
      break;
    case ScalarKind::Exp:
    case ScalarKind::Expm1:
    case ScalarKind::Log:
    case ScalarKind::Log1p:
    case ScalarKind::Sqrt: return true;
    default: break;
  }
  return std::any_of(t.begin(), t.end(), can_be_infinite);
}

}  // namespace

KinkRule effective_rule(const Graph& graph, const Node& node, const GradOptions& options) {
  if (node.tie) return *node.tie;
  if (options.tie) return *options.tie;
  if (options.table && node.op) return options.table->of(node.op->name);
  return graph.tie().value_or(Tie::left);
}

Scalar strong_product(const Scalar& factor, const Scalar& slope) {
  if (slope.is_constant(0) || factor.is_constant(0)) return 0;
  if (slope.kind() == ScalarKind::Select) {
    const auto t = slope.terms();
    return select(t[0], strong_product(factor, t[1]), strong_product(factor, t[2]));
  }
  const Scalar product = factor * slope;
  const bool guarded = can_be_infinite(slope) && factor.kind() != ScalarKind::Constant;
  return guarded ? select(equal(factor, 0), 0, product) : product;
}

std::optional<Value> adjoint(const Graph& graph, NodeId id, int k, const Value& dy, const KinkRule& rule,
                             const std::source_location& where) {
  LoopBuilder builder(graph, id);
  if (builder.representative(k) != k) return {};
  const Node& node = builder.node();
  Scalar slope_k;
  try {
    slope_k = slope(builder.body(), k, rule, builder.constants());
  } catch (const Error& error) {
    fail("[grad] {} (node {})", error.what(), describe(graph, id));
  }
  if (slope_k.is_constant(0)) return {};
  const Scalar factor = builder.read(dy, node.loops.write);
  const Scalar weight = combine_weight(builder, graph, id, rule.tie, where);
  builder.keep_bounds();
  const Scalar body = strong_product(strong_product(factor, builder.over_operands(slope_k)), weight);
  const Access& write = node.loops.reads[static_cast<size_t>(k)];
  const Node& operand = graph.node(node.operands[static_cast<size_t>(k)]);
  const Combine combine = is_injective(write, node.loops.labels) ? Combine::Assign : Combine::Sum;
  return builder.build("d_" + node.op->name, body, write, operand.shape, combine, operand.type, where);
}

}  // namespace crease
