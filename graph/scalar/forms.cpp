#include "graph/scalar/forms.h"

#include <cmath>

namespace crease {

bool keeps_integers(const Scalar& step) {
  switch (step.kind()) {
    case ScalarKind::Constant: return step.constant() == std::floor(step.constant());
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
    case ScalarKind::Select: return true;
    case ScalarKind::Divide:
    case ScalarKind::Exp:
    case ScalarKind::Expm1:
    case ScalarKind::Log:
    case ScalarKind::Log1p:
    case ScalarKind::Sqrt:
    case ScalarKind::Sin:
    case ScalarKind::Cos:
    case ScalarKind::Tanh:
    case ScalarKind::Sigmoid:
    case ScalarKind::Softplus:
    case ScalarKind::Erf:
    case ScalarKind::Floor: return false;
  }
  return false;
}

std::optional<std::pair<size_t, size_t>> multiplied_operands(const Scalar& body) {
  if (body.kind() != ScalarKind::Multiply) return {};
  const Scalar &a = body.terms()[0], &b = body.terms()[1];
  if (a.kind() != ScalarKind::Argument || b.kind() != ScalarKind::Argument || a.same(b)) return {};
  return std::pair{static_cast<size_t>(a.position()), static_cast<size_t>(b.position())};
}

}  // namespace crease
