#include "autodiff/jacobian.h"

#include "autodiff/unit_rows.h"
#include "graph/error.h"

namespace crease {

Value jacobian(const Value& output, const Value& wrt, const GradOptions& options,
               std::source_location where) {
  expect(!has_symbol(wrt.shape()), "[jacobian] wants values of known size, got {} (node {}, at {})",
         to_string(wrt.shape()), describe(wrt.graph(), wrt.id()), to_string(where));
  return unit_rows(
      "jacobian", output, [&](const Value& unit) { return vjp({output}, {wrt}, {unit}, options, where)[0]; },
      where);
}

}  // namespace crease
