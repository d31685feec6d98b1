// Axis arguments and sizes along them, checked; sizes as terms of bodies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <source_location>
#include <vector>

#include "graph/scalar.h"
#include "graph/type.h"

namespace crease {

/// The axis counted from 0. Errors: Error naming `op` if it is outside [-rank, rank).
int checked_axis(const char* op, int axis, const Shape& shape, const std::source_location& where);
/// The same for several, in the given order. Errors: also if one is repeated.
std::vector<int> checked_axes(const char* op, const std::vector<int>& axes, const Shape& shape,
                              const std::source_location& where);
/// The size of a dimension, for an operation that cannot do without. Errors: Error naming `op` if the
/// dimension is a named one.
int64_t known_size(const char* op, const Shape& shape, size_t axis, const std::source_location& where);

/// Elements that no shape passes, so that no offset of one passes an int64_t.
constexpr int64_t most_elements = int64_t{1} << 62;

/// A dimension as a term of a body: its number, or the size of the named one when a program runs.
Scalar size_term(const Dim& dim);
/// The product of several; 1 if there is none.
Scalar size_term(const std::vector<Dim>& dims);

}  // namespace crease
