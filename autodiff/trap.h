// Tie::trap in reverse mode and in linear_jvp: what watches a kink, and guards the derivative that needs it.
#pragma once

#include <optional>

#include "autodiff/ties.h"
#include "graph/graph.h"

namespace crease {

/// A truth value that holds while no point of node `id` has different left and right slopes in operand k, nor
/// several tied arguments if it is a maximum or minimum; none if that cannot happen. What reads it pulls in
/// the trap that reports the hit (graph/trap.h).
std::optional<Value> unsprung(const Graph& graph, NodeId id, int k);

/// The rule that a derivative is built with: left under Tie::trap, whose derivative counts only where no kink
/// is hit and all rules agree.
KinkRule rule_beside_trap(const KinkRule& rule);

}  // namespace crease
