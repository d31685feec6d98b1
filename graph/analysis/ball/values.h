// Values of a network at a few points, each enclosed, in numbers of a chosen length: for the checker, of
// networks that are too deep for rationals.
#pragma once

#include <vector>

#include "graph/analysis/ball/ball.h"
#include "graph/graph.h"

namespace crease::checker {

/// Longest numbers: a network of 300 layers needs some 1100 bits.
inline constexpr int64_t kMostBits = 4096;

/// Errors: Refused for a number that an input cannot be: integers and truth values are no fractions.
void require_input(const Graph& graph, NodeId input, const Rational& number);

/// The elements of a node, for one sample, at each point (elements of all inputs in order). By point.
/// Errors: Refused for points of another size, and for what has no enclosure (check_enclosure.h).
/// Cost: loop points * points * bits / 64 products.
std::vector<std::vector<Ball>> ball_values(const Graph& graph, NodeId node,
                                           const std::vector<std::vector<Rational>>& points,
                                           const BallArithmetic& arithmetic);

}  // namespace crease::checker
