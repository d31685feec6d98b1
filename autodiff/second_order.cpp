#include "autodiff/second_order.h"

#include "autodiff/directional.h"
#include "autodiff/lock.h"
#include "autodiff/reach.h"
#include "autodiff/unit_rows.h"

namespace crease {

Value hessian(const Value& loss, const Value& wrt, const GradOptions& options, std::source_location where) {
  GradOptions one_sided = options;
  one_sided.one_sided = true;
  const Value gradient = grad(loss, wrt, one_sided, where);
  return unit_rows(
      "hessian", wrt,
      [&](const Value& unit) {
        return linear_jvp({&gradient, 1}, {&wrt, 1}, {&unit, 1}, one_sided, where)[0];
      },
      where);
}

LockedSecond locked_hvp(const Value& loss, ValueSpan wrt, const std::vector<std::vector<Value>>& directions,
                        ValueSpan tangents, std::source_location where) {
  check_lockable("locked_hvp", loss.graph(), reached(loss.graph(), {&loss, 1}, wrt), where);
  const LockedGradient locked = locked_grad(loss, wrt, directions, where);
  std::vector<std::vector<Value>> all = directions;
  all.emplace_back(tangents.begin(), tangents.end());
  return {locked_jvp(locked.gradient, wrt, all, where), locked.hits, locked.unresolved};
}

LockedSecond locked_hessian(const Value& loss, const Value& wrt, const std::vector<Value>& directions,
                            std::source_location where) {
  std::vector<std::vector<Value>> basis;
  for (const Value& direction : directions) basis.push_back({direction});
  check_lockable("locked_hessian", loss.graph(), reached(loss.graph(), {&loss, 1}, {&wrt, 1}), where);
  const LockedGradient locked = locked_grad(loss, {&wrt, 1}, basis, where);
  const auto product = [&](const Value& unit) {
    std::vector<std::vector<Value>> all = basis;
    all.push_back({unit});
    return locked_jvp(locked.gradient, {&wrt, 1}, all, where)[0];
  };
  return {{unit_rows("locked_hessian", wrt, product, where)}, locked.hits, locked.unresolved};
}

}  // namespace crease
