// Numbers without rational value, such as the root in batch normalisation, as rational numbers next to them:
// for proofs that bound what that is off by.
#pragma once

#include <functional>
#include <optional>

#include "graph/analysis/exact.h"
#include "graph/graph.h"

namespace crease {

/// A multiple of 2^-64 that is not greater.
Rational on_grid(const Rational& x);

/// The elements of a map of constants, each off by little more than 2^-64; nothing for what is no map, or has
/// functions other than roots. `operand` gives the elements of operands.
std::optional<ExactValues> nearby_values(
    const Graph& graph, NodeId id, const std::function<Rational(NodeId operand, int64_t element)>& operand);

}  // namespace crease
