// The loop nest of one kernel.
#pragma once

#include "jit/emit/kernel_values.h"

namespace crease {

/// Emits the whole kernel at the builder's place. `begin` and `end` bound the outermost outer loop (its
/// turns, in elements; multiples of the lanes where it is the vector loop, but for the last end); null: all
/// of it. `scratch` is memory of the size that the schedule's contraction wants.
void emit_kernel(Emitter& emitter, const Kernel& kernel, const std::vector<Buffer>& buffers,
                 const KernelSchedule& schedule, const KernelArguments& arguments, llvm::Value* scratch,
                 llvm::Value* begin = nullptr, llvm::Value* end = nullptr);

}  // namespace crease
