#include "jit/emit/number.h"

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

Number Arithmetic::power_of_two(llvm::Value* n) const {
  // The exponent field of 1 plus n.
  llvm::Value* shifted = builder_.CreateShl(n, integer(fraction_bits()));
  return from_bits(builder_.CreateAdd(shifted, integer(bits_of(1))));
}

Number operator+(Number a, Number b) { return {a.with, a.with->builder().CreateFAdd(a.value, b.value)}; }
Number operator-(Number a, Number b) { return {a.with, a.with->builder().CreateFSub(a.value, b.value)}; }
Number operator*(Number a, Number b) { return {a.with, a.with->builder().CreateFMul(a.value, b.value)}; }
Number operator/(Number a, Number b) { return {a.with, a.with->builder().CreateFDiv(a.value, b.value)}; }
Number operator-(Number a) { return {a.with, a.with->builder().CreateFNeg(a.value)}; }
Number operator+(Number a, double b) { return a + a.with->constant(b); }
Number operator-(Number a, double b) { return a - a.with->constant(b); }
Number operator-(double a, Number b) { return b.with->constant(a) - b; }
Number operator*(Number a, double b) { return a * a.with->constant(b); }
Number operator/(double a, Number b) { return b.with->constant(a) / b; }

Number multiply_add(Number a, Number b, Number c) {
  if (!a.with->machine().fma) return a * b + c;
  return {a.with, a.with->builder().CreateIntrinsic(llvm::Intrinsic::fma, {a.with->type()},
                                                    {a.value, b.value, c.value})};
}
Number multiply_add(Number a, double b, Number c) { return multiply_add(a, a.with->constant(b), c); }

Number polynomial(Number x, std::span<const double> coefficients) {
  Number sum = x.with->constant(coefficients.back());
  for (const double coefficient : coefficients.first(coefficients.size() - 1) | std::views::reverse)
    sum = multiply_add(sum, x, x.with->constant(coefficient));
  return sum;
}

llvm::Value* less(Number a, Number b) { return a.with->builder().CreateFCmpOLT(a.value, b.value); }
llvm::Value* less(Number a, double b) { return less(a, a.with->constant(b)); }
llvm::Value* greater(Number a, double b) { return less(a.with->constant(b), a); }
llvm::Value* equal(Number a, double b) {
  return a.with->builder().CreateFCmpOEQ(a.value, a.with->constant(b).value);
}
Number select(llvm::Value* condition, Number then, Number otherwise) {
  return {then.with, then.with->builder().CreateSelect(condition, then.value, otherwise.value)};
}
Number at_most(Number x, double bound) { return select(greater(x, bound), x.with->constant(bound), x); }
Number at_least(Number x, double bound) { return select(less(x, bound), x.with->constant(bound), x); }
Number magnitude(Number x) {
  return {x.with, x.with->builder().CreateUnaryIntrinsic(llvm::Intrinsic::fabs, x.value)};
}
Number with_sign(Number x, Number sign) {
  return {x.with, x.with->builder().CreateCopySign(x.value, sign.value)};
}

}  // namespace crease
