#include "graph/op.h"

#include <algorithm>
#include <array>

#include "graph/error.h"
#include "graph/graph.h"
#include "graph/precision.h"
#include "graph/scalar/forms.h"

namespace crease {
namespace {

constexpr std::array<std::string_view, 7> combine_names{"assign", "sum",    "product", "max",
                                                        "min",    "argmax", "argmin"};

/// A product of at least two different arguments, each a plain factor.
bool is_product(const Scalar& body) {
  return body.kind() == ScalarKind::Multiply && !any_step(body, [](const Scalar& e) {
           return e.kind() != ScalarKind::Multiply && e.kind() != ScalarKind::Argument;
         });
}

bool has_lookup(const Access& access) {
  return std::any_of(access.begin(), access.end(), [](const AffineIndex& i) { return i.lookup >= 0; });
}

Value apply_record(const Op& op, std::initializer_list<Value> operands, const std::source_location& where) {
  const Value& first = *operands.begin();
  expect(static_cast<bool>(first), "[{}] operand belongs to no graph ({})", op.name, to_string(where));
  return first.graph().apply(std::make_shared<const Op>(op), operands, where);
}

}  // namespace

std::string_view to_string(Combine combine) { return combine_names[static_cast<size_t>(combine)]; }

Combine parse_combine(std::string_view name) {
  const auto it = std::find(combine_names.begin(), combine_names.end(), name);
  expect(it != combine_names.end(),
         "unknown combine '{}': want assign, sum, product, max, min, argmax or argmin", name);
  return static_cast<Combine>(it - combine_names.begin());
}

Value Op::operator()(const Value& x, std::source_location where) const {
  return apply_record(*this, {x}, where);
}
Value Op::operator()(const Value& x, const Value& y, std::source_location where) const {
  return apply_record(*this, {x, y}, where);
}
Value Op::operator()(const Value& x, const Value& y, const Value& z, std::source_location where) const {
  return apply_record(*this, {x, y, z}, where);
}

Attributes conventions(const Op& op) {
  Attributes found;
  for (const auto& attribute : op.attributes)
    if (attribute.first == "order" || attribute.first == "slope_at_0" || attribute.first == "decided" ||
        tells_precision(attribute))
      found.push_back(attribute);
  return found;
}

Type compute_type(std::span<const Type> operands, Type result) {
  const auto any = [&](Type type) {
    return std::find(operands.begin(), operands.end(), type) != operands.end();
  };
  if (any(Type::f64) || result == Type::f64) return Type::f64;
  if (any(Type::f32)) return Type::f32;
  return operands.empty() && is_floating(result) ? result : Type::i64;
}

Family family(const Op& op, const Loops& loops) {
  if (has_lookup(loops.write) || std::any_of(loops.reads.begin(), loops.reads.end(), has_lookup))
    return Family::Lookup;
  if (op.combine == Combine::Sum && is_product(op.body.expression) && !reduced_labels(loops).empty())
    return Family::Contraction;
  if (op.combine != Combine::Assign) return Family::Reduction;
  const bool moves = op.body.expression.kind() == ScalarKind::Argument && !is_elementwise(loops);
  return moves ? Family::Movement : Family::Map;
}

std::string_view to_string(Family family) {
  switch (family) {
    case Family::Map: return "map";
    case Family::Contraction: return "contraction";
    case Family::Reduction: return "reduction";
    case Family::Movement: return "movement";
    case Family::Lookup: return "lookup";
  }
  return "?";
}

}  // namespace crease
