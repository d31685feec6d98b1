// Inside of canonical.h: the signs of units of odd activations.
#pragma once

#include <set>
#include <string>

#include "graph/graph.h"

namespace crease {

struct SignedForm {
  Graph graph;
  int64_t flipped = 0;  // coordinates of the group of signs that are -1
};

/// Gives each unit that may change its sign (tanh, products of two) the sign at which the greatest parameters
/// that lead into it are positive: of one size, more than half of them; where these cancel, the next smaller,
/// then those that lead out of it. A member of the group of signs, so the function stays, to the bit.
SignedForm with_positive_units(const Graph& graph, const std::set<std::string>& fixed);

}  // namespace crease
