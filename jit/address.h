// Places in a buffer as one element number: what remains of shapes once conditions are explicit.
#pragma once

#include "jit/kernel.h"

namespace crease {

/// sum of loop * stride + sum of constants + sum of instruction value * stride.
struct Address {
  struct Step {
    int number;  // of the loop or instruction
    Extent stride;
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
  bool operator==(const Address&) const = default;
};

/// The element of a row-major buffer of `shape`.
Address address_of(const Place& place, const Shape& shape);

}  // namespace crease
