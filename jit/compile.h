// The steps of compilation, and what they leave behind for a Program.
#pragma once

#include "graph/graph.h"
#include "jit/native.h"

namespace crease {

/// A graph made ready to run.
struct Compiled {
  Graph graph;  // that was lowered: inputs, parameters, outputs and updates of the source, fewer nodes
  Kernels kernels;
  MemoryPlan memory;
  NativeCode code;
  Schedule schedule;
  Dumps dumps;
  Timings timings;
};

/// Errors: as compile(source, options).
Compiled compile_steps(const Graph& source, const CompileOptions& options);

}  // namespace crease
