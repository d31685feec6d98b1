// Numbers for tests of layers.
#pragma once

#include <cmath>

#include "graph/tensor.h"

namespace crease::test {

/// Irregular numbers in (-1.5, 1.5).
inline Tensor irregular(Type type, std::vector<int64_t> sizes, int64_t seed = 1) {
  Tensor tensor(type, std::move(sizes));
  for (int64_t i = 0; i < tensor.count(); ++i)
    tensor.set(i, 1.5 * std::sin(1.7 * static_cast<double>(i + 3 * seed) + 0.3 * static_cast<double>(seed)));
  return tensor;
}

}  // namespace crease::test
