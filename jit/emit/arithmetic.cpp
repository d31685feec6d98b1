#include "jit/emit/arithmetic.h"

#include <bit>
#include <ranges>

namespace crease {

Arithmetic::Arithmetic(llvm::IRBuilder<>& builder, const Machine& machine, llvm::Type* type)
    : builder_(builder), machine_(machine), type_(type) {
  integers_ = builder.getIntNTy(type->getScalarSizeInBits());
  if (const auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(type))
    integers_ = llvm::FixedVectorType::get(integers_, vector->getNumElements());
}

unsigned Arithmetic::lanes() const {
  const auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(type_);
  return vector == nullptr ? 1 : vector->getNumElements();
}

llvm::Value* Arithmetic::integer(int64_t value) const {
  return llvm::ConstantInt::get(integers_, static_cast<uint64_t>(value), true);
}

int64_t Arithmetic::bits_of(double value) const {
  return is_double() ? std::bit_cast<int64_t>(value) : std::bit_cast<int32_t>(static_cast<float>(value));
}

FloatValue Arithmetic::power_of_two(llvm::Value* n) const {
  // The exponent field of 1 plus n.
  llvm::Value* shifted = builder_.CreateShl(n, integer(fraction_bits()));
  return from_bits(builder_.CreateAdd(shifted, integer(bits_of(1))));
}

FloatValue operator+(FloatValue a, FloatValue b) {
  return {a.with, a.with->builder().CreateFAdd(a.value, b.value)};
}
FloatValue operator-(FloatValue a, FloatValue b) {
  return {a.with, a.with->builder().CreateFSub(a.value, b.value)};
}
FloatValue operator*(FloatValue a, FloatValue b) {
  return {a.with, a.with->builder().CreateFMul(a.value, b.value)};
}
FloatValue operator/(FloatValue a, FloatValue b) {
  return {a.with, a.with->builder().CreateFDiv(a.value, b.value)};
}
FloatValue operator-(FloatValue a) { return {a.with, a.with->builder().CreateFNeg(a.value)}; }
FloatValue operator+(FloatValue a, double b) { return a + a.with->constant(b); }
FloatValue operator-(FloatValue a, double b) { return a - a.with->constant(b); }
FloatValue operator-(double a, FloatValue b) { return b.with->constant(a) - b; }
FloatValue operator*(FloatValue a, double b) { return a * a.with->constant(b); }
FloatValue operator/(double a, FloatValue b) { return b.with->constant(a) / b; }

FloatValue multiply_add(FloatValue a, FloatValue b, FloatValue c) {
  if (!a.with->machine().fma) return a * b + c;
  return {a.with, a.with->builder().CreateIntrinsic(llvm::Intrinsic::fma, {a.with->type()},
                                                    {a.value, b.value, c.value})};
}
FloatValue multiply_add(FloatValue a, double b, FloatValue c) {
  return multiply_add(a, a.with->constant(b), c);
}

FloatValue polynomial(FloatValue x, std::span<const double> coefficients) {
  FloatValue sum = x.with->constant(coefficients.back());
  for (const double coefficient : coefficients.first(coefficients.size() - 1) | std::views::reverse)
    sum = multiply_add(sum, x, x.with->constant(coefficient));
  return sum;
}

llvm::Value* less(FloatValue a, FloatValue b) { return a.with->builder().CreateFCmpOLT(a.value, b.value); }
llvm::Value* less(FloatValue a, double b) { return less(a, a.with->constant(b)); }
llvm::Value* greater(FloatValue a, double b) { return less(a.with->constant(b), a); }
llvm::Value* equal(FloatValue a, double b) {
  return a.with->builder().CreateFCmpOEQ(a.value, a.with->constant(b).value);
}
FloatValue select(llvm::Value* condition, FloatValue then, FloatValue otherwise) {
  return {then.with, then.with->builder().CreateSelect(condition, then.value, otherwise.value)};
}
FloatValue at_most(FloatValue x, double bound) {
  return select(greater(x, bound), x.with->constant(bound), x);
}
FloatValue at_least(FloatValue x, double bound) { return select(less(x, bound), x.with->constant(bound), x); }
FloatValue magnitude(FloatValue x) {
  return {x.with, x.with->builder().CreateUnaryIntrinsic(llvm::Intrinsic::fabs, x.value)};
}
FloatValue with_sign(FloatValue x, FloatValue sign) {
  return {x.with, x.with->builder().CreateCopySign(x.value, sign.value)};
}

}  // namespace crease
