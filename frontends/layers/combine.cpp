#include "frontends/layers/combine.h"

#include "graph/error.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/lookup.h"
#include "graph/ops/movement.h"

namespace crease {
namespace {

Value summed(const Value& shortcut, const Value& inner, const LayerScope& scope, std::source_location where) {
  expect(shortcut.shape() == inner.shape(),
         "[residual] the two paths differ: got {} and {}; give a shortcut that changes the shape (layer "
         "'{}', {})",
         to_string(shortcut.shape()), to_string(inner.shape()), scope.path(), to_string(where));
  return add(shortcut, inner, where);
}

}  // namespace

Layer residual(const Layer& inner, std::source_location where) {
  const auto build = [=](const Value& x, LayerScope& scope) {
    return summed(x, scope.apply(0, x), scope, where);
  };
  return Layer("residual", build, {inner});
}

Layer residual(const Layer& inner, const Layer& shortcut, std::source_location where) {
  const auto build = [=](const Value& x, LayerScope& scope) {
    const Value direct = scope.apply(1, x);
    return summed(direct, scope.apply(0, x), scope, where);
  };
  return Layer("residual", build, {inner, shortcut});
}

Layer concat(const std::vector<Layer>& layers, int axis, std::source_location where) {
  const auto build = [=](const Value& x, LayerScope& scope) {
    std::vector<Value> parts;
    for (int position = 0; position < scope.part_count(); ++position)
      parts.push_back(scope.apply(position, x));
    return concat(parts, axis, where);
  };
  return Layer("concat", build, layers);
}

Layer embedding(int64_t count, int64_t features, const EmbeddingOptions& options,
                std::source_location where) {
  expect(count > 0 && features > 0, "[embedding] sizes must be positive: got {} rows of {} ({})", count,
         features, to_string(where));
  return Layer("embedding", [=](const Value& x, LayerScope& scope) {
    const Fans fans{.in = count, .out = features};
    const Value table = scope.parameter("weight", {count, features}, options.type, options.init, fans, where);
    return gather({table, where}, {x, where});
  });
}

}  // namespace crease
