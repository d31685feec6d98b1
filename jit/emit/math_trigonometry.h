// Sine and cosine in vector code of our own.
#pragma once

#include "jit/emit/arithmetic.h"

namespace crease {

/// sin(x), or cos(x), correct for every finite x. A call of a function that the module gets on first use:
/// exact reduction by three parts of pi/2 while |x| <= 2^20, and by 192 bits of 2/pi beyond, lane by lane.
/// f32 0.51 ulp (computed in f64), f64 1 ulp, beyond 2^20 2 ulp. NaN for NaN and infinities; sin(-0) = -0.
FloatValue emit_circular(const Arithmetic& with, bool cosine, FloatValue x);

}  // namespace crease
