#include "autodiff/adjoint.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "autodiff/loop_builder.h"
#include "autodiff/nan_flow.h"
#include "autodiff/selection.h"
#include "autodiff/trap.h"
#include "graph/error.h"
#include "graph/ops/hold.h"
#include "graph/ops/reduction.h"
#include "graph/scalar/forms.h"
#include "graph/scalar/lock.h"

namespace crease {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Whether a slope can be infinite or NaN at a finite point.
bool can_be_infinite(const Scalar& slope) {
  return any_step(slope, [](const Scalar& e) {
    switch (e.kind()) {
      case ScalarKind::Divide: return e.terms()[1].kind() != ScalarKind::Constant;
      case ScalarKind::Exp:
      case ScalarKind::Expm1:
      case ScalarKind::Log:
      case ScalarKind::Log1p:
      case ScalarKind::Sqrt: return true;
      default: return false;
    }
  });
}

/// strong_product with a slope that is no select.
Scalar strong_product_of_branch(const Scalar& factor, const Scalar& slope, AtPole at_pole) {
  if (slope.is_constant(0)) return 0;
  if (slope.kind() == ScalarKind::Constant && std::isnan(slope.constant())) return slope;
  const Scalar product = factor * slope;
  if (!can_be_infinite(slope)) return product;
  switch (at_pole) {
    case AtPole::Ieee: return product;
    case AtPole::Zero: return select(equal(abs(slope), infinity), 0, product);
    case AtPole::StrongZero: break;
  }
  return factor.kind() == ScalarKind::Constant ? product : select(equal(factor, 0), 0, product);
}

}  // namespace

KinkRule effective_rule(const Graph& graph, const Node& node, const GradOptions& options) {
  if (options.one_sided) {
    GradOptions mixing = options;
    mixing.one_sided = false;
    const KinkRule rule = effective_rule(graph, node, mixing);
    const bool is_side = rule == KinkRule(Tie::left) || rule == KinkRule(Tie::right) || rule.tie == Tie::trap;
    return is_side ? rule : KinkRule(Tie::left);
  }
  if (node.tie) return *node.tie;
  if (options.tie) return *options.tie;
  if (options.table && node.op) return options.table->of(node.op->name);
  return graph.tie().value_or(Tie::left);
}

AtPole pole_rule(const Op& op, AtPole wanted) { return is_norm_root(op) ? AtPole::Zero : wanted; }

Scalar selected_slope(const LoopBuilder& builder, int k, const KinkRule& rule, AtNan at_nan) {
  if (!is_decided(*builder.node().op)) return slope(builder.body(), k, rule, builder.constants(), at_nan);
  const Side side = rule == KinkRule(Tie::right) ? Side::Right : Side::Left;
  return decided_slope(builder.body(), k, side, builder.constants(), at_nan);
}

Scalar strong_product(const Scalar& factor, const Scalar& slope, AtPole at_pole) {
  if (factor.is_constant(0)) return 0;
  return fold_asked<Scalar>(slope, [&](const Scalar& branch, const auto& of) -> Scalar {
    if (branch.kind() != ScalarKind::Select) return strong_product_of_branch(factor, branch, at_pole);
    const auto t = branch.terms();
    return select(t[0], of(t[1]), of(t[2]));
  });
}

std::optional<Contribution> adjoint(const Graph& graph, NodeId id, int k, const Value& dy,
                                    const Selected& selected, const std::source_location& where) {
  LoopBuilder builder(graph, id);
  const Node& node = builder.node();
  if (builder.representative(k) != k || is_held(node)) return {};
  const KinkRule rule = rule_beside_trap(selected.rule);
  const NanFlow flow = nan_flow(
      graph, builder, k, selected.follows_nan,
      [&](AtNan at_nan) { return selected_slope(builder, k, rule, at_nan); },
      static_cast<int>(node.operands.size()));
  if (flow.slope.is_constant(0)) return {};
  const Scalar factor = builder.read(dy, node.loops.write);
  const Scalar weight = combine_weight(builder, graph, id, rule, where);
  builder.keep_bounds();
  const AtPole at_pole = pole_rule(*node.op, selected.at_pole);
  Scalar body = strong_product(strong_product(factor, builder.over_operands(flow.slope), at_pole), weight);
  if (selected.rule.tie == Tie::trap && !is_decided(*node.op))
    if (const auto clear = unsprung(graph, id, k)) body = select(builder.read(*clear, {}), body, 0);
  const Access& write = node.loops.reads[static_cast<size_t>(k)];
  const Node& operand = graph.node(node.operands[static_cast<size_t>(k)]);
  const Combine combine = is_injective(write, node.loops.labels) ? Combine::Assign : Combine::Sum;
  return Contribution{
      builder.build("d_" + node.op->name, body, write, operand.shape, combine, operand.type, where),
      flow.follows_nan};
}

}  // namespace crease
