// Matrices of derivatives, row by row.
#pragma once

#include <functional>
#include <source_location>

#include "graph/graph.h"

namespace crease {

/// One row for each element of `of`: product(the unit vector of that element), made flat. Errors: Error
/// naming `call` if `of` has a named dimension or no elements.
Value unit_rows(const char* call, const Value& of, const std::function<Value(const Value&)>& product,
                const std::source_location& where);

}  // namespace crease
