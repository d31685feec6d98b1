// Leaves that are computed: positions along an axis.
#pragma once

#include "graph/graph.h"

namespace crease {

/// 0, 1, ..., size - 1 along `axis` of `shape`.
Value iota(Graph& graph, const Shape& shape, int axis, Type type = Type::f32,
           std::source_location where = std::source_location::current());

/// Zeros with the shape and type of a value.
Value zeros_like(const Value& value, std::source_location where = std::source_location::current());

}  // namespace crease
