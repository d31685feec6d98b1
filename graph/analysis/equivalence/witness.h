// A point at which two networks differ, by exact evaluation.
#pragma once

#include <optional>
#include <vector>

#include "graph/analysis/equivalence/equivalence.h"
#include "graph/analysis/joined.h"

namespace crease {

/// Elements of an input in one sample.
size_t input_size(const Graph& graph, NodeId id);

/// The first element of an output that differs at a point; nothing if none does, or where the networks have
/// no exact value.
std::optional<DifferenceWitness> witness_at(const Joined& both, const std::vector<Rational>& point);

/// The same by enclosed values, for networks that are too deep for exact ones, or not rational.
std::optional<DifferenceWitness> enclosed_witness_at(const Joined& both, const std::vector<Rational>& point);

}  // namespace crease
