#include "jit/lower_body.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "graph/error.h"

namespace crease {

BodyLowering::BodyLowering(Kernel& kernel, Type arithmetic, const Sizes& specialise,
                           std::function<int(int)> argument, std::function<Position(int)> label)
    : kernel_(kernel),
      arithmetic_(arithmetic),
      specialise_(specialise),
      argument_(std::move(argument)),
      label_(std::move(label)) {}

int BodyLowering::lower(const Scalar& expression, Type type) {
  return convert(kernel_, type, lower(expression));
}

int BodyLowering::lower(const Scalar& expression) {
  const auto found = done_.find(expression.id());
  if (found != done_.end()) return found->second;
  const int instruction = make(expression);
  done_.emplace(expression.id(), instruction);
  return instruction;
}

int BodyLowering::make(const Scalar& expression) {
  const ScalarKind kind = expression.kind();
  const auto terms = expression.terms();
  switch (kind) {
    case ScalarKind::Constant: return constant(kernel_, arithmetic_, expression.constant());
    case ScalarKind::Argument: return argument_(expression.position());
    case ScalarKind::Index: return affine(kernel_, label_(expression.position()));
    case ScalarKind::Size: {
      const auto fixed = specialise_.find(expression.symbol());
      if (fixed != specialise_.end()) return constant(kernel_, Type::i64, static_cast<double>(fixed->second));
      return append(kernel_,
                    {.kind = InstructionKind::Size, .type = Type::i64, .symbol = expression.symbol()});
    }
    case ScalarKind::Less:
    case ScalarKind::LessEqual:
    case ScalarKind::Equal: return comparison(kind, lower(terms[0]), lower(terms[1]));
    case ScalarKind::And:
    case ScalarKind::Or: return compute(kernel_, Type::boolean, kind, {truth(terms[0]), truth(terms[1])});
    case ScalarKind::Not: return compute(kernel_, Type::boolean, kind, {truth(terms[0])});
    case ScalarKind::Select:
      return compute(kernel_, arithmetic_, kind, {truth(terms[0]), number(terms[1]), number(terms[2])});
    default: break;
  }
  std::vector<int> operands;
  for (const Scalar& term : terms) operands.push_back(number(term));
  return compute(kernel_, arithmetic_, kind, std::move(operands));
}

/// Widening keeps what is less and what is equal: f32 numbers are compared as they are in f64 bodies too.
int BodyLowering::comparison(ScalarKind kind, int a, int b) {
  const auto fits = [&](int operand) {
    const Instruction& it = kernel_.code[static_cast<size_t>(operand)];
    if (it.kind != InstructionKind::Constant) return it.type == Type::f32;
    return std::abs(it.constant) <= std::numeric_limits<float>::max() &&
           static_cast<double>(static_cast<float>(it.constant)) == it.constant;
  };
  const Type type = arithmetic_ == Type::f64 && fits(a) && fits(b) ? Type::f32 : arithmetic_;
  return compute(kernel_, Type::boolean, kind, {convert(kernel_, type, a), convert(kernel_, type, b)});
}

}  // namespace crease
