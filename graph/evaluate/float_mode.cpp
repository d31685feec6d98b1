#include "graph/evaluate/float_mode.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace crease {

#if defined(__x86_64__)
// MXCSR: 0x1F80 masks all exceptions and rounds to nearest; 0x8000 flushes to zero, 0x0040 reads denormals as
// zero.
FloatMode::FloatMode(Subnormals subnormals) noexcept : saved_(_mm_getcsr()) {
  _mm_setcsr(subnormals == Subnormals::Keep ? 0x1F80U : 0x1F80U | 0x8040U);
}
FloatMode::~FloatMode() { _mm_setcsr(saved_); }
bool FloatMode::supports(Subnormals) noexcept { return true; }
#else
FloatMode::FloatMode(Subnormals) noexcept = default;
FloatMode::~FloatMode() = default;
bool FloatMode::supports(Subnormals subnormals) noexcept { return subnormals == Subnormals::Keep; }
#endif

}  // namespace crease
