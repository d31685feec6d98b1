// All kernels of a program as one LLVM module with one function "step".
#pragma once

#include <memory>

#include "jit/emit/emitter.h"
#include "jit/memory.h"
#include "jit/native.h"
#include "jit/schedule.h"

namespace crease {

/// One of the object files that a program is compiled to.
struct PartOf {
  size_t number = 0, count = 1;
};

/// Fills `module`: one function a kernel (equal kernels share one; those that are over at once stand in step
/// itself, unless options.name_code), and step(buffers, dims, parallel), which
/// calls them in order; options.profile: with calls of parallel->mark. Its type is StepFunction of
/// jit/native.h. Where there are several parts, kernels without loops are placed (jit/emit/parallel.h):
/// bodies that belong to other parts are left out.
void emit_program(llvm::Module& module, const Machine& machine, const Kernels& program,
                  const Schedule& schedule, const MemoryPlan& memory, PartOf part = {},
                  const NativeOptions& options = {});

}  // namespace crease
