// Random affine graphs over one input, of every kind of affine operation.
#pragma once

#include <random>

#include "graph/graph.h"

namespace crease::test {

/// An affine DAG with input "x" [batch, 4] and output "y": products with weights, biases, scalings, skips,
/// concats, slices, pads, transposes, sums, means, reshapes and convolutions.
Graph random_affine_graph(uint32_t seed);

}  // namespace crease::test
