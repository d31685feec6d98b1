// Floating-point vectors with operators, so that numerical code made of IR reads like the formula it is.
#pragma once

#include <llvm/IR/IRBuilder.h>

#include <span>

#include "jit/machine.h"

namespace crease {

class Arithmetic;

/// A float, a double, or a vector of them, with the arithmetic it belongs to.
struct FloatValue {
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

  FloatValue number(llvm::Value* value) const { return {this, value}; }
  FloatValue constant(double value) const { return {this, llvm::ConstantFP::get(type_, value)}; }
  llvm::Value* integer(int64_t value) const;

  /// The bits as an integer of the same width, and back.
  llvm::Value* bits(FloatValue x) const { return builder_.CreateBitCast(x.value, integers_); }
  FloatValue from_bits(llvm::Value* bits) const { return {this, builder_.CreateBitCast(bits, type_)}; }
  /// Bits of a constant.
  int64_t bits_of(double value) const;
  /// Bits of the fraction: 23 or 52.
  int fraction_bits() const { return is_double() ? 52 : 23; }
  /// 2^n for an integer n in the range of normal exponents.
  FloatValue power_of_two(llvm::Value* n) const;
  /// 1.5 * 2^fraction_bits: adding it leaves the integer nearest to a small x in the low bits.
  double rounder() const { return is_double() ? 0x1.8p52 : 0x1.8p23; }

 private:
  llvm::IRBuilder<>& builder_;
  const Machine& machine_;
  llvm::Type* type_;
  llvm::Type* integers_;
};

FloatValue operator+(FloatValue a, FloatValue b);
FloatValue operator-(FloatValue a, FloatValue b);
FloatValue operator*(FloatValue a, FloatValue b);
FloatValue operator/(FloatValue a, FloatValue b);
FloatValue operator-(FloatValue a);
FloatValue operator+(FloatValue a, double b);
FloatValue operator-(FloatValue a, double b);
FloatValue operator-(double a, FloatValue b);
FloatValue operator*(FloatValue a, double b);
FloatValue operator/(double a, FloatValue b);

/// a * b + c, rounded once where the machine has that instruction.
FloatValue multiply_add(FloatValue a, FloatValue b, FloatValue c);
FloatValue multiply_add(FloatValue a, double b, FloatValue c);
/// c[0] + c[1] x + c[2] x^2 + ...
FloatValue polynomial(FloatValue x, std::span<const double> coefficients);

/// Ordered comparisons: false where either is NaN.
llvm::Value* less(FloatValue a, FloatValue b);
llvm::Value* less(FloatValue a, double b);
llvm::Value* greater(FloatValue a, double b);
llvm::Value* equal(FloatValue a, double b);
FloatValue select(llvm::Value* condition, FloatValue then, FloatValue otherwise);
/// x cut to at most, or at least, `bound`; NaN stays NaN.
FloatValue at_most(FloatValue x, double bound);
FloatValue at_least(FloatValue x, double bound);
FloatValue magnitude(FloatValue x);
/// |x| with the sign bit of `sign`.
FloatValue with_sign(FloatValue x, FloatValue sign);

}  // namespace crease
