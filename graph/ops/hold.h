// Values that derivatives hold constant.
#pragma once

#include <optional>

#include "graph/graph.h"

namespace crease {

/// The value of x, which every derivative takes for a constant, of whatever order and in both modes:
/// PyTorch's detach, JAX's stop_gradient. A derivative through it is that of the function with this part held
/// at its present value, and not of what the graph computes: certified_gradient, check_gradients and others
/// that state facts of the latter refuse it. Other analyses look through it, since it is x.
extern const Op stop_gradient;

/// Whether derivatives take the results of this node for constants.
bool is_held(const Node& node);

/// The first node, inside loops over time too, that derivatives of `outputs` hold constant although a
/// variable moves it: its number, or that of the loop that has it inside.
std::optional<NodeId> held_between(const Graph& graph, ValueSpan outputs, ValueSpan wrt);
/// The same between the floating parameters of a network and its outputs.
std::optional<NodeId> held_in_network(const Graph& graph);

}  // namespace crease
