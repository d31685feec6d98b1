#include "tests/oracle/kinks/expression.h"

#include <functional>

#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/movement.h"
#include "graph/ops/order.h"
#include "graph/ops/reduction.h"
#include "graph/rewrite/simplify.h"

namespace crease::oracle {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

const Op soft_shrink{.name = "soft_shrink",
                     .doc = "max(x - 1/2, 0) + min(x + 1/2, 0).",
                     .body = [](Scalar x) { return max(x - 0.5, 0) + min(x + 0.5, 0); }};

bool is_dyadic_number(double v) { return std::ldexp(v, 20) == std::floor(std::ldexp(v, 20)); }

/// Operations of one operand without parameters.
const std::map<std::string, const Op*>& maps() {
  static const std::map<std::string, const Op*> table{{"neg", &negate},
                                                      {"sq", &square},
                                                      {"relu", &relu},
                                                      {"abs", &abs_op},
                                                      {"relu6", &relu6},
                                                      {"hardtanh", &hard_tanh},
                                                      {"hardsigmoid", &hard_sigmoid},
                                                      {"sign", &sign},
                                                      {"step", &step},
                                                      {"floor", &floor_op},
                                                      {"exp", &exp_op},
                                                      {"log", &log_op},
                                                      {"sqrt", &sqrt_op},
                                                      {"softshrink", &soft_shrink}};
  return table;
}

/// Errors: Error for an operation with another count of operands than it has, which would else be dropped.
void expect_operands(const std::string& op, const Json& expression) {
  static const std::map<std::string, size_t> counts{
      {"sub", 2},      {"div", 2},      {"lrelu", 2}, {"clamp", 3}, {"pow", 2},
      {"clampmin", 2}, {"clampmax", 2}, {"gt0", 3},   {"ge0", 3},   {"eq0", 3}};
  const auto it = counts.find(op);
  const size_t got = expression.size() - 1, wanted = it != counts.end()    ? it->second
                                                     : maps().contains(op) ? 1
                                                                           : got;
  expect(got == wanted, "[oracle] {} has {} operands: want {}", op, got, wanted);
}

}  // namespace

Expression::Expression(size_t variables, const Setting& setting) : setting_(setting) {
  for (size_t i = 0; i < variables; ++i) {
    variables_.push_back(graph_.input("x" + std::to_string(i), {"lanes"}, setting.type));
    direction_.push_back(graph_.input("d" + std::to_string(i), {"lanes"}, setting.type));
  }
}

Value Expression::constant(double number) {
  return setting_.fold ? graph_.constant(number, setting_.type) : filled(number);
}

Value Expression::filled(double number) {
  const Value value = graph_.input("c" + std::to_string(constants_.size()), {"lanes"}, setting_.type);
  constants_.push_back(number);
  dyadic_ = dyadic_ && is_dyadic_number(number);
  return value;
}

Value Expression::simplified(const Value& value) {
  if (!setting_.fold) return value;
  graph_.output("value", value);
  graph_ = simplify(graph_, Derivatives::Open, Assume::Finite).graph;
  for (size_t i = 0; i < variables_.size(); ++i) {
    variables_[i] = graph_.find("x" + std::to_string(i));
    direction_[i] = graph_.find("d" + std::to_string(i));
  }
  const Value result = graph_.result("value");
  graph_.clear_outputs();
  return result;
}

double Expression::parameter(const Json& expression, size_t position) {
  const double value = number(expression.at(position));
  dyadic_ = dyadic_ && is_dyadic_number(value);
  return value;
}

Value Expression::build(const Json& expression) {
  if (expression.is_string()) {
    const std::string text = expression;
    if (text.starts_with("x")) return variables_.at(std::stoul(text.substr(1)));
  }
  if (!expression.is_array()) return constant(number(expression));
  const std::string key = expression.dump();
  if (const auto it = built_.find(key); it != built_.end()) return it->second;
  const Value value = apply(expression.at(0), expression);
  built_.emplace(key, value);
  return value;
}

Value Expression::chain(const Json& expression, Value (*step)(const Operand&, const Operand&)) {
  Value value = build(expression.at(1));
  for (size_t i = 2; i < expression.size(); ++i) value = step(value, build(expression[i]));
  return value;
}

Value Expression::stacked(const Json& expression, size_t first) {
  std::vector<Value> columns;
  for (size_t i = first; i < expression.size(); ++i)
    columns.push_back(reshape(build(expression[i]), {"lanes", 1}));
  return concat(columns, 1);
}

Value Expression::apply(const std::string& op, const Json& e) {
  const auto term = [&](size_t i) { return build(e.at(i)); };
  dyadic_ = dyadic_ && op != "exp" && op != "log" && op != "lse" && op != "div" && op != "sqrt" &&
            op != "norm2" && !op.starts_with("hardsigmoid");
  expect_operands(op, e);
  if (const auto it = maps().find(op); it != maps().end()) return (*it->second)(term(1));
  if (op == "add") return chain(e, crease::operator+);
  if (op == "max") return chain(e, crease::max);
  if (op == "min") return chain(e, crease::min);
  if (op == "sub") return term(1) - term(2);
  if (op == "mul") return chain(e, crease::operator*);
  if (op == "div") return term(1) / term(2);
  if (op == "lrelu") return leaky_relu(parameter(e, 2))(term(1));
  if (op == "rmax") return reduce_max(stacked(e), {1});
  if (op == "rmin") return reduce_min(stacked(e), {1});
  if (op == "norm2") return norm2(stacked(e), {1});
  if (op == "kth") return kth_smallest(stacked(e, 2), e.at(1).get<int64_t>());
  if (op == "clamp") return clip(parameter(e, 2), parameter(e, 3))(term(1));
  if (op == "clampmin") return clip(parameter(e, 2), infinite)(term(1));
  if (op == "clampmax") return clip(-infinite, parameter(e, 2))(term(1));
  if (op == "gt0") return where(term(1) > constant(0), term(2), term(3));
  if (op == "ge0") return where(term(1) >= constant(0), term(2), term(3));
  if (op == "eq0") return where(equal_to(term(1), constant(0)), term(2), term(3));
  if (op == "lse") return chain(e, [](const Operand& a, const Operand& b) { return b + softplus(a - b); });
  if (op == "pow") {
    const double exponent = parameter(e, 2);
    expect(exponent >= 1 && exponent == std::floor(exponent), "[oracle] pow wants a positive integer: got {}",
           exponent);
    Value power = term(1);
    const Value base = power;
    for (int i = 1; i < static_cast<int>(exponent); ++i) power = power * base;
    return power;
  }
  fail("[oracle] crease has no operation for '{}'", op);
}

Bindings Expression::bind(int64_t lanes, const Point& at, const Point& direction) const {
  Bindings bindings;
  const auto fill = [&](const std::string& name, double number) {
    Tensor tensor(setting_.type, {lanes});
    for (int64_t i = 0; i < lanes; ++i) tensor.set(i, number);
    bindings[name] = tensor;
  };
  for (size_t i = 0; i < at.size(); ++i) {
    fill("x" + std::to_string(i), at[i]);
    fill("d" + std::to_string(i), direction[i]);
  }
  for (size_t i = 0; i < constants_.size(); ++i) fill("c" + std::to_string(i), constants_[i]);
  return bindings;
}

}  // namespace crease::oracle
