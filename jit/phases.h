// Sums over windows that lie some elements apart, such as the gradient of a convolution's input where its
// stride is 2, without adding in memory.
#pragma once

#include "graph/graph.h"

namespace crease {

/// A graph in which each sum that is written at s*y + k - p, as the windows y of a convolution with stride s
/// and padding p write their taps k, is s sums instead: of the elements s*q, of s*q + 1, ..., each of them
/// over the taps that reach such an element, and one operation that puts them together. Each element of a sum
/// is then made at one place, in registers, and rounded in another order than the windows would add to it.
/// Kept: everything else, and what is written by lookups, at named sizes, or by labels whose numbers the body
/// reads.
Graph in_phases(const Graph& graph);

}  // namespace crease
