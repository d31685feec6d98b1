// The one adjoint rule. For y[w(l)] = combine over l of body(x0[r0(l)], x1[r1(l)], ...):
//   dx_k[r_k(l)] += dy[w(l)] * weight(l) * d body / d x_k
// with the same loops: the accesses of x_k and y change places. It is the transpose of the linear map that
// the chain rule gives, for products, convolutions, reductions, movement and lookup alike.
#pragma once

#include <optional>

#include "autodiff/reverse.h"
#include "graph/graph.h"

namespace crease {

/// The rule that holds at a node: its own Tie, else the call's, else the call's table's, else the graph's,
/// else left.
KinkRule effective_rule(const Graph& graph, const Node& node, const GradOptions& options);

/// Contribution of node `id` to the adjoint of its operand k, given the adjoint of the node; no Value if it
/// is identically 0. Operands that are read twice at one access are served by the first of them. Errors:
/// Error for Tie::trap at a kinked node.
std::optional<Value> adjoint(const Graph& graph, NodeId id, int k, const Value& dy, const KinkRule& rule,
                             const std::source_location& where);

/// factor * slope with structural zeros. A slope that selects becomes a selection of products, so that a
/// branch not taken contributes 0 and not 0 times whatever the factor is (infinite below sqrt(relu(x)) at 0);
/// and a factor of 0 stays 0 before an infinite slope (below where(x > 0, log(x), 0)).
Scalar strong_product(const Scalar& factor, const Scalar& slope);

}  // namespace crease
