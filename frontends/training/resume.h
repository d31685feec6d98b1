// What a training that goes on takes over from its checkpoint.
#pragma once

#include <string>

#include "frontends/model.h"
#include "graph/graph.h"
#include "graph/named_tensors.h"

namespace crease {

/// The parameters of a training step to go on with: those of the checkpoint, but the step's own learning
/// rate, which is an option and perhaps another one now, unless the optimizer itself moves it. `optimizer` is
/// the name of the step's. Errors: Error for a checkpoint of another optimizer, or, with a table, of another
/// network.
NamedTensors resumed_parameters(const Graph& step, const Checkpoint& from, const std::string& optimizer);

}  // namespace crease
