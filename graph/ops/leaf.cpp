#include "graph/ops/leaf.h"

#include "graph/ops/axes.h"

namespace crease {

namespace {

Value fill_positions(Graph& graph, const char* name, const char* doc, const Shape& shape, const Scalar& body,
                     Type type, const std::source_location& where) {
  Resolved resolved{.shape = shape};
  for (int d = 0; d < static_cast<int>(shape.size()); ++d) {
    resolved.loops.labels.push_back({"d" + std::to_string(d), shape[static_cast<size_t>(d)]});
    resolved.loops.write.push_back({.terms = {{d, 1}}});
  }
  auto op = std::make_shared<Op>(Op{.name = name, .doc = doc, .body = Body(0, body)});
  return graph.apply_resolved(op, std::move(resolved), {}, type, where);
}

}  // namespace

Value iota(Graph& graph, const Shape& shape, int axis, Type type, std::source_location where) {
  const int along = checked_axis("iota", axis, shape, where);
  return fill_positions(graph, "iota", "Position along an axis.", shape, Scalar::index(along), type, where);
}

Value zeros_like(const Value& value, std::source_location where) {
  Graph graph = value.graph();
  return fill_positions(graph, "zeros", "0 everywhere.", value.shape(), 0, value.type(), where);
}

}  // namespace crease
