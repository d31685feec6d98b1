// Random inputs, and how large values get on them: what is observed, never proved.
#pragma once

#include <random>

#include "graph/analysis/balance/orbit.h"
#include "graph/analysis/bounds/node_bounds.h"
#include "graph/evaluate.h"

namespace crease {

/// Inputs of normal distribution, named dimensions having `rows`; whole numbers are 0.
Bindings random_inputs(const Graph& graph, int64_t rows, std::mt19937_64& random);

/// Inputs of one row inside of a box: all elements at their lower ends for `sample` 0, at their upper ends
/// for 1, then random points. Unbounded sides are cut at 1 from the other end, or at -1 and 1.
Bindings box_inputs(const Graph& graph, const InputBox& box, int64_t sample, std::mt19937_64& random);

/// Greatest |v| of each element of each computed floating tensor over random inputs; infinities and NaN are
/// left out.
std::vector<OrbitValues> value_sizes(const Graph& graph, int64_t samples, uint64_t seed);
/// The same over points of a box.
std::vector<OrbitValues> value_sizes(const Graph& graph, int64_t samples, uint64_t seed, const InputBox& box);

}  // namespace crease
