// Random inputs, and how large values get on them: what is observed, never proved.
#pragma once

#include <random>

#include "graph/analysis/balance/orbit.h"
#include "graph/evaluate.h"

namespace crease {

/// Inputs of normal distribution, named dimensions having `rows`; whole numbers are 0.
Bindings random_inputs(const Graph& graph, int64_t rows, std::mt19937_64& random);

/// Greatest |v| of each element of each computed floating tensor over random inputs; infinities and NaN are
/// left out.
std::vector<OrbitValues> value_sizes(const Graph& graph, int64_t samples, uint64_t seed);

}  // namespace crease
