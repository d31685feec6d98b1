#include "graph/stored.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "graph/scalar/forms.h"
#include "graph/scalar/tape.h"

namespace crease {

bool stores_exactly(const Graph& graph, const Node& node) {
  const Op& op = *node.op;
  if (op.combine == Combine::ArgMax || op.combine == Combine::ArgMin) return true;
  const std::vector<Type> operands = operand_types(graph, node);
  const Type result = node.type;
  const Scalar& body = op.body.expression;
  if (result == Type::boolean && (op.combine == Combine::Sum || op.combine == Combine::Product)) return false;
  const auto is_truth = [&](const Scalar& e) {
    if (e.kind() == ScalarKind::Argument) return operands[static_cast<size_t>(e.position())] == Type::boolean;
    if (e.kind() == ScalarKind::Constant) return e.is_constant(0) || e.is_constant(1);
    return e.kind() == ScalarKind::Less || e.kind() == ScalarKind::LessEqual ||
           e.kind() == ScalarKind::Equal || e.kind() == ScalarKind::And || e.kind() == ScalarKind::Or ||
           e.kind() == ScalarKind::Not;
  };
  if (is_floating(compute_type(operands, result))) return is_floating(result) || is_truth(body);
  const auto is_integer = [](const Scalar& e) { return keeps_integers(e) || e.kind() == ScalarKind::Floor; };
  return std::ranges::all_of(topological(body), is_integer) && (result != Type::boolean || is_truth(body));
}

bool is_number_of(Type type, const Rational& number) {
  const double nearest = type == Type::f64 ? number.to_double() : number.to_float();
  return std::isfinite(nearest) && Rational::of(nearest) == number;
}

}  // namespace crease
