#include "graph/ops/cast.h"

#include "graph/graph.h"

namespace crease {

Value cast(const Operand& x, Type type) {
  if (x.value.type() == type) return x.value;
  static const Op truth{.name = "cast",
                        .doc = "Whether it is not 0.",
                        .body = [](Scalar a) { return !equal(a, 0); },
                        .type = ResultType::Boolean};
  if (type == Type::boolean) return truth(x.value, x.where);
  static const auto number = std::make_shared<const Op>(
      Op{.name = "cast", .doc = "x in another type.", .body = [](Scalar a) { return a; }});
  return x.value.graph().apply_resolved(number, broadcast({&x.value.shape(), 1}), {x.value}, type, x.where);
}

}  // namespace crease
