// A convolution of three taps along a named dimension.
#pragma once

#include "graph/op.h"

namespace crease::test {

/// Shapes: x [batch, time], weights [3] -> [batch, time].
inline const Op& over_time() {
  static const Op op{.name = "over_time",
                     .doc = "",
                     .loops = "b t+k-1, k -> b t",
                     .body = [](Scalar x, Scalar w) { return x * w; },
                     .combine = Combine::Sum,
                     .extents = {{"t", Dim("time")}}};
  return op;
}

}  // namespace crease::test
