// Quotients e / sum(e) of numbers that are not negative, such as softmax: each is between 0 and 1, and
// bounded by its own interval against the others'.
#pragma once

#include <optional>
#include <vector>

#include "graph/analysis/bounds/node_bounds.h"
#include "graph/analysis/linearity.h"

namespace crease {

/// Intervals of the elements of a node that divides e by a sum of e along some axes; nothing for other nodes,
/// and for sums over samples: one sample has one term of these.
/// Where e is exp(x - m) for an m that is the same for all terms of a sum, m cancels and x decides.
/// Identity: e_i / (e_i + r) grows with e_i and falls with r, the sum of the others.
std::optional<std::vector<Interval>> shares_of(const Graph& graph, const Linearity& facts, NodeId id,
                                               const std::vector<NodeBounds>& known);

}  // namespace crease
