// Tie::trap at run time: nodes that watch the kinks of another node, and what they say. A trap is an ordinary
// node, and the gradient that it guards reads it, so passes keep it as long as the gradient is needed.
#pragma once

#include <optional>
#include <string>

#include "graph/evaluate.h"
#include "graph/graph.h"

namespace crease {

/// Whether a node is a trap: an f64 number, minus the row-major position of the first point of its loops that
/// sits on a kink, -infinity if none does. Its operation has the attribute "trap", the number of the watched
/// node, and the watched node's name and line behind "trap_".
bool is_trap(const Node& node);

/// The error of a trap of this value: "[trap] relu sits on a kink at element [3, 5]: no slope is selected
/// (node %7 'hidden', main.cpp:12)"; none if it has not sprung.
std::optional<std::string> sprung_trap(const Node& trap, double value, const Sizes& sizes);

}  // namespace crease
