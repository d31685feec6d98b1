// Places in a buffer as one element number: what remains of shapes once conditions are explicit.
#pragma once

#include "jit/kernel.h"

namespace crease {

/// sum of loop * stride + sum of constants + sum of instruction value * stride.
struct Address {
  struct Step {
    int number;  // of the loop or instruction
    Extent stride;
    int64_t turns = 1;  // of the loop that make one stride
    bool operator==(const Step&) const = default;
  };
  std::vector<Step> loops;  // each loop once unless its strides do not add up to one extent
  std::vector<Step> values;
  std::vector<Extent> constants;

  /// Elements from one turn of `loop` to the next; 0 if the loop does not matter. Errors: Bug if that is a
  /// sum.
  Extent stride(int loop) const;
  /// Whether that is one extent: each loop is at most once in the sum.
  bool has_stride(int loop) const;
  /// Whether the turns of `inner`, `extent` of them, and those of `around` are steps of one stride.
  bool runs_on(int around, int inner, const Extent& extent) const {
    return stride(around) == extent * stride(inner);
  }
  bool operator==(const Address&) const = default;
};

/// The element of a row-major buffer of `shape`.
Address address_of(const Place& place, const Shape& shape);

}  // namespace crease
