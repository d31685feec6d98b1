// A vector along one axis of a tensor.
#pragma once

#include <source_location>

#include "graph/graph.h"

namespace crease {

/// The vector [c] as [c, 1, ..., 1], so that it repeats along all axes but `axis` of a tensor of that rank.
Value along_axis(const Value& vector, size_t axis, size_t rank, std::source_location where);

}  // namespace crease
