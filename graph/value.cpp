#include "graph/value.h"

#include <cmath>

#include "graph/error.h"
#include "graph/graph.h"
#include "graph/ops/arithmetic.h"

namespace crease {

double beside(const Operand& x, const Number& number) {
  expect(is_floating(x.value.type()) || number.value == std::trunc(number.value),
         "{} is no {}, the type of the value beside it: use a whole number, or a value of a floating type "
         "(at {})",
         number.value, to_string(x.value.type()), to_string(x.where));
  return number.value;
}

Value operator+(const Operand& a, const Operand& b) { return add(a.value, b.value, a.where); }
Value operator-(const Operand& a, const Operand& b) { return subtract(a.value, b.value, a.where); }
Value operator*(const Operand& a, const Operand& b) { return multiply(a.value, b.value, a.where); }
Value operator/(const Operand& a, const Operand& b) { return divide(a.value, b.value, a.where); }
Value operator+(const Operand& a, const Number& b) { return affine(1, beside(a, b))(a.value, a.where); }
Value operator-(const Operand& a, const Number& b) { return affine(1, -beside(a, b))(a.value, a.where); }
Value operator*(const Operand& a, const Number& b) { return affine(beside(a, b), 0)(a.value, a.where); }
Value operator/(const Operand& a, const Number& b) {
  // The body would not tell for powers of two: there it is a product.
  expect(is_floating(a.value.type()), "[divide_by] wants floating point, got {} (at {})",
         to_string(a.value.type()), to_string(a.where));
  return divide_by(b.value)(a.value, a.where);
}
Value operator+(const Number& a, const Operand& b) { return affine(1, beside(b, a))(b.value, b.where); }
Value operator-(const Number& a, const Operand& b) { return affine(-1, beside(b, a))(b.value, b.where); }
Value operator*(const Number& a, const Operand& b) { return affine(beside(b, a), 0)(b.value, b.where); }
Value operator/(const Number& a, const Operand& b) { return ratio(beside(b, a))(b.value, b.where); }
Value operator-(const Operand& a) { return negate(a.value, a.where); }
Value& operator+=(Value& a, const Operand& b) { return a = Operand(a, b.where) + b; }
Value& operator-=(Value& a, const Operand& b) { return a = Operand(a, b.where) - b; }
Value& operator*=(Value& a, const Operand& b) { return a = Operand(a, b.where) * b; }
Value& operator/=(Value& a, const Operand& b) { return a = Operand(a, b.where) / b; }
Value& operator+=(Value& a, const Number& b) { return a = Operand(a, b.where) + b; }
Value& operator-=(Value& a, const Number& b) { return a = Operand(a, b.where) - b; }
Value& operator*=(Value& a, const Number& b) { return a = Operand(a, b.where) * b; }
Value& operator/=(Value& a, const Number& b) { return a = Operand(a, b.where) / b; }
Value operator!(const Operand& a) { return logical_not(a.value, a.where); }
Value operator&&(const Operand& a, const Operand& b) { return logical_and(a.value, b.value, a.where); }
Value operator||(const Operand& a, const Operand& b) { return logical_or(a.value, b.value, a.where); }

}  // namespace crease
