#include "graph/ops/leaf.h"

#include "graph/ops/axes.h"

namespace crease {

Value iota(Graph& graph, const Shape& shape, int axis, Type type, std::source_location where) {
  const int along = checked_axis("iota", axis, shape, where);
  Resolved resolved{.shape = shape};
  for (int d = 0; d < static_cast<int>(shape.size()); ++d) {
    resolved.loops.labels.push_back({"d" + std::to_string(d), shape[static_cast<size_t>(d)]});
    resolved.loops.write.push_back({.terms = {{d, 1}}});
  }
  auto op = std::make_shared<Op>(
      Op{.name = "iota", .doc = "Position along an axis.", .body = Body(0, Scalar::index(along))});
  return graph.apply_resolved(op, std::move(resolved), {}, type, where);
}

}  // namespace crease
