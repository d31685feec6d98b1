// x * 2^n by one instruction.
#pragma once

#include "jit/emit/arithmetic.h"

namespace crease {

/// Whether the machine has that instruction: AVX-512, at any vector width.
bool has_scale(const Arithmetic& with);

/// x * 2^n for an integral n, rounded once: overflow and denormal results come out right. Condition:
/// has_scale.
FloatValue scaled(FloatValue x, FloatValue n);

}  // namespace crease
