#include "graph/ops/order.h"

#include <limits>

#include "graph/error.h"
#include "graph/graph.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/axes.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"

namespace crease {
namespace {

/// True on the diagonal of a square that `after` further axes follow.
Tensor diagonal(int64_t size, int after) {
  std::vector<int64_t> sizes(static_cast<size_t>(2 + after), 1);
  sizes[0] = sizes[1] = size;
  Tensor mask(Type::boolean, std::move(sizes));
  for (int64_t i = 0; i < size; ++i) mask.set(i * size + i, 1);
  return mask;
}

}  // namespace

Value kth_smallest(const Operand& x, int64_t k, int axis) {
  Shape shape = x.value.shape();
  axis = checked_axis("kth_smallest", axis, shape, x.where);
  const int after = static_cast<int>(shape.size()) - axis - 1;
  const Dim size = shape[static_cast<size_t>(axis)];
  expect(!size.is_symbol() && k >= 0 && k < size.size(),
         "[kth_smallest] no element number {} along axis {} of {} (at {})", k, axis, to_string(shape),
         to_string(x.where));
  expect(is_floating(x.value.type()), "[kth_smallest] wants floating point, got {} (at {})",
         to_string(x.value.type()), to_string(x.where));
  Graph graph = x.value.graph().handle();
  const auto number = [&](double v) { return graph.constant(v, x.value.type(), x.where); };
  Shape column = shape, row = shape;
  column.insert(column.begin() + axis + 1, 1);
  row.insert(row.begin() + axis, 1);
  const double infinity = std::numeric_limits<double>::infinity();
  const Value own = reshape({x.value, x.where}, column);
  // An element is no tie with itself: it reads as -infinity there.
  const Value other = where(graph.constant(diagonal(size.size(), after), x.where), number(-infinity),
                            reshape({x.value, x.where}, row));
  const Value below = where(other <= own, number(1), number(0));
  const Value rank = sum(below, {axis + 1});
  const Value candidates = where(rank > number(static_cast<double>(k) + 0.5), x, number(infinity));
  return reduce_min({candidates, x.where}, {axis});
}

}  // namespace crease
