// Floating-point vectors with operators, so that numerical code made of IR reads like the formula it is.
#pragma once

#include <llvm/IR/IRBuilder.h>

#include <span>

#include "jit/machine.h"

namespace crease {

class Arithmetic;

/// A float, a double, or a vector of them, with the arithmetic it belongs to.
struct Number {
  const Arithmetic* with;
  llvm::Value* value;
};

/// The arithmetic of one type at the builder's place.
class Arithmetic {
 public:
  Arithmetic(llvm::IRBuilder<>& builder, const Machine& machine, llvm::Type* type);

  llvm::IRBuilder<>& builder() const { return builder_; }
  const Machine& machine() const { return machine_; }
  bool is_double() const { return type_->getScalarType()->isDoubleTy(); }
  llvm::Type* type() const { return type_; }
  llvm::Type* integers() const { return integers_; }
  /// 1 for a scalar.
  unsigned lanes() const;

  Number number(llvm::Value* value) const { return {this, value}; }
  Number constant(double value) const { return {this, llvm::ConstantFP::get(type_, value)}; }
  llvm::Value* integer(int64_t value) const;

  /// The bits as an integer of the same width, and back.
  llvm::Value* bits(Number x) const { return builder_.CreateBitCast(x.value, integers_); }
  Number from_bits(llvm::Value* bits) const { return {this, builder_.CreateBitCast(bits, type_)}; }
  /// Bits of a constant.
  int64_t bits_of(double value) const;
  /// Bits of the fraction: 23 or 52.
  int fraction_bits() const { return is_double() ? 52 : 23; }
  /// 2^n for an integer n in the range of normal exponents.
  Number power_of_two(llvm::Value* n) const;
  /// 1.5 * 2^fraction_bits: adding it leaves the integer nearest to a small x in the low bits.
  double rounder() const { return is_double() ? 0x1.8p52 : 0x1.8p23; }

 private:
  llvm::IRBuilder<>& builder_;
  const Machine& machine_;
  llvm::Type* type_;
  llvm::Type* integers_;
};

Number operator+(Number a, Number b);
Number operator-(Number a, Number b);
Number operator*(Number a, Number b);
Number operator/(Number a, Number b);
Number operator-(Number a);
Number operator+(Number a, double b);
Number operator-(Number a, double b);
Number operator-(double a, Number b);
Number operator*(Number a, double b);
Number operator/(double a, Number b);

/// a * b + c, rounded once where the machine has that instruction.
Number multiply_add(Number a, Number b, Number c);
Number multiply_add(Number a, double b, Number c);
/// c[0] + c[1] x + c[2] x^2 + ...
Number polynomial(Number x, std::span<const double> coefficients);

/// Ordered comparisons: false where either is NaN.
llvm::Value* less(Number a, Number b);
llvm::Value* less(Number a, double b);
llvm::Value* greater(Number a, double b);
llvm::Value* equal(Number a, double b);
Number select(llvm::Value* condition, Number then, Number otherwise);
/// x cut to at most, or at least, `bound`; NaN stays NaN.
Number at_most(Number x, double bound);
Number at_least(Number x, double bound);
Number magnitude(Number x);
/// |x| with the sign bit of `sign`.
Number with_sign(Number x, Number sign);

}  // namespace crease
