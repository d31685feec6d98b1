// Inside of values.h: the sums of layers, weight times value, by integer products.
#pragma once

#include <vector>

#include "graph/analysis/ball/ball.h"
#include "graph/graph.h"

namespace crease::checker {

/// Which operand of a sum of products is stored in the graph, and which is computed.
struct WeightedSum {
  size_t weights = 0, values = 1;
};
/// Nothing unless the node sums products of a stored tensor of floats and something else.
std::optional<WeightedSum> weighted_sum(const Graph& graph, NodeId id);

/// The elements of such a node at `points` points; element e at point p is entry e * points + p, of values
/// too. Errors: Refused for weights that are not finite.
std::vector<Ball> ball_sums(const Graph& graph, NodeId id, const WeightedSum& sum,
                            const std::vector<Ball>& values, size_t points, const BallArithmetic& arithmetic);

}  // namespace crease::checker
