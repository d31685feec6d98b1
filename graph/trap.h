// Tie::trap at run time: nodes that watch the kinks of another node, and what they say. A trap is an ordinary
// node, and the gradient that it guards reads it, so passes keep it as long as the gradient is needed.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "graph/evaluate.h"
#include "graph/graph.h"

namespace crease {

/// Whether a node is a trap: an f64 number, minus the row-major position of the first point of its loops that
/// has no derivative, -infinity if all have one. Its operation has the attribute "trap", the number of the
/// watched node, and the watched node's name and line behind "trap_".
bool is_trap(const Node& node);

/// The trap that a node tells an operand of, none for other nodes. Such a node is an f64 number: one operand
/// of the watched node where its trap sprang, 0 if it did not. The attribute "trap_value" orders them.
std::optional<NodeId> trap_told_of(const Graph& graph, NodeId id);

/// The error of a trap of this value: "[trap] maximum has no derivative at element [3, 5], where its operands
/// are 2, 2: Tie::trap selects none (node %7 'hidden', main.cpp:12); ..." and the way out; none if it has
/// not sprung. `operands` are the values of the nodes that tell of this trap.
std::optional<std::string> sprung_trap(const Node& trap, double value, std::span<const double> operands,
                                       const Sizes& sizes);

}  // namespace crease
