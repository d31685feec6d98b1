// What a training that goes on takes over from its checkpoint.
#pragma once

#include <map>
#include <string>

#include "frontends/model.h"
#include "graph/graph.h"

namespace crease {

/// The parameters of a training step to go on with: those of the checkpoint, but the step's own learning
/// rate, which is an option and perhaps another one now, unless the optimizer itself moves it. `optimizer` is
/// the name of the step's. Errors: Error for a checkpoint of another optimizer, or, with a table, of another
/// network.
std::map<std::string, Tensor> resumed_parameters(const Graph& step, const Checkpoint& from,
                                                 const std::string& optimizer);

}  // namespace crease
