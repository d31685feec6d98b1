#include "graph/stored.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "graph/integers.h"
#include "graph/scalar/forms.h"
#include "graph/scalar/tape.h"

namespace crease {

namespace {

/// Whether every number of one integer type is one of another.
bool holds_all(Type type, Type of) {
  const auto width = [](Type t) {
    return t == Type::boolean ? 0 : t == Type::u8 ? 1 : t == Type::i32 ? 2 : 3;
  };
  return width(of) <= width(type);
}

bool holds(Type type, double number) {
  const double most = type == Type::u8 ? 255 : type == Type::i32 ? 0x1p31 - 1 : 0x1p53;
  return number == std::floor(number) && number <= most && number >= (type == Type::u8 ? 0 : -most);
}

/// Whether a step of a body in integer arithmetic gives the real value, and one that the type holds: sums and
/// products can wrap around.
bool is_real_integer(const Scalar& e, std::span<const Type> operands, Type result) {
  switch (e.kind()) {
    case ScalarKind::Constant: return holds(result, e.constant());
    case ScalarKind::Argument: return holds_all(result, operands[static_cast<size_t>(e.position())]);
    case ScalarKind::Index:
    case ScalarKind::Size: return result == Type::i32 || result == Type::i64;
    case ScalarKind::Add:
    case ScalarKind::Subtract:
    case ScalarKind::Multiply:
    case ScalarKind::Negate: return false;
    default: return keeps_integers(e) || e.kind() == ScalarKind::Floor;
  }
}

}  // namespace

bool stores_exactly(const Graph& graph, const Node& node) {
  const Op& op = *node.op;
  if (gives_position(op.combine)) return true;
  const std::vector<Type> operands = operand_types(graph, node);
  const Type result = node.type;
  const Scalar& body = op.body.expression;
  if (result == Type::boolean && (op.combine == Combine::Sum || op.combine == Combine::Product)) return false;
  const auto is_truth = [&](const Scalar& e) {
    if (e.kind() == ScalarKind::Argument) return operands[static_cast<size_t>(e.position())] == Type::boolean;
    if (e.kind() == ScalarKind::Constant) return e.is_constant(0) || e.is_constant(1);
    return gives_truth(e.kind());
  };
  if (is_floating(compute_type(operands, result))) return is_floating(result) || is_truth(body);
  if (result == Type::boolean && !is_truth(body)) return false;
  if (op.combine == Combine::Sum || op.combine == Combine::Product) return false;
  // Truth values are compared in the widest type.
  const Type type = result == Type::boolean ? Type::i64 : result;
  return std::ranges::all_of(topological(body),
                             [&](const Scalar& e) { return is_real_integer(e, operands, type); });
}

bool is_number_of(Type type, const Rational& number) {
  if (!is_floating(type))
    return number.floor() == number && lowest_of(type) <= number && number <= highest_of(type);
  const double nearest = type == Type::f64 ? number.to_double() : number.to_float();
  return std::isfinite(nearest) && Rational::of(nearest) == number;
}

}  // namespace crease
