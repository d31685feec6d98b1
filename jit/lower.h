// Graph -> kernels: one kernel a node, two for scatters, none for views and leaves.
// Before: the graph passes graph/verify.h. After: verify(Kernels) holds; kernels run in the order of the
// nodes.
#pragma once

#include <functional>

#include "graph/graph.h"
#include "jit/kernel.h"

namespace crease {

/// The same graph, simpler.
using Simplify = std::function<Graph(const Graph&)>;

/// Kernels of what outputs and updates need. Every skipped point of a loop record becomes an explicit
/// condition; where the result's access can be inverted, the loops run over the result (a gather), otherwise
/// over the record's labels (a scatter, after a kernel that fills). Dimensions in `specialise` are constants.
/// Bodies of loops over time are simplified by `simplify_body`, without it by tidy.
/// Errors: Error for an argmax whose result is written through an access that is no list of labels.
Kernels lower(const Graph& graph, const Sizes& specialise = {}, const Simplify& simplify_body = {});

}  // namespace crease
