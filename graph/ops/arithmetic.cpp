#include "graph/ops/arithmetic.h"

#include <algorithm>
#include <set>

#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/axes.h"

namespace crease {
namespace {

/// The operation of so many operands that has these terms for its own operands.
Op with_terms(const Op& op, int operands, const std::vector<Scalar>& terms) {
  Op made = op;
  made.body = Body(operands, substitute(op.body.expression, terms));
  return made;
}

Value apply(const Op& op, const Operand& a, const Number& b) {
  return with_terms(op, 1, {Scalar::argument(0), beside(a, b)})(a.value, a.where);
}
Value apply(const Op& op, const Number& a, const Operand& b) {
  return with_terms(op, 1, {beside(b, a), Scalar::argument(0)})(b.value, b.where);
}

/// Another name than that of the operation of two operands, for whose ties tables of rules go by the name.
Op named(const char* name, Op op) {
  op.name = name;
  return op;
}

void expect_condition(const Operand& condition) {
  const Type type = condition.value.type();
  expect(type == Type::boolean, "[where] the condition must be bool: got {}, want a comparison (at {})",
         to_string(type), to_string(condition.where));
}

}  // namespace

const Op add{.name = "add", .doc = "a + b.", .body = [](Scalar a, Scalar b) { return a + b; }};
const Op subtract{.name = "subtract", .doc = "a - b.", .body = [](Scalar a, Scalar b) { return a - b; }};
const Op multiply{.name = "multiply", .doc = "a b.", .body = [](Scalar a, Scalar b) { return a * b; }};
const Op divide{.name = "divide",
                .doc = "a / b, IEEE: x / 0 is infinite, 0 / 0 NaN.",
                .body = [](Scalar a, Scalar b) { return a / b; }};
const Op negate{.name = "negate", .doc = "-x.", .body = [](Scalar x) { return -x; }};
const Op maximum{
    .name = "maximum",
    .doc = "The greater of a and b = b + relu(a - b). At a = b the Tie decides: left b, right a. NaN -> NaN.",
    .body = [](Scalar a, Scalar b) { return max(a, b); }};
const Op minimum{
    .name = "minimum",
    .doc = "The smaller of a and b = a - relu(a - b). At a = b the Tie decides: left a, right b. NaN -> NaN.",
    .body = [](Scalar a, Scalar b) { return min(a, b); }};

const Op less{.name = "less",
              .doc = "a < b; false with NaN.",
              .body = [](Scalar a, Scalar b) { return a < b; },
              .type = ResultType::Boolean};
const Op less_equal{.name = "less_equal",
                    .doc = "a <= b; false with NaN.",
                    .body = [](Scalar a, Scalar b) { return a <= b; },
                    .type = ResultType::Boolean};
const Op equal_to{.name = "equal",
                  .doc = "a == b; false with NaN.",
                  .body = [](Scalar a, Scalar b) { return equal(a, b); },
                  .type = ResultType::Boolean};
const Op logical_not{
    .name = "not", .doc = "Not a.", .body = [](Scalar a) { return !a; }, .type = ResultType::Boolean};
const Op logical_and{.name = "and",
                     .doc = "a and b.",
                     .body = [](Scalar a, Scalar b) { return a && b; },
                     .type = ResultType::Boolean};
const Op logical_or{.name = "or",
                    .doc = "a or b.",
                    .body = [](Scalar a, Scalar b) { return a || b; },
                    .type = ResultType::Boolean};
const Op where_op{
    .name = "where",
    .doc = "a where the condition holds, else b. The branch not taken counts for nothing, also in gradients.",
    .body = [](Scalar c, Scalar a, Scalar b) { return select(c, a, b); }};

const Op exp_op{.name = "exp", .doc = "e^x.", .body = [](Scalar x) { return exp(x); }};
const Op expm1_op{
    .name = "expm1", .doc = "e^x - 1, accurate near 0.", .body = [](Scalar x) { return expm1(x); }};
const Op log_op{.name = "log", .doc = "Natural logarithm; log 0 = -inf, NaN below.", .body = [](Scalar x) {
                  return log(x);
                }};
const Op log1p_op{
    .name = "log1p", .doc = "log(1 + x), accurate near 0.", .body = [](Scalar x) { return log1p(x); }};
const Op sqrt_op{.name = "sqrt",
                 .doc = "Square root, correctly rounded; infinite slope at 0, NaN below.",
                 .body = [](Scalar x) { return sqrt(x); }};
const Op erf_op{.name = "erf", .doc = "Error function.", .body = [](Scalar x) { return erf(x); }};
const Op cos_op{.name = "cos", .doc = "Cosine of radians.", .body = [](Scalar x) { return cos(x); }};
const Op floor_op{.name = "floor",
                  .doc = "Greatest integer <= x. Jumps at integers, slope 0.",
                  .body = [](Scalar x) { return floor(x); }};
const Op square{.name = "square", .doc = "x^2.", .body = [](Scalar x) { return x * x; }};
const Op prelu{
    .name = "prelu",
    .doc = "max(x, 0) + a min(x, 0) with a learned slope a. Kink in x at 0, none in a. He et al. 2015.",
    .body = [](Scalar x, Scalar a) { return max(x, 0) + a * min(x, 0); }};

Op affine(double factor, double offset) {
  return {.name = "affine",
          .doc = "x factor + offset.",
          .body = [=](Scalar x) { return x * factor + offset; },
          .attributes = {{"factor", factor}, {"offset", offset}}};
}

Op divide_by(double divisor) {
  return {.name = "divide_by",
          .doc = "x / divisor.",
          .body = [=](Scalar x) { return x / divisor; },
          .attributes = {{"divisor", divisor}}};
}

Op ratio(double dividend) {
  return {.name = "ratio",
          .doc = "dividend / x.",
          .body = [=](Scalar x) { return dividend / x; },
          .attributes = {{"dividend", dividend}}};
}

Op power(int exponent) {
  const auto body = [=](Scalar x) {
    Scalar result = 1, factor = x;
    for (int64_t left = std::abs(int64_t{exponent}); left > 0; left /= 2) {
      if (left % 2 == 1) result = result * factor;
      if (left > 1) factor = factor * factor;
    }
    return exponent < 0 ? 1 / result : result;
  };
  return {.name = "pow", .doc = "x^exponent.", .body = body, .attributes = {{"exponent", exponent}}};
}

Op scale_by_sizes(double factor, const std::vector<Dim>& dims) {
  const Scalar size = size_term(dims);
  return {.name = "scale_by_sizes", .doc = "x factor / (product of sizes).", .body = [=](Scalar x) {
            return x * factor / size;
          }};
}

Value exp(const Operand& x) { return exp_op(x.value, x.where); }
Value log(const Operand& x) { return log_op(x.value, x.where); }
Value sqrt(const Operand& x) { return sqrt_op(x.value, x.where); }
Value tanh(const Operand& x) { return tanh_op(x.value, x.where); }
Value sigmoid(const Operand& x) { return sigmoid_op(x.value, x.where); }
Value softplus(const Operand& x) { return softplus_op(x.value, x.where); }
Value sin(const Operand& x) { return sin_op(x.value, x.where); }
Value cos(const Operand& x) { return cos_op(x.value, x.where); }
Value erf(const Operand& x) { return erf_op(x.value, x.where); }
Value expm1(const Operand& x) { return expm1_op(x.value, x.where); }
Value log1p(const Operand& x) { return log1p_op(x.value, x.where); }
Value floor(const Operand& x) { return floor_op(x.value, x.where); }
Value pow(const Operand& x, int exponent) { return power(exponent)(x.value, x.where); }
Value abs(const Operand& x) { return abs_op(x.value, x.where); }
Value max(const Operand& a, const Operand& b) { return maximum(a.value, b.value, a.where); }
Value min(const Operand& a, const Operand& b) { return minimum(a.value, b.value, a.where); }
Value where(const Operand& condition, const Operand& a, const Operand& b) {
  expect_condition(condition);
  return where_op(condition.value, a.value, b.value, condition.where);
}
Value operator<(const Operand& a, const Operand& b) { return less(a.value, b.value, a.where); }
Value operator<=(const Operand& a, const Operand& b) { return less_equal(a.value, b.value, a.where); }
Value operator>(const Operand& a, const Operand& b) { return less(b.value, a.value, a.where); }
Value operator>=(const Operand& a, const Operand& b) { return less_equal(b.value, a.value, a.where); }

Value max(const Operand& a, const Number& b) { return apply(named("max", maximum), a, b); }
Value max(const Number& a, const Operand& b) { return apply(named("max", maximum), a, b); }
Value min(const Operand& a, const Number& b) { return apply(named("min", minimum), a, b); }
Value min(const Number& a, const Operand& b) { return apply(named("min", minimum), a, b); }
Value where(const Operand& condition, const Operand& a, const Number& b) {
  expect_condition(condition);
  const Op op = with_terms(where_op, 2, {Scalar::argument(0), Scalar::argument(1), beside(a, b)});
  return op(condition.value, a.value, condition.where);
}
Value where(const Operand& condition, const Number& a, const Operand& b) {
  expect_condition(condition);
  const Op op = with_terms(where_op, 2, {Scalar::argument(0), beside(b, a), Scalar::argument(1)});
  return op(condition.value, b.value, condition.where);
}
Value operator<(const Operand& a, const Number& b) { return apply(less, a, b); }
Value operator<(const Number& a, const Operand& b) { return apply(less, a, b); }
Value operator<=(const Operand& a, const Number& b) { return apply(less_equal, a, b); }
Value operator<=(const Number& a, const Operand& b) { return apply(less_equal, a, b); }
Value operator>(const Operand& a, const Number& b) { return apply(less, b, a); }
Value operator>(const Number& a, const Operand& b) { return apply(less, b, a); }
Value operator>=(const Operand& a, const Number& b) { return apply(less_equal, b, a); }
Value operator>=(const Number& a, const Operand& b) { return apply(less_equal, b, a); }

}  // namespace crease
