#include "graph/analysis/degree.h"

#include <algorithm>
#include <map>
#include <vector>

#include "graph/analysis/points.h"
#include "graph/piecewise.h"
#include "graph/scalar/tape.h"

namespace crease {

namespace {

Degree sum_of(Degree a, Degree b) {
  const int total = a + b;
  return a == kNotPolynomial || b == kNotPolynomial || total >= kNotPolynomial ? kNotPolynomial
                                                                               : static_cast<Degree>(total);
}

/// Degree of a function that is no polynomial in its terms.
Degree opaque(std::span<const Degree> t) {
  return std::all_of(t.begin(), t.end(), [](Degree d) { return d == 0; }) ? 0 : kNotPolynomial;
}

Degree degree_step(ScalarKind kind, std::span<const Degree> t) {
  switch (kind) {
    case ScalarKind::Constant:
    case ScalarKind::Index:
    case ScalarKind::Size: return 0;
    case ScalarKind::Add:
    case ScalarKind::Subtract: return std::max(t[0], t[1]);
    case ScalarKind::Negate: return t[0];
    case ScalarKind::Multiply: return sum_of(t[0], t[1]);
    case ScalarKind::Divide: return t[1] == 0 ? t[0] : kNotPolynomial;
    case ScalarKind::Select: return t[0] == 0 ? std::max(t[1], t[2]) : kNotPolynomial;
    case ScalarKind::Argument:
    case ScalarKind::Max:
    case ScalarKind::Min:
    case ScalarKind::Less:
    case ScalarKind::LessEqual:
    case ScalarKind::Equal:
    case ScalarKind::And:
    case ScalarKind::Or:
    case ScalarKind::Not:
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
    case ScalarKind::Floor: return opaque(t);
  }
  return kNotPolynomial;
}

using enum Piecewise;

Piecewise greatest(std::span<const Piecewise> t) { return *std::max_element(t.begin(), t.end()); }

/// A function with kinks of what varies.
Piecewise kinked(std::span<const Piecewise> t) {
  const Piecewise most = greatest(t);
  return most == Affine ? Continuous : most;
}

/// A function with jumps of what varies.
Piecewise jumping(std::span<const Piecewise> t) {
  const Piecewise most = greatest(t);
  return most == Affine || most == Continuous ? Jumps : most;
}

Piecewise piecewise_step(ScalarKind kind, std::span<const Piecewise> t) {
  switch (kind) {
    case ScalarKind::Constant:
    case ScalarKind::Index:
    case ScalarKind::Size: return Constant;
    case ScalarKind::Add:
    case ScalarKind::Subtract:
    case ScalarKind::Negate: return greatest(t);
    case ScalarKind::Multiply: return std::min(t[0], t[1]) == Constant ? greatest(t) : Other;
    case ScalarKind::Divide: return t[1] == Constant ? t[0] : Other;
    case ScalarKind::Max:
    case ScalarKind::Min: return kinked(t);
    case ScalarKind::Select: return t[0] == Constant ? std::max(t[1], t[2]) : jumping(t);
    case ScalarKind::Less:
    case ScalarKind::LessEqual:
    case ScalarKind::Equal:
    case ScalarKind::And:
    case ScalarKind::Or:
    case ScalarKind::Not:
    case ScalarKind::Floor: return jumping(t);
    case ScalarKind::Argument:
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
    case ScalarKind::Erf: return greatest(t) == Constant ? Constant : Other;
  }
  return Other;
}

/// Folds `step` over the nodes of a body.
template <class Fact, class Step>
Fact fold(const Scalar& body, std::span<const Fact> arguments, Step&& step) {
  std::map<const ScalarNode*, Fact> facts;
  for (const Scalar& node : topological(body)) {
    if (node.kind() == ScalarKind::Argument) {
      facts[node.id()] = arguments[static_cast<size_t>(node.position())];
      continue;
    }
    std::vector<Fact> terms;
    for (const Scalar& term : node.terms()) terms.push_back(facts.at(term.id()));
    facts[node.id()] = step(node.kind(), terms);
  }
  return facts.at(body.id());
}

bool combines_linearly(Combine combine) { return combine == Combine::Sum || combine == Combine::Assign; }

/// The operands that accesses look up with.
std::vector<size_t> index_operands(const Node& node) {
  std::vector<size_t> result;
  const auto collect = [&](const Access& access) {
    for (const AffineIndex& index : access)
      if (index.lookup >= 0) result.push_back(static_cast<size_t>(index.lookup));
  };
  for (const Access& read : node.loops.reads) collect(read);
  collect(node.loops.write);
  return result;
}

}  // namespace

Degree degree_of(const Scalar& body, std::span<const Degree> arguments) {
  const Degree degree = fold<Degree>(body, arguments, degree_step);
  if (degree != kNotPolynomial || arguments.size() != 1 || arguments[0] == kNotPolynomial) return degree;
  const auto table = piecewise_linear(body);
  if (!table || !is_affine(*table)) return degree;
  return table->slopes[0].is_zero() ? 0 : arguments[0];
}

Degree degree_of(const Node& node, std::span<const Degree> operands) {
  for (const size_t k : index_operands(node))
    if (operands[k] != 0) return kNotPolynomial;
  if (std::ranges::all_of(operands, [](Degree degree) { return degree == 0; })) return 0;
  return combines_linearly(node.op->combine) ? degree_of(node.op->body.expression, operands) : kNotPolynomial;
}

Piecewise piecewise_of(const Scalar& body, std::span<const Piecewise> arguments) {
  const Piecewise result = fold<Piecewise>(body, arguments, piecewise_step);
  if (arguments.size() != 1 || (result != Continuous && result != Jumps && result != Other)) return result;
  // The table sees that pieces meet, that kinks cancel, and products with steps.
  const auto table = piecewise_linear(body);
  if (!table || arguments[0] == Other) return result;
  if (is_affine(*table)) return table->slopes[0].is_zero() ? Constant : arguments[0];
  return std::max(arguments[0], is_continuous(*table) ? Continuous : Jumps);
}

Piecewise piecewise_of(const Node& node, std::span<const Piecewise> operands) {
  for (const size_t k : index_operands(node))
    if (operands[k] != Constant) return Jumps == operands[k] ? Jumps : Other;
  const Piecewise body = piecewise_of(node.op->body.expression, operands);
  if (body == Constant || combines_linearly(node.op->combine)) return body;
  switch (node.op->combine) {
    case Combine::Max:
    case Combine::Min: return std::max(body, Continuous);
    case Combine::ArgMax:
    case Combine::ArgMin: return body == Other ? Other : Jumps;
    case Combine::Product: return Other;
    case Combine::Assign:
    case Combine::Sum: return body;
  }
  return Other;
}

std::string_view to_string(Piecewise piecewise) {
  switch (piecewise) {
    case Constant: return "constant";
    case Affine: return "affine";
    case Continuous: return "piecewise linear";
    case Jumps: return "piecewise linear with jumps";
    case Other: return "not piecewise linear";
  }
  return "";
}

}  // namespace crease
