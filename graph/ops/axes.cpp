#include "graph/ops/axes.h"

#include <algorithm>

#include "graph/error.h"

namespace crease {

int checked_axis(const char* op, int axis, const Shape& shape, const std::source_location& where) {
  const int rank = static_cast<int>(shape.size());
  expect(axis >= -rank && axis < rank, "[{}] axis {} of shape {}: want {} to {} (at {})", op, axis,
         to_string(shape), -rank, rank - 1, to_string(where));
  return axis < 0 ? axis + rank : axis;
}

std::vector<int> checked_axes(const char* op, const std::vector<int>& axes, const Shape& shape,
                              const std::source_location& where) {
  std::vector<int> checked;
  for (const int axis : axes) {
    const int found = checked_axis(op, axis, shape, where);
    expect(std::find(checked.begin(), checked.end(), found) == checked.end(),
           "[{}] axis {} of {} is given twice (at {})", op, axis, to_string(shape), to_string(where));
    checked.push_back(found);
  }
  return checked;
}

int64_t known_size(const char* op, const Shape& shape, size_t axis, const std::source_location& where) {
  expect(!shape[axis].is_symbol(),
         "[{}] dimension {} of {} has no size yet: want a number there, not a name (at {})", op, axis,
         to_string(shape), to_string(where));
  return shape[axis].size();
}

Scalar size_term(const Dim& dim) {
  return dim.is_symbol() ? Scalar::size(dim.symbol()) : Scalar(static_cast<double>(dim.size()));
}

Scalar size_term(const std::vector<Dim>& dims) {
  Scalar product = 1;
  for (const Dim& dim : dims) product = product * size_term(dim);
  return product;
}

}  // namespace crease
