#include "autodiff/second_order.h"

#include <functional>

#include "autodiff/directional.h"
#include "autodiff/lock.h"
#include "graph/error.h"
#include "graph/ops/movement.h"

namespace crease {
namespace {

/// One row for each element of the variable: the product with its unit vector.
Value rows(const char* call, const Value& wrt, const std::function<Value(const Value&)>& product,
           const std::source_location& where) {
  expect(!has_symbol(wrt.shape()), "[{}] wants a variable of known size, got {} (node {}, at {})", call,
         to_string(wrt.shape()), describe(wrt.graph(), wrt.id()), to_string(where));
  Graph graph = wrt.graph().handle();
  const Tensor zero(wrt.type(), sizes_of(wrt.shape()));
  const int64_t count = zero.count();
  expect(count > 0, "[{}] the variable has no elements (node {}, at {})", call,
         describe(wrt.graph(), wrt.id()), to_string(where));
  std::vector<Value> list;
  for (int64_t i = 0; i < count; ++i) {
    Tensor unit(wrt.type(), sizes_of(wrt.shape()));
    unit.set(i, 1);
    list.push_back(reshape({product(graph.constant(unit, where)), where}, {1, count}));
  }
  return list.size() == 1 ? list[0] : concat(list, 0, where);
}

}  // namespace

Value hessian(const Value& loss, const Value& wrt, const GradOptions& options, std::source_location where) {
  GradOptions one_sided = options;
  one_sided.one_sided = true;
  const Value gradient = grad(loss, wrt, one_sided, where);
  return rows(
      "hessian", wrt,
      [&](const Value& unit) {
        return linear_jvp({&gradient, 1}, {&wrt, 1}, {&unit, 1}, one_sided, where)[0];
      },
      where);
}

std::vector<Value> locked_hvp(const Value& loss, std::span<const Value> wrt,
                              const std::vector<std::vector<Value>>& directions,
                              std::span<const Value> tangents, std::source_location where) {
  const LockedGradient locked = locked_grad(loss, wrt, directions, where);
  std::vector<std::vector<Value>> all = directions;
  all.emplace_back(tangents.begin(), tangents.end());
  return locked_jvp(locked.gradient, wrt, all, where);
}

Value locked_hessian(const Value& loss, const Value& wrt, const std::vector<Value>& directions,
                     std::source_location where) {
  std::vector<std::vector<Value>> basis;
  for (const Value& direction : directions) basis.push_back({direction});
  const LockedGradient locked = locked_grad(loss, {&wrt, 1}, basis, where);
  return rows(
      "locked_hessian", wrt,
      [&](const Value& unit) {
        std::vector<std::vector<Value>> all = basis;
        all.push_back({unit});
        return locked_jvp(locked.gradient, {&wrt, 1}, all, where)[0];
      },
      where);
}

}  // namespace crease
