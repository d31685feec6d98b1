// The steps of compilation, and what they leave behind for a Program.
#pragma once

#include "jit/native.h"

namespace crease {

/// A graph made ready to run.
struct Compiled {
  Kernels kernels;
  MemoryPlan memory;
  NativeCode code;
  int threads;  // that kernels are split for; 1 if none is
  Dumps dumps;
  Timings timings;
};

/// Errors: as compile(graph, options).
Compiled compile_steps(const Graph& graph, const CompileOptions& options);

}  // namespace crease
