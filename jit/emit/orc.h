// Object files mapped into this process. No LLVM headers of ORC are seen outside orc.cpp.
#pragma once

#include <llvm/ADT/SmallVector.h>

#include <vector>

#include "jit/native.h"

namespace crease {

/// Links object files that have a function "step" of type StepFunction between them. `name_code`: perf and
/// gdb learn the functions' names.
/// Errors: Error with all that the linker says, if there is no memory or a name is nowhere defined.
NativeCode link(std::vector<llvm::SmallVector<char, 0>> objects, bool name_code);

}  // namespace crease
