// The one adjoint rule. For y[w(l)] = combine over l of body(x0[r0(l)], x1[r1(l)], ...):
//   dx_k[r_k(l)] += dy[w(l)] * weight(l) * d body / d x_k
// with the same loops: the accesses of x_k and y change places. It is the transpose of the linear map that
// the chain rule gives, for products, convolutions, reductions, movement and lookup alike.
#pragma once

#include <optional>

#include "autodiff/loop_builder.h"
#include "autodiff/reverse.h"
#include "graph/graph.h"
#include "graph/scalar/at_nan.h"

namespace crease {

/// The rule that holds at a node: its own Tie, else the call's, else the call's table's, else the graph's,
/// else left; under options.one_sided left in place of a rule that is no side.
KinkRule effective_rule(const Graph& graph, const Node& node, const GradOptions& options);

/// What a derivative call selects at one node.
struct Selected {
  KinkRule rule;
  AtPole at_pole = AtPole::StrongZero;
  bool follows_nan = false;  // the node's adjoint is NaN wherever its value is
};

/// A contribution to the adjoint of an operand.
struct Contribution {
  Value value;
  bool follows_nan;  // NaN wherever the operand is
};

/// Contribution of node `id` to the adjoint of its operand k, given the adjoint of the node; nothing if it
/// is identically 0. Operands that are read twice at one access are served by the first of them. Under
/// Tie::trap the contribution reads a trap that springs when a kink is hit, and is 0 then.
std::optional<Contribution> adjoint(const Graph& graph, NodeId id, int k, const Value& dy,
                                    const Selected& selected, const std::source_location& where);

/// The slope of argument k of a node's body: what the rule selects, or, in a node that is part of a
/// derivative, what was decided before.
Scalar selected_slope(const LoopBuilder& builder, int k, const KinkRule& rule, AtNan at_nan = AtNan::Nan);

/// factor * slope with structural zeros. A slope that selects becomes a selection of products, so that a
/// branch not taken contributes 0 and not 0 times whatever the factor is (infinite below sqrt(relu(x)) at 0);
/// and a factor of 0 stays 0 before an infinite slope (below where(x > 0, log(x), 0)).
Scalar strong_product(const Scalar& factor, const Scalar& slope, AtPole at_pole = AtPole::StrongZero);

/// The rule at infinite slopes of one node: Zero for a norm, which has 0 among its subgradients at 0.
AtPole pole_rule(const Op& op, AtPole wanted);

}  // namespace crease
