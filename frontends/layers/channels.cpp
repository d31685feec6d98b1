#include "frontends/layers/channels.h"

#include "graph/ops/movement.h"

namespace crease {

Value along_axis(const Value& vector, size_t axis, size_t rank, std::source_location where) {
  Shape shape(rank - axis, 1);
  shape.front() = vector.shape().front();
  return shape.size() == 1 ? vector : reshape({vector, where}, shape);
}

}  // namespace crease
