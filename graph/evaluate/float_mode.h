// What the processor does with numbers too small for their format: part of the meaning of a program, since a
// subnormal that counts as 0 is a kink that was not there.
#pragma once

#include <cstdint>

namespace crease {

/// Keep: IEEE 754, subnormal numbers are numbers. Flush: subnormal operands count as 0 and subnormal results
/// become 0 (DAZ and FTZ of x86): relu then has a kink at every |x| < 1.18e-38 in f32, 2.2e-308 in f64.
enum class Subnormals : uint8_t { Keep, Flush };

/// Arithmetic of this thread while it lives: subnormals as said, round to nearest, no traps; whatever the
/// caller had set. Restores the caller's mode at its end. Other processors than x86-64 only know Keep.
class FloatMode {
 public:
  explicit FloatMode(Subnormals subnormals) noexcept;
  ~FloatMode();
  FloatMode(const FloatMode&) = delete;
  FloatMode& operator=(const FloatMode&) = delete;

  /// Whether this processor can do it.
  static bool supports(Subnormals subnormals) noexcept;

 private:
  unsigned saved_ = 0;
  bool changed_ = false;
};

}  // namespace crease
