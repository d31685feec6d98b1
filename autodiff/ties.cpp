#include "autodiff/ties.h"

#include <array>
#include <utility>

namespace crease {

KinkRule KinkRule::steepest() {
  KinkRule rule(Tie::right);
  rule.kind = Kind::Steepest;
  return rule;
}

KinkRule KinkRule::sorted() {
  KinkRule rule(Tie::right);
  rule.kind = Kind::Sorted;
  return rule;
}

const KinkRule& TieTable::of(std::string_view operation) const {
  const auto it = by_operation.find(operation);
  return it != by_operation.end() ? it->second : otherwise;
}

Scalar slope(const Scalar& expression, int position, const KinkRule& rule, uint64_t constants, AtNan at_nan) {
  if (rule.kind != KinkRule::Kind::Steepest) return slope(expression, position, rule.tie, constants, at_nan);
  const Scalar left = slope(expression, position, Side::Left, constants, at_nan);
  const Scalar right = slope(expression, position, Side::Right, constants, at_nan);
  return left.same(right) ? left : select(abs(left) > abs(right), left, right);
}

namespace ties {
namespace {

const KinkRule left = Tie::left, right = Tie::right, mid = Tie::mid, flattest = Tie::min_norm,
               steepest = KinkRule::steepest(), sorted = KinkRule::sorted();

}  // namespace

TieTable pytorch() {
  return {{{"abs", mid},
           {"maximum", mid},
           {"minimum", mid},
           {"reduce_max", mid},
           {"reduce_min", mid},
           {"kth_smallest", sorted},
           {"max_pool1d", right},
           {"max_pool2d", right},
           {"clip", steepest},
           {"relu6", flattest},
           {"hard_tanh", flattest},
           {"hard_sigmoid", flattest},
           {"hard_swish", right}}};
}

TieTable jax() {
  return {{{"abs", right},
           {"leaky_relu", right},
           {"maximum", mid},
           {"minimum", mid},
           {"reduce_max", mid},
           {"reduce_min", mid},
           {"kth_smallest", sorted},
           {"max_pool1d", right},
           {"max_pool2d", right},
           {"clip", mid},
           {"relu6", flattest},
           {"hard_tanh", steepest},
           {"hard_sigmoid", flattest},
           {"hard_swish", flattest}}};
}

TieTable tensorflow() {
  return {{{"abs", mid},
           {"maximum", right},
           {"minimum", left},
           {"reduce_max", mid},
           {"reduce_min", mid},
           {"kth_smallest", sorted},
           {"max_pool1d", right},
           {"max_pool2d", right},
           {"clip", steepest},
           {"relu6", flattest},
           {"hard_tanh", steepest},
           {"hard_sigmoid", flattest}}};
}

TieTable tinygrad() {
  return {{{"abs", mid},
           {"leaky_relu", right},
           {"maximum", mid},
           {"minimum", mid},
           {"reduce_max", mid},
           {"reduce_min", mid},
           {"kth_smallest", sorted},
           {"max_pool1d", mid},
           {"max_pool2d", mid},
           {"clip", steepest},
           {"relu6", left},
           {"hard_sigmoid", left},
           {"hard_tanh", steepest}}};
}

TieTable mlx() {
  return {{{"abs", mid},
           {"leaky_relu", right},
           {"maximum", left},
           {"minimum", right},
           {"reduce_max", mid},
           {"reduce_min", mid},
           {"kth_smallest", sorted},
           {"clip", flattest},
           {"relu6", flattest},
           {"hard_tanh", flattest},
           {"hard_sigmoid", flattest}}};
}

std::optional<TieTable> named(std::string_view system) {
  constexpr std::array<std::pair<std::string_view, TieTable (*)()>, 5> tables{
      {{"pytorch", pytorch}, {"jax", jax}, {"tensorflow", tensorflow}, {"tinygrad", tinygrad}, {"mlx", mlx}}};
  for (const auto& [name, table] : tables)
    if (name == system) return table();
  return {};
}

}  // namespace ties
}  // namespace crease
