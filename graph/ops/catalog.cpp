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
Op make_exponential(const Attributes& a) {
  return exponential_linear(attribute(a, "alpha"), attribute(a, "scale"), attribute(a, "width"));
}
Op make_clip(const Attributes& a) { return clip(attribute(a, "low"), attribute(a, "high")); }
Op make_affine(const Attributes& a) { return affine(attribute(a, "factor"), attribute(a, "offset")); }
Op make_divide_by(const Attributes& a) { return divide_by(attribute(a, "divisor")); }
Op make_ratio(const Attributes& a) { return ratio(attribute(a, "dividend")); }

Op make_power(const Attributes& a) { return power(static_cast<int>(attribute(a, "exponent"))); }

CatalogRow row(const Op& op, Op (*make)(const Attributes&) = nullptr) { return {op.name, op, make}; }

}  // namespace

std::span<const CatalogRow> catalog() {
  static const std::vector<CatalogRow> rows = [] {
    std::vector<CatalogRow> list;
    for (const Op* op : activations()) list.push_back(row(*op));
    for (const Op* op : {&prelu,          &add,
                         &subtract,       &multiply,
                         &divide,         &negate,
                         &maximum,        &minimum,
                         &less,           &less_equal,
                         &equal_to,       &logical_not,
                         &logical_and,    &logical_or,
                         &where_op,       &exp_op,
                         &expm1_op,       &log_op,
                         &log1p_op,       &sqrt_op,
                         &erf_op,         &cos_op,
                         &floor_op,       &square,
                         &matmul,         &matmul_transposed,
                         &batched_matmul, &outer})
      list.push_back(row(*op));
    list.push_back(row(leaky_relu(), make_leaky));
    list.push_back(row(exponential_linear(0.75, 1.25, 3), make_exponential));
    list.push_back(row(clip(-1, 1), make_clip));
    list.push_back(row(affine(2, 1), make_affine));
    list.push_back(row(divide_by(3), make_divide_by));
    list.push_back(row(ratio(1), make_ratio));
    list.push_back(row(power(3), make_power));
    return list;
  }();
  return rows;
}

const CatalogRow* find_op(std::string_view name) {
  const auto rows = catalog();
  const auto it = std::find_if(rows.begin(), rows.end(), [&](const CatalogRow& r) { return r.name == name; });
  return it == rows.end() ? nullptr : &*it;
}

}  // namespace crease
