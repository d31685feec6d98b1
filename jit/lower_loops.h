// Loop records as loop nests over the result. Private to lowering.
#pragma once

#include "jit/lower_node.h"

namespace crease {

/// 0 <= position < extent, checked at every point.
struct Range {
  Position position;
  Extent extent;
};

/// Loop `loop` must equal the looked-up value of operand `operand`.
struct Equality {
  int loop;
  int operand;
};

/// A loop record made ready for a kernel.
struct Nest {
  std::vector<Loop> loops;         // outer first
  int outer = 0;                   // gather: the dimensions of the result; scatter: all loops
  std::vector<Position> label_at;  // value of each label, over the loops
  std::vector<Range> ranges;       // affine conditions of a point
  std::vector<Equality> equalities;
  bool scatter = false;
};

/// A gather where the result's access can be inverted without many more points than the record has: a
/// dimension written at y + ky - 1 becomes a loop o, with y = o - ky + 1 and a condition on y. Else a
/// scatter. Errors: Error for ArgMax and ArgMin that would need a scatter or an inversion.
Nest make_nest(const NodeSource& source);

/// An index over labels as a position over loops; a lookup is left out.
Position compose(const AffineIndex& index, const std::vector<Position>& label_at);

}  // namespace crease
