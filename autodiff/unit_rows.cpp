#include "autodiff/unit_rows.h"

#include "graph/error.h"
#include "graph/evaluate.h"
#include "graph/ops/movement.h"

namespace crease {

Value unit_rows(const char* call, const Value& of, const std::function<Value(const Value&)>& product,
                const std::source_location& where) {
  expect(!has_symbol(of.shape()), "[{}] wants values of known size, got {} (node {}, at {})", call,
         to_string(of.shape()), describe(of.graph(), of.id()), to_string(where));
  Graph graph = of.graph().handle();
  const int64_t count = element_count(sizes_of(of.shape()));
  expect(count > 0, "[{}] {} has no elements (at {})", call, describe(of.graph(), of.id()), to_string(where));
  std::vector<Value> list;
  for (int64_t i = 0; i < count; ++i) {
    Tensor unit(of.type(), sizes_of(of.shape()));
    unit.set(i, 1);
    const Value row = product(graph.constant(unit, where));
    list.push_back(reshape({row, where}, {1, element_count(sizes_of(row.shape()))}));
  }
  return list.size() == 1 ? list[0] : concat(list, 0, where);
}

}  // namespace crease
