#include "graph/stored.h"

#include <algorithm>
#include <cmath>
#include <vector>

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
  const auto is_integer = [](const Scalar& e) {
    switch (e.kind()) {
      case ScalarKind::Constant: return std::trunc(e.constant()) == e.constant();
      case ScalarKind::Argument:
      case ScalarKind::Index:
      case ScalarKind::Size:
      case ScalarKind::Add:
      case ScalarKind::Subtract:
      case ScalarKind::Multiply:
      case ScalarKind::Negate:
      case ScalarKind::Max:
      case ScalarKind::Min:
      case ScalarKind::Less:
      case ScalarKind::LessEqual:
      case ScalarKind::Equal:
      case ScalarKind::And:
      case ScalarKind::Or:
      case ScalarKind::Not:
      case ScalarKind::Select:
      case ScalarKind::Floor: return true;
      default: return false;
    }
  };
  if (is_floating(compute_type(operands, result))) return is_floating(result) || is_truth(body);
  const std::vector<Scalar> parts = topological(body);
  return std::all_of(parts.begin(), parts.end(), is_integer) && (result != Type::boolean || is_truth(body));
}

}  // namespace crease
