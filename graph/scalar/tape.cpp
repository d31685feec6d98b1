#include "graph/scalar/tape.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "graph/error.h"
#include "graph/integers.h"
#include "graph/scalar/node.h"

namespace crease {

using Kind = ScalarKind;

int term_count(Kind kind) {
  switch (kind) {
    case Kind::Constant:
    case Kind::Argument:
    case Kind::Index:
    case Kind::Size: return 0;
    case Kind::Add:
    case Kind::Subtract:
    case Kind::Multiply:
    case Kind::Divide:
    case Kind::Max:
    case Kind::Min:
    case Kind::Less:
    case Kind::LessEqual:
    case Kind::Equal:
    case Kind::And:
    case Kind::Or: return 2;
    case Kind::Select: return 3;
    case Kind::Negate:
    case Kind::Not:
    case Kind::Exp:
    case Kind::Expm1:
    case Kind::Log:
    case Kind::Log1p:
    case Kind::Sqrt:
    case Kind::Sin:
    case Kind::Cos:
    case Kind::Tanh:
    case Kind::Sigmoid:
    case Kind::Softplus:
    case Kind::Erf:
    case Kind::Floor: return 1;
  }
  return 0;
}

std::vector<Scalar> topological(const Scalar& expression) {
  std::vector<Scalar> order;
  std::unordered_map<const ScalarNode*, bool> expanded;  // false: on the stack, true: in `order`
  std::vector<Scalar> stack{expression};
  while (!stack.empty()) {
    const Scalar node = stack.back();
    auto [it, fresh] = expanded.emplace(node.id(), false);
    if (!fresh) {
      stack.pop_back();
      if (!it->second) order.push_back(node);
      it->second = true;
      continue;
    }
    for (const Scalar& term : node.terms())
      if (!expanded.contains(term.id())) stack.push_back(term);
  }
  return order;
}

namespace {

double sigmoid_value(double x) { return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x)); }
double softplus_value(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

/// NaN in either term gives NaN; max(0, -0) is the first term.
template <class T>
T max_value(T a, T b) {
  return std::isnan(a) || std::isnan(b) ? a + b : (a < b ? b : a);
}
template <class T>
T min_value(T a, T b) {
  return std::isnan(a) || std::isnan(b) ? a + b : (b < a ? b : a);
}

/// What a function of the library is given: it reads the bits of a number, whatever counts as 0 (FloatMode).
double counted(double x) { return x == 0 ? std::copysign(0.0, x) : x; }

template <class T>
T apply(Kind kind, T a, T b, T c) {
  const auto x = [a] { return counted(a); };
  switch (kind) {
    case Kind::Add: return a + b;
    case Kind::Subtract: return a - b;
    case Kind::Multiply: return a * b;
    case Kind::Divide: return a / b;
    case Kind::Negate: return -a;
    case Kind::Max: return max_value(a, b);
    case Kind::Min: return min_value(a, b);
    case Kind::Less: return a < b;
    case Kind::LessEqual: return a <= b;
    case Kind::Equal: return a == b;
    case Kind::And: return a != 0 && b != 0;
    case Kind::Or: return a != 0 || b != 0;
    case Kind::Not: return a == 0;
    case Kind::Select: return a != 0 ? b : c;
    case Kind::Exp: return static_cast<T>(std::exp(x()));
    case Kind::Expm1: return static_cast<T>(std::expm1(x()));
    case Kind::Log: return static_cast<T>(std::log(x()));
    case Kind::Log1p: return static_cast<T>(std::log1p(x()));
    case Kind::Sqrt: return std::sqrt(a);
    case Kind::Sin: return static_cast<T>(std::sin(x()));
    case Kind::Cos: return static_cast<T>(std::cos(x()));
    case Kind::Tanh: return static_cast<T>(std::tanh(x()));
    case Kind::Sigmoid: return static_cast<T>(sigmoid_value(x()));
    case Kind::Softplus: return std::isnan(a) ? a : static_cast<T>(softplus_value(x()));
    case Kind::Erf: return static_cast<T>(std::erf(x()));
    case Kind::Floor: return static_cast<T>(std::floor(x()));
    case Kind::Constant:
    case Kind::Argument:
    case Kind::Index:
    case Kind::Size: break;
  }
  return 0;
}

/// Two's complement: sums and products wrap around.
template <>
int64_t apply(Kind kind, int64_t a, int64_t b, int64_t c) {
  switch (kind) {
    case Kind::Add: return wrapped_sum(a, b);
    case Kind::Subtract: return wrapped_difference(a, b);
    case Kind::Multiply: return wrapped_product(a, b);
    case Kind::Negate: return wrapped_difference(0, a);
    case Kind::Max: return std::max(a, b);
    case Kind::Min: return std::min(a, b);
    case Kind::Less: return a < b ? 1 : 0;
    case Kind::LessEqual: return a <= b ? 1 : 0;
    case Kind::Equal: return a == b ? 1 : 0;
    case Kind::And: return a != 0 && b != 0 ? 1 : 0;
    case Kind::Or: return a != 0 || b != 0 ? 1 : 0;
    case Kind::Not: return a == 0 ? 1 : 0;
    case Kind::Select: return a != 0 ? b : c;
    default: break;
  }
  ensure(false, "{} in integer arithmetic", name_of(kind));
  return 0;
}

/// A number of the expression as a T.
template <class T>
T number(double value) {
  if constexpr (std::is_integral_v<T>) return to_integer(value);
  return static_cast<T>(value);
}

}  // namespace

