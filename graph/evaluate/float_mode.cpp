#include "graph/evaluate/float_mode.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace crease {

#if defined(__x86_64__)
// MXCSR: 0x1F80 masks all exceptions and rounds to nearest; 0x8000 flushes to zero, 0x0040 reads denormals as
// zero. Its lowest six bits tell of exceptions that happened. Setting it costs some twenty cycles, a sixth of
// a small program where it is done twice: it is left alone where the mode is what it should be.
FloatMode::FloatMode(Subnormals subnormals) noexcept : saved_(_mm_getcsr()) {
  constexpr unsigned happened = 0x3F;
  const unsigned wanted = subnormals == Subnormals::Keep ? 0x1F80U : 0x1F80U | 0x8040U;
  changed_ = (saved_ & ~happened) != wanted;
  if (changed_) _mm_setcsr(wanted);
}
FloatMode::~FloatMode() {
  if (changed_) _mm_setcsr(saved_);
}
bool FloatMode::supports(Subnormals) noexcept { return true; }
#else
FloatMode::FloatMode(Subnormals) noexcept = default;
FloatMode::~FloatMode() = default;
bool FloatMode::supports(Subnormals subnormals) noexcept { return subnormals == Subnormals::Keep; }
#endif

}  // namespace crease
