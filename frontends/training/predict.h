// What a network says of samples.
#pragma once

#include <cstdint>
#include <vector>

#include "frontends/training/runner.h"
#include "graph/graph.h"

namespace crease {

/// The output of a network with one input and one output for samples x [n, ...]: [n, ...], in their order.
/// Errors: Error for no samples, for a network with other inputs and outputs or another input than x fits,
/// for an output without a row for each sample; those of compile.
Tensor predict(const Graph& network, const Tensor& x, const RunnerOptions& options = {});

/// The class of each row of outputs [n, classes]: that of the greatest one, the first in a tie.
std::vector<int64_t> decisions(const Tensor& outputs);

}  // namespace crease
