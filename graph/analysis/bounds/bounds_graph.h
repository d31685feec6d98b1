// Interval bounds as a graph: an ordinary graph whose values are the ends of the intervals of another one's,
// to be compiled like any other, for any number of boxes at once (the named dimensions stay). Lower ends are
// kept negated, so that one rounding direction, up, is outward for both; a sum of weights times intervals
// becomes two products for each end, of the positive and of the negative parts of the weights, whose rounding
// needs no error term and keeps exact zeros.
// Claim: box, as node_bounds.h, for the parameters that the graph holds now. It is void if the graph is
// evaluated with rounding to nearest. Source: docs/analyses.md, compiled bounds; Moore 1966.
#pragma once

#include "graph/graph.h"

namespace crease {

/// The lower and the upper ends of an input or output "x": "x.low", "x.high".
std::string low_name(const std::string& name);
std::string high_name(const std::string& name);

/// Where linear bounds (CROWN) narrow the intervals: nowhere; for what is wanted, by one walk back with
/// intervals on the way; or also for the argument of every piecewise linear function, whose lines get better
/// by it, at the cost of a walk for each.
enum class LineUse : uint8_t { None, Wanted, Everywhere };

/// Bounds of `wanted` (names and nodes of `graph`), in arithmetic of `type`: f64 or f32. The graph has inputs
/// x.low and x.high for each floating input x that they need, other inputs as they are, and outputs y.low and
/// y.high for each y of `wanted`; all but the other inputs have the type `type`. Nothing is known (infinite
/// ends) of products over a loop, of what is read or written at places that depend on the
/// floating inputs, and of integers in f32 beyond its whole numbers.
/// Errors: Error for another type, or if `wanted` is empty.
Graph bounds_graph(const Graph& graph, const std::vector<Output>& wanted, Type type = Type::f64,
                   LineUse lines = LineUse::None);

}  // namespace crease
