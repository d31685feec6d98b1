// A fingerprint of a graph, by which a certificate names the network that it speaks of.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "graph/graph.h"

namespace crease {

/// SHA-256 as 64 lower-case hexadecimal digits. Source: FIPS 180-4.
std::string sha256(std::string_view bytes);

/// SHA-256 over everything that decides the graph's values: nodes, loops, bodies, shapes, types, outputs,
/// updates and the bits of parameters and constants. Ties, source lines and names other than those of leaves
/// and outputs do not count.
std::string digest(const Graph& graph);

}  // namespace crease
