#include "jit/extent.h"

#include <algorithm>

#include "graph/error.h"

namespace crease {
namespace {

/// Sizes multiply here in elements and in bytes: what wraps around would be taken for little memory.
int64_t checked_product(int64_t a, int64_t b) {
  int64_t product = 0;
  expect(!__builtin_mul_overflow(a, b, &product) && product < most_bytes,
         "[bind] {} x {} elements or bytes are more than 2^62: want smaller dimensions", a, b);
  return product;
}

}  // namespace

Extent operator*(const Extent& a, const Extent& b) {
  Extent product{checked_product(a.factor, b.factor), a.symbols};
  if (product.factor == 0) return {0, {}};
  product.symbols.insert(product.symbols.end(), b.symbols.begin(), b.symbols.end());
  std::ranges::sort(product.symbols);
  return product;
}

Extent extent_of(const Dim& dim) {
  if (dim.is_symbol()) return {1, {dim.symbol()}};
  return {dim.size(), {}};
}

Extent extent_of(const Shape& shape) {
  Extent product;
  for (const Dim& dim : shape) product = product * extent_of(dim);
  return product;
}

std::vector<Extent> strides_of(const Shape& shape) {
  std::vector<Extent> strides(shape.size());
  Extent stride;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = stride;
    stride = stride * extent_of(shape[i]);
  }
  return strides;
}

int64_t value_of(const Extent& extent, const Sizes& sizes) {
  int64_t value = extent.factor;
  for (const std::string& symbol : extent.symbols) {
    const auto found = sizes.find(symbol);
    expect(found != sizes.end(), "[bind] named dimension has no size: got none for '{}'", symbol);
    value = checked_product(value, found->second);
  }
  return value;
}

std::string to_string(const Extent& extent) {
  std::string text;
  if (extent.factor != 1 || extent.symbols.empty()) text = std::to_string(extent.factor);
  for (const std::string& symbol : extent.symbols) text += (text.empty() ? "" : "*") + symbol;
  return text;
}

}  // namespace crease
