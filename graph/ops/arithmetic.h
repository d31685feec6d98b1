// Elementwise arithmetic, comparisons and select, with NumPy broadcasting.
#pragma once

#include "graph/op.h"
#include "graph/value.h"

namespace crease {

extern const Op add, subtract, multiply, divide, negate, maximum, minimum;
extern const Op less, less_equal, equal_to, logical_not, logical_and, logical_or;
/// where(condition, a, b): a unless the condition is 0. The branch not taken contributes a structural zero to
/// gradients.
extern const Op where_op;
extern const Op exp_op, expm1_op, log_op, log1p_op, sqrt_op, erf_op, cos_op, floor_op, square;
/// max(x, 0) + a * min(x, 0) with a learned slope a.
extern const Op prelu;

/// x * factor + offset.
Op affine(double factor, double offset);
/// x / divisor, and dividend / x.
Op divide_by(double divisor);
Op ratio(double dividend);
/// x^exponent.
Op power(int exponent);
/// x * factor / (product of the sizes of these dimensions): means over named dimensions.
Op scale_by_sizes(double factor, const std::vector<Dim>& dims);

// The names people write. Errors of two-operand forms: Error with both shapes and both source lines.
Value exp(const Operand& x);
Value log(const Operand& x);
Value sqrt(const Operand& x);
Value tanh(const Operand& x);
Value sigmoid(const Operand& x);
Value softplus(const Operand& x);
Value sin(const Operand& x);
Value cos(const Operand& x);
Value erf(const Operand& x);
Value expm1(const Operand& x);
Value log1p(const Operand& x);
Value floor(const Operand& x);
/// x^exponent by multiplication; 1 / x^-exponent for a negative one. Other powers: exp(p * log(x)).
Value pow(const Operand& x, int exponent);
Value abs(const Operand& x);
Value max(const Operand& a, const Operand& b);
Value min(const Operand& a, const Operand& b);
/// Errors: also if the condition is not bool.
Value where(const Operand& condition, const Operand& a, const Operand& b);
Value operator<(const Operand& a, const Operand& b);
Value operator<=(const Operand& a, const Operand& b);
Value operator>(const Operand& a, const Operand& b);
Value operator>=(const Operand& a, const Operand& b);

// With a number: part of the body and no operand, so that max(x, 0) is relu(x) under every Tie. It takes the
// other operand's type.
Value max(const Operand& a, const Number& b);
Value max(const Number& a, const Operand& b);
Value min(const Operand& a, const Number& b);
Value min(const Number& a, const Operand& b);
Value where(const Operand& condition, const Operand& a, const Number& b);
Value where(const Operand& condition, const Number& a, const Operand& b);
Value operator<(const Operand& a, const Number& b);
Value operator<(const Number& a, const Operand& b);
Value operator<=(const Operand& a, const Number& b);
Value operator<=(const Number& a, const Operand& b);
Value operator>(const Operand& a, const Number& b);
Value operator>(const Number& a, const Operand& b);
Value operator>=(const Operand& a, const Number& b);
Value operator>=(const Number& a, const Operand& b);

}  // namespace crease
