#include "graph/scalar/forms.h"

#include <algorithm>
#include <cmath>

#include "graph/scalar/node.h"

namespace crease {

bool any_step(const Scalar& body, const std::function<bool(const Scalar&)>& test) {
  return std::ranges::any_of(topological(body), test);
}

std::vector<BodyStep> steps_of(const Scalar& body) {
  std::vector<BodyStep> steps;
  std::unordered_map<const ScalarNode*, size_t> place;
  for (const Scalar& node : topological(body)) {
    BodyStep step{node, {}};
    for (const Scalar& term : node.terms()) step.terms.push_back(place.at(term.id()));
    place.emplace(node.id(), steps.size());
    steps.push_back(std::move(step));
  }
  return steps;
}

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

int label_count(const Scalar& body) { return body.id()->labels; }
bool mentions_labels(const Scalar& body) { return label_count(body) > 0; }

Dependence dependence(const Scalar& body, const std::vector<bool>& of) {
  return fold_steps<Dependence>(body, [&](const Scalar& e, std::span<const Dependence> terms) {
    if (e.kind() == ScalarKind::Argument) {
      const auto k = static_cast<size_t>(e.position());
      return k < of.size() && of[k] ? Dependence::Affine : Dependence::None;
    }
    const auto varies = [&](size_t term) { return terms[term] != Dependence::None; };
    const Dependence most = terms.empty() ? Dependence::None : std::ranges::max(terms);
    if (most == Dependence::None) return most;
    switch (e.kind()) {
      case ScalarKind::Negate:
      case ScalarKind::Add:
      case ScalarKind::Subtract: return most;
      case ScalarKind::Multiply: return varies(0) && varies(1) ? Dependence::Other : most;
      case ScalarKind::Divide: return varies(1) ? Dependence::Other : most;
      case ScalarKind::Max:
      case ScalarKind::Min: return std::max(most, Dependence::Piecewise);
      case ScalarKind::Select: return varies(0) ? Dependence::Other : std::max(most, Dependence::Piecewise);
      default: return Dependence::Other;
    }
  });
}

bool gives_truth(ScalarKind kind) {
  switch (kind) {
    case ScalarKind::Less:
    case ScalarKind::LessEqual:
    case ScalarKind::Equal:
    case ScalarKind::And:
    case ScalarKind::Or:
    case ScalarKind::Not: return true;
    default: return false;
  }
}

bool may_jump(const Scalar& body) {
  return any_step(body, [](const Scalar& e) {
    return gives_truth(e.kind()) || e.kind() == ScalarKind::Select || e.kind() == ScalarKind::Floor;
  });
}

bool adds_operands(const Scalar& body) {
  return body.kind() == ScalarKind::Add && body.terms()[0].kind() == ScalarKind::Argument &&
         body.terms()[1].kind() == ScalarKind::Argument;
}

std::optional<std::pair<size_t, size_t>> multiplied_operands(const Scalar& body) {
  if (body.kind() != ScalarKind::Multiply) return {};
  const Scalar &a = body.terms()[0], &b = body.terms()[1];
  if (a.kind() != ScalarKind::Argument || b.kind() != ScalarKind::Argument || a.same(b)) return {};
  return std::pair{static_cast<size_t>(a.position()), static_cast<size_t>(b.position())};
}

}  // namespace crease
