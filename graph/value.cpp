#include "graph/value.h"

#include "graph/error.h"
#include "graph/graph.h"
#include "graph/ops/arithmetic.h"

namespace crease {

Value operator+(const Operand& a, const Operand& b) { return add(a.value, b.value, a.where); }
Value operator-(const Operand& a, const Operand& b) { return subtract(a.value, b.value, a.where); }
Value operator*(const Operand& a, const Operand& b) { return multiply(a.value, b.value, a.where); }
Value operator/(const Operand& a, const Operand& b) { return divide(a.value, b.value, a.where); }
Value operator+(const Operand& a, const Number& b) { return affine(1, b.value)(a.value, a.where); }
Value operator-(const Operand& a, const Number& b) { return affine(1, -b.value)(a.value, a.where); }
Value operator*(const Operand& a, const Number& b) { return affine(b.value, 0)(a.value, a.where); }
Value operator/(const Operand& a, const Number& b) { return divide_by(b.value)(a.value, a.where); }
Value operator+(const Number& a, const Operand& b) { return affine(1, a.value)(b.value, b.where); }
Value operator-(const Number& a, const Operand& b) { return affine(-1, a.value)(b.value, b.where); }
Value operator*(const Number& a, const Operand& b) { return affine(a.value, 0)(b.value, b.where); }
Value operator/(const Number& a, const Operand& b) { return ratio(a.value)(b.value, b.where); }
Value operator-(const Operand& a) { return negate(a.value, a.where); }

}  // namespace crease
