// What all passes over graphs share: rebuilding node by node, and dropping what nothing needs. A pass keeps
// inputs, parameters, outputs, updates, ties, names and source lines; verify_pass says whether it did.
#pragma once

#include <functional>
#include <vector>

#include "graph/graph.h"

namespace crease {

/// Makes the value that stands for `node` in the new graph `to`, from its operands there.
using Remake = std::function<Value(Graph& to, const Node& node, const std::vector<Value>& operands)>;

/// A graph in which `remake` made every node but inputs and parameters, which are copied; with the same
/// outputs, updates and tie. The name of a node that went goes to the value that took its place, if that has
/// none.
Rewrite rebuild(const Graph& graph, const Remake& remake);
/// The same without nodes that no output and no update needs; inputs and parameters stay.
Rewrite rebuild_needed(const Graph& graph, const Remake& remake);

/// Drops nodes that no output and no update needs. Inputs and parameters stay: they are how a program is
/// called. Where nothing goes, the result is the same graph and no copy.
Rewrite remove_dead(const Graph& graph);

/// Two passes in a row: `second` was made from first.graph.
Rewrite then(const Rewrite& first, Rewrite second);

/// Whether an access stays inside a tensor at every point of the loops, whatever size the named dimensions
/// have.
bool always_inside(const Access& access, const Loops& loops, const Shape& shape);
/// Whether every element of a tensor is that of some point, whatever size the named dimensions have. False
/// where that is not plain: each dimension must be one label, or count labels like the digits of a number.
bool covers(const Access& access, const Loops& loops, const Shape& shape);

}  // namespace crease
