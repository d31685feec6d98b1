// Shared by the tests of derivatives: reproducible numbers away from kinks, and central differences.
#pragma once

#include <cmath>

#include "autodiff/directional.h"
#include "graph/evaluate.h"

namespace crease::testing {

/// Irregular numbers in (-1.3, 1.3), different for each seed.
inline Tensor irregular(std::vector<int64_t> sizes, int seed = 0) {
  Tensor tensor(Type::f64, std::move(sizes));
  for (int64_t i = 0; i < tensor.count(); ++i)
    tensor.set(i, 1.3 * std::sin((static_cast<double>(i) + 100 * seed) * 12.9898 + 1));
  return tensor;
}

inline std::vector<double> numbers(const Tensor& tensor) {
  std::vector<double> list;
  for (int64_t i = 0; i < tensor.count(); ++i) list.push_back(tensor.at(i));
  return list;
}

/// (loss(x + h e_i) - loss(x - h e_i)) / 2h for each element of input "x".
inline std::vector<double> central_differences(const Value& loss, const Tensor& x, double h = 1e-6) {
  std::vector<double> slopes;
  for (int64_t i = 0; i < x.count(); ++i) {
    Tensor ahead = x, behind = x;
    ahead.set(i, x.at(i) + h);
    behind.set(i, x.at(i) - h);
    slopes.push_back((evaluate(loss, {{"x", ahead}}).item() - evaluate(loss, {{"x", behind}}).item()) /
                     (2 * h));
  }
  return slopes;
}

}  // namespace crease::testing