template <class T>
Tape<T>::Tape(const Scalar& expression, const std::function<double(const std::string&)>& size) {
  std::unordered_map<const ScalarNode*, int> where;
  for (const Scalar& node : topological(expression)) {
    Instruction instruction{node.kind(), node.position(), {0, 0, 0}};
    for (size_t i = 0; i < node.terms().size(); ++i) instruction.terms[i] = where.at(node.terms()[i].id());
    T value = 0;
    if (node.kind() == Kind::Constant) value = number<T>(node.constant());
    if (node.kind() == Kind::Size) {
      ensure(static_cast<bool>(size), "size({}) in a body evaluated without sizes", node.symbol());
      value = number<T>(size(node.symbol()));
    }
    where.emplace(node.id(), static_cast<int>(code_.size()));
    code_.push_back(instruction);
    registers_.push_back(value);
  }
}

template <class T>
T Tape<T>::run(const T* arguments, const int64_t* labels) {
  for (size_t i = 0; i < code_.size(); ++i) {
    const Instruction& op = code_[i];
    switch (op.kind) {
      case Kind::Constant:
      case Kind::Size: break;
      case Kind::Argument: registers_[i] = arguments[op.position]; break;
      case Kind::Index: registers_[i] = static_cast<T>(labels[op.position]); break;
      default:
        registers_[i] =
            apply(op.kind, registers_[static_cast<size_t>(op.terms[0])],
                  registers_[static_cast<size_t>(op.terms[1])], registers_[static_cast<size_t>(op.terms[2])]);
    }
  }
  return registers_.back();
}

template class Tape<double>;
template class Tape<float>;
template class Tape<int64_t>;

namespace {

template <class T>
double evaluate_as(const Scalar& expression, const ScalarContext& context) {
  std::vector<T> arguments(context.arguments.begin(), context.arguments.end());
  std::vector<int64_t> labels(context.labels.begin(), context.labels.end());
  ensure(arity(expression) <= static_cast<int>(arguments.size()), "body of {} arguments evaluated with {}",
         arity(expression), arguments.size());
  return Tape<T>(expression, context.size).run(arguments.data(), labels.data());
}

}  // namespace

double evaluate(const Scalar& expression, const ScalarContext& context) {
  return evaluate_as<double>(expression, context);
}
double evaluate_f32(const Scalar& expression, const ScalarContext& context) {
  return evaluate_as<float>(expression, context);
}

}  // namespace crease
