// What the peers of bench/compare written by hand share: their start, and the loss of classes.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "bench/filled.h"

namespace crease::bench {

using Floats = std::vector<float>;
constexpr float rate = 0.01F;

/// `count` numbers of filled_at.
inline Floats filled(size_t count, uint64_t seed, double scale) {
  Floats values(count);
  for (size_t i = 0; i < count; ++i) values[i] = filled_at(i, seed, scale);
  return values;
}

/// Mean cross-entropy of rows of logits y, the label of row r being r modulo `classes`, and its gradient by
/// y.
inline double cross_entropy(std::span<const float> logits, int classes, std::span<float> gradients) {
  const auto batch = static_cast<int>(logits.size()) / classes;
  double loss = 0;
  for (int r = 0; r < batch; ++r) {
    const float* y = logits.data() + r * classes;
    float* g = gradients.data() + r * classes;
    const float most = *std::max_element(y, y + classes);
    float sum = 0;
    for (int c = 0; c < classes; ++c) sum += g[c] = std::exp(y[c] - most);
    for (int c = 0; c < classes; ++c) g[c] /= sum * static_cast<float>(batch);
    const int wanted = r % classes;
    g[wanted] -= 1 / static_cast<float>(batch);
    loss += std::log(sum) + most - y[wanted];
  }
  return loss / batch;
}

}  // namespace crease::bench
