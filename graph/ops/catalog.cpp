#include "graph/ops/catalog.h"

#include <algorithm>
#include <array>

#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"

namespace crease {
namespace {

double attribute(const Attributes& attributes, std::string_view name) {
  for (const auto& [key, value] : attributes)
    if (key == name) return value;
  fail("attribute '{}' is missing", name);
}

Op make_leaky(const Attributes& a) { return leaky_relu(attribute(a, "slope")); }
Op make_clip(const Attributes& a) { return clip(attribute(a, "low"), attribute(a, "high")); }
Op make_affine(const Attributes& a) { return affine(attribute(a, "factor"), attribute(a, "offset")); }
Op make_divide_by(const Attributes& a) { return divide_by(attribute(a, "divisor")); }
Op make_ratio(const Attributes& a) { return ratio(attribute(a, "dividend")); }

CatalogRow row(const Op& op, Op (*make)(const Attributes&) = nullptr) { return {op.name, op, make}; }

}  // namespace

std::span<const CatalogRow> catalog() {
  static const std::vector<CatalogRow> rows{row(identity),
                                            row(step),
                                            row(sign),
                                            row(relu),
                                            row(relu6),
                                            row(leaky_relu(), make_leaky),
                                            row(clip(-1, 1), make_clip),
                                            row(abs_op),
                                            row(squared_relu),
                                            row(elu),
                                            row(selu),
                                            row(celu),
                                            row(gelu),
                                            row(silu),
                                            row(mish),
                                            row(hard_swish),
                                            row(hard_sigmoid),
                                            row(hard_tanh),
                                            row(soft_sign),
                                            row(softplus_op),
                                            row(sigmoid_op),
                                            row(tanh_op),
                                            row(sin_op),
                                            row(prelu),
                                            row(add),
                                            row(subtract),
                                            row(multiply),
                                            row(divide),
                                            row(negate),
                                            row(maximum),
                                            row(minimum),
                                            row(less),
                                            row(less_equal),
                                            row(equal_to),
                                            row(logical_not),
                                            row(logical_and),
                                            row(logical_or),
                                            row(where_op),
                                            row(exp_op),
                                            row(expm1_op),
                                            row(log_op),
                                            row(log1p_op),
                                            row(sqrt_op),
                                            row(erf_op),
                                            row(cos_op),
                                            row(floor_op),
                                            row(square),
                                            row(affine(2, 1), make_affine),
                                            row(divide_by(3), make_divide_by),
                                            row(ratio(1), make_ratio),
                                            row(matmul),
                                            row(matmul_transposed),
                                            row(batched_matmul),
                                            row(outer)};
  return rows;
}

const CatalogRow* find_op(std::string_view name) {
  const auto rows = catalog();
  const auto it = std::find_if(rows.begin(), rows.end(), [&](const CatalogRow& r) { return r.name == name; });
  return it == rows.end() ? nullptr : &*it;
}

}  // namespace crease
