// Sizes that may depend on named dimensions: the extents of loops, the strides of buffers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "graph/evaluate.h"
#include "graph/type.h"

namespace crease {

/// More than any machine has, and few enough to add.
constexpr int64_t most_bytes = int64_t{1} << 62;

/// factor * product of named dimensions, for example 10 * batch.
struct Extent {
  int64_t factor = 1;
  std::vector<std::string> symbols = {};  // sorted; empty where the factor is 0

  bool is_constant() const { return symbols.empty(); }
  bool is(int64_t value) const { return symbols.empty() && factor == value; }
  bool operator==(const Extent&) const = default;
};

/// Errors: Error for factors beyond most_bytes.
Extent operator*(const Extent& a, const Extent& b);
Extent extent_of(const Dim& dim);
/// Number of elements.
Extent extent_of(const Shape& shape);
/// Elements between neighbours along each dimension of a row-major array.
std::vector<Extent> strides_of(const Shape& shape);
/// Errors: Error for a symbol without size, and beyond most_bytes.
int64_t value_of(const Extent& extent, const Sizes& sizes);
/// "10*batch", "784".
std::string to_string(const Extent& extent);

}  // namespace crease
