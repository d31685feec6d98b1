// Programs of many scalars, such as the gradient of one long expression. Private to fusion.
#pragma once

#include "jit/kernel.h"

namespace crease {

/// Long runs of kernels that each compute one scalar become a few kernels of some hundred instructions. What
/// one of them needs of another lies in one buffer of all such scalars, an array for each type. Other
/// kernels, and short runs, stay as they are. Cost: linear in the number of instructions.
Kernels gather_scalars(Kernels program);

}  // namespace crease
