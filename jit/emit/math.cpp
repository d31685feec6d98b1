#include "jit/emit/math.h"

#include <cmath>
#include <limits>

#include "graph/error.h"
#include "jit/emit/arithmetic.h"
#include "jit/emit/math_scale.h"
#include "jit/emit/math_table.h"
#include "jit/emit/math_trigonometry.h"

// Polynomials are minimax fits made for this file with Remez's algorithm in 60-digit arithmetic, rounded to
// the type coefficient by coefficient; the comment gives interval and largest error relative to the function.
// The ulp are the largest errors found with fused multiply-add: over all 2^32 floats for f32, by sampling for
// f64; docs/numerics.md has the table and bench/ulp.cpp measures it.

namespace crease {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double log2_e = 0x1.71547652b82fep0;

/// ln 2 = high + low, where high has few enough bits that its product with any exponent is exact.
struct Ln2 {
  double high, low;
};
Ln2 ln2(const Arithmetic& with) {
  if (with.is_double()) return {0x1.62e42fefa38p-1, 5.497923018708371e-14};
  return {0x1.62e4p-1, 1.4286068203094173e-06};
}

/// x = n ln 2 + r + rest with integer n, |r| <= ln 2 / 2 and a rest below the last bit of r.
struct Reduced {
  llvm::Value* n;      // integer of the type's width
  FloatValue n_float;  // the same
  FloatValue r, rest;
};
Reduced reduce_by_ln2(FloatValue x) {
  const Arithmetic& with = *x.with;
  const FloatValue rounded = multiply_add(x, log2_e, with.constant(with.rounder()));
  const FloatValue n = rounded - with.rounder();
  const auto [high, low] = ln2(with);
  const FloatValue exact = multiply_add(n, -high, x);
  const FloatValue r = multiply_add(n, -low, exact);
  const FloatValue rest = multiply_add(n, -low, exact - r);
  return {with.builder().CreateSub(with.bits(rounded), with.integer(with.bits_of(with.rounder()))), n, r,
          rest};
}

/// (e^r - 1 - r) / r^2 on |r| <= 0.348. Errors relative to e^r: f32 2^-31.1, f64 2^-62.4.
FloatValue exp_tail(FloatValue r) {
  static constexpr double f32[] = {0.5,           0.166666478,  0.0416664816,
                                   0.00833784789, 0.0013933538, 0.000173626235};
  static constexpr double f64[] = {
      0.5,
      0.16666666666666674,
      0.041666666666666755,
      0.0083333333333265661,
      0.0013888888888896242,
      0.00019841269871183223,
      2.4801587204922543e-05,
      2.7557259993721559e-06,
      2.7557439093316398e-07,
      2.5103516773537783e-08,
      2.0849094151094856e-09,
  };
  return r.with->is_double() ? polynomial(r, f64) : polynomial(r, f32);
}

/// The same relative to e^r - 1. Errors: f32 2^-28.7, f64 2^-59.6.
FloatValue expm1_tail(FloatValue r) {
  static constexpr double f32[] = {0.5,          0.166666672,   0.0416663513,
                                   0.0083332723, 0.00139412982, 0.000199146089};
  static constexpr double f64[] = {
      0.5,
      0.16666666666666666,
      0.041666666666666692,
      0.0083333333333333384,
      0.00138888888888719,
      0.00019841269841245433,
      2.4801587350111834e-05,
      2.7557319277771799e-06,
      2.7557251888351317e-07,
      2.5052047458996222e-08,
      2.0921588620836678e-09,
      1.6093409340841744e-10,
  };
  return r.with->is_double() ? polynomial(r, f64) : polynomial(r, f32);
}

/// e^r; `precise`: with the bits that r lost.
FloatValue exp_of_reduced(const Reduced& x, bool precise = false) {
  if (!precise) return multiply_add(x.r * x.r, exp_tail(x.r), x.r) + 1;
  return (multiply_add(x.r * x.r, exp_tail(x.r), x.rest) + x.r) + 1;
}

/// e^x. Without an instruction for it 2^n is two factors of 2^(n/2), so that overflow and denormal results
/// come out right.
FloatValue exp(FloatValue x, bool precise = false) {
  const Arithmetic& with = *x.with;
  const FloatValue bounded =
      with.is_double() ? at_most(at_least(x, -746), 710) : at_most(at_least(x, -104), 89);
  const Reduced reduced = reduce_by_ln2(bounded);
  if (has_scale(with)) return scaled(exp_of_reduced(reduced, precise), reduced.n_float);
  llvm::Value* half = with.builder().CreateAShr(reduced.n, with.integer(1));
  llvm::Value* other = with.builder().CreateSub(reduced.n, half);
  return exp_of_reduced(reduced, precise) * with.power_of_two(half) * with.power_of_two(other);
}

/// e^x where 2^n is a normal number and e^x as well: |x| <= 80.
FloatValue exp_in_range(FloatValue x) {
  const Reduced reduced = reduce_by_ln2(x);
  if (has_scale(*x.with)) return scaled(exp_of_reduced(reduced), reduced.n_float);
  return exp_of_reduced(reduced) * x.with->power_of_two(reduced.n);
}

/// e^x - 1 = 2^n (e^r - 1) + (2^n - 1), computed at half its size so that 2^128 is not met.
FloatValue expm1(FloatValue x) {
  const Arithmetic& with = *x.with;
  const FloatValue bounded =
      with.is_double() ? at_most(at_least(x, -40), 710) : at_most(at_least(x, -18), 89);
  const Reduced reduced = reduce_by_ln2(bounded);
  const FloatValue& r = reduced.r;
  const FloatValue tail = multiply_add(r * r, expm1_tail(r), reduced.rest);
  const FloatValue scale = with.power_of_two(with.builder().CreateSub(reduced.n, with.integer(1)));
  const FloatValue whole = scale - 0.5;
  // whole + scale * r = high + low exactly: |whole| >= |scale r| or whole = 0.
  const FloatValue part = scale * r;
  const FloatValue high = whole + part;
  const FloatValue low = (whole - high) + part;
  const FloatValue half = high + multiply_add(scale, tail, low);
  // Below this e^x - 1 rounds to x; that keeps denormals and the sign of zero.
  const double tiny = with.is_double() ? 0x1p-54 : 0x1p-25;
  return select(less(magnitude(x), tiny), x, half + half);
}

/// A positive normal number u = 2^e (1 + f) with 1 + f in [sqrt(1/2), sqrt(2)].
struct Split {
  FloatValue e, f;
};
Split split(FloatValue u) {
  const Arithmetic& with = *u.with;
  llvm::IRBuilder<>& builder = with.builder();
  llvm::Value* bits = with.bits(u);
  llvm::Value* e = builder.CreateAShr(builder.CreateSub(bits, with.integer(with.bits_of(0x1.6a09e6p-1))),
                                      with.integer(with.fraction_bits()));
  llvm::Value* fraction = builder.CreateSub(bits, builder.CreateShl(e, with.integer(with.fraction_bits())));
  // An integer becomes a number by way of the low bits of the rounder.
  const FloatValue shifted = with.from_bits(builder.CreateAdd(e, with.integer(with.bits_of(with.rounder()))));
  return {shifted - with.rounder(), with.from_bits(fraction) - 1};
}

/// log(1 + f) - f for 1 + f in [sqrt(1/2), sqrt(2)].
/// f32: f^2 (f q(f) - 1/2), 2^-30.2. f64: with s = f / (2 + f) and z = s^2, log(1 + f) = f - f^2/2 +
/// s (f^2/2 + z R(z)), 2^-66; the form is that of fdlibm's log, Sun Microsystems 1993.
FloatValue log_tail(FloatValue f) {
  static constexpr double f32[] = {0.333333105,  -0.249999866, 0.200022265,  -0.16669251, 0.142186612,
                                   -0.123843506, 0.118729569,  -0.117897913, 0.0691539273};
  static constexpr double f64[] = {0.66666666666666663, 0.40000000000004926, 0.28571428569409529,
                                   0.22222222607313866, 0.18181778321280459, 0.15386990556141425,
                                   0.1325210599655185,  0.13235185287899687};
  const FloatValue square = f * f;
  if (!f.with->is_double()) return square * multiply_add(f, polynomial(f, f32), f.with->constant(-0.5));
  const FloatValue s = f / (f + 2);
  const FloatValue z = s * s;
  const FloatValue half = square * 0.5;
  return multiply_add(s, multiply_add(z, polynomial(z, f64), half), -half);
}

/// log(u) + correction for a positive normal u, with `shift` added to its exponent.
FloatValue log_core(FloatValue u, FloatValue shift, FloatValue correction) {
  const Split parts = split(u);
  const FloatValue e = parts.e + shift;
  const auto [high, low] = ln2(*u.with);
  const FloatValue tail = multiply_add(e, low, log_tail(parts.f)) + correction;
  // e high + f = top + rest exactly: |e high| > |f| or e = 0.
  const FloatValue big = e * high;
  const FloatValue top = big + parts.f;
  const FloatValue rest = (big - top) + parts.f;
  return top + (rest + tail);
}

FloatValue log(FloatValue x) {
  const Arithmetic& with = *x.with;
  const double least_normal = with.is_double() ? 0x1p-1022 : 0x1p-126;
  const double lift = with.fraction_bits() + 1;
  llvm::Value* denormal = less(x, least_normal);
  const FloatValue lifted = select(denormal, x * std::ldexp(1.0, with.fraction_bits() + 1), x);
  const FloatValue zero = with.constant(0);
  const FloatValue result = log_core(lifted, select(denormal, with.constant(-lift), zero), zero);
  const FloatValue special =
      select(less(x, 0.0), with.constant(nan), select(equal(x, 0), with.constant(-infinity), x));
  llvm::Value* ordinary = with.builder().CreateAnd(greater(x, 0), less(x, infinity));
  return select(ordinary, result, special);
}

/// log(1 + x) for 0 <= x <= 1 or, `wide`, any x > -1 that is not tiny: u = 1 + x rounded, and what rounding
/// lost.
FloatValue log1p_core(FloatValue x, bool wide) {
  const FloatValue u = x + 1;
  FloatValue lost = x - (u - 1);
  if (wide) lost = select(greater(x, 1), 1 - (u - x), lost);
  return log_core(u, x.with->constant(0), lost / u);
}

FloatValue log1p(FloatValue x) {
  const Arithmetic& with = *x.with;
  const double tiny = with.is_double() ? 0x1p-54 : 0x1p-25;
  const FloatValue result = select(less(magnitude(x), tiny), x, log1p_core(x, true));
  const FloatValue special =
      select(less(x, -1.0), with.constant(nan), select(equal(x, -1), with.constant(-infinity), x));
  llvm::Value* ordinary = with.builder().CreateAnd(greater(x, -1), less(x, infinity));
  return select(ordinary, result, special);
}

/// f64: t / (t + 2) with t = e^2|x| - 1. f32: an odd polynomial up to 1 (2^-27.7), then 1 - 2 / (e^2|x| + 1).
FloatValue tanh(FloatValue x) {
  if (has_table_lookup(*x.with)) return tanh_by_table(x);
  static constexpr double f32[] = {-0.333332956,   0.133323461,  -0.0538798459,  0.0214866716,
                                   -0.00794599205, 0.0023011954, -0.000358381483};
  const FloatValue size = magnitude(x);
  if (x.with->is_double()) {
    const FloatValue t = expm1(at_most(size, 20) * 2);
    return with_sign(t / (t + 2), x);
  }
  const FloatValue square = x * x;
  const FloatValue small = multiply_add(x * square, polynomial(square, f32), x);
  const FloatValue large = 1 - 2 / (exp_in_range(at_most(size, 10) * 2) + 1);
  return with_sign(select(less(size, 1), small, large), x);
}

/// 1 / (1 + e^-x), and e^x / (1 + e^x) for negative x, where small results keep their bits. The quotient is
/// corrected for what rounding lost in the denominator and, where products are exact, in the division.
FloatValue sigmoid(FloatValue x) {
  const FloatValue decay = exp(-magnitude(x));
  llvm::Value* negative = less(x, 0.0);
  const FloatValue numerator = select(negative, decay, x.with->constant(1));
  const FloatValue denominator = decay + 1;
  const FloatValue lost = (1 - denominator) + decay;
  const FloatValue quotient = numerator / denominator;
  FloatValue excess = -(quotient * lost);
  if (x.with->machine().fma) excess = multiply_add(-quotient, denominator, numerator) + excess;
  const FloatValue reciprocal = select(negative, 1 - quotient, quotient);
  return multiply_add(excess, reciprocal, quotient);
}

/// log(1 + e^x) = max(x, 0) + log1p(e^-|x|).
FloatValue softplus(FloatValue x) {
  const FloatValue decay = exp(-magnitude(x), true);
  const double tiny = x.with->is_double() ? 0x1p-54 : 0x1p-25;
  const FloatValue rest = select(less(decay, tiny), decay, log1p_core(decay, false));
  return at_least(x, 0) + rest;
}

/// erf(x) / x - 1 as a polynomial in x^2 up to |x| = 0.93: f32 2^-30.0, f64 2^-56.3.
FloatValue erf_small(FloatValue x) {
  static constexpr double f32[] = {0.128379166,   -0.376126289,    0.112836257,   -0.0268557314,
                                   0.00519240508, -0.000804976968, 7.99664995e-05};
  static constexpr double f64[] = {0.12837916709551259,     -0.37612638903183754,    0.11283791670955069,
                                   -0.026866170645116899,   0.0052239776252539427,   -0.00085483270087271395,
                                   0.00012055332241034626,  -1.4925625326671387e-05, 1.6461533633038808e-06,
                                   -1.6356553602502883e-07, 1.4706079344199334e-08,  -1.1570145223482524e-09,
                                   6.3249229642493557e-11};
  const FloatValue square = x * x;
  return multiply_add(x, x.with->is_double() ? polynomial(square, f64) : polynomial(square, f32), x);
}

/// -log(1 - erf(t)): f32 t + t P(t) on [0.92, 4], 2^-30.3; f64 a polynomial in t - 3 on [0.92, 6], 2^-58.2.
FloatValue erf_exponent(FloatValue t) {
  static constexpr double f32[] = {0.128648952,   0.63514924,      0.10624069,    -0.0237657167,
                                   0.00364438538, -0.000323333254, 1.12905382e-05};
  static constexpr double f64[] = {
      10.720363041981086,      6.3037536890021491,      0.95739421879613817,     0.0074118917917949242,
      -0.0013533104200516609,  0.00024569216582950241,  -4.3081799261942881e-05, 7.115415136752557e-06,
      -1.0694047440172623e-06, 1.3621159798579997e-07,  -1.1439660239530006e-08, -6.4665574083956771e-10,
      5.9950568717693707e-10,  -1.8638751136623097e-10, 4.7260035486657355e-11,  -8.8363142762198696e-12,
      7.8334381834056635e-13,  -1.4531496962095907e-13, 7.3363461128537606e-14,  1.711854754829574e-15,
      -5.8978123033012195e-15, 7.7000134442025502e-16,
  };
  if (t.with->is_double()) return polynomial(t - 3, f64);
  return multiply_add(t, polynomial(t, f32), t);
}

/// An odd polynomial, then 1 - e^-g(|x|).
FloatValue erf(FloatValue x) {
  if (has_table_lookup(*x.with)) return erf_by_table(x);
  const FloatValue size = at_most(magnitude(x), x.with->is_double() ? 6 : 4);
  const FloatValue large = 1 - exp_in_range(-erf_exponent(size));
  return with_sign(select(less(size, 0.93), erf_small(x), large), x);
}

/// The greatest integer not above x: one instruction, or rounding by the rounder where there is none.
FloatValue floor(FloatValue x) {
  const Arithmetic& with = *x.with;
  const Machine& machine = with.machine();
  if (!machine.triple.starts_with("x86_64") || machine.has("sse4.1"))
    return with.number(with.builder().CreateUnaryIntrinsic(llvm::Intrinsic::floor, x.value));
  const double integral = std::ldexp(1.0, with.fraction_bits());
  const FloatValue size = magnitude(x);
  const FloatValue nearest = with_sign((size + integral) - integral, x);
  const FloatValue floored = select(less(x, nearest), nearest - 1, nearest);
  return select(less(size, integral), floored, x);
}

}  // namespace

llvm::Value* emit_math(llvm::IRBuilder<>& builder, const Machine& machine, ScalarKind function,
                       llvm::Value* x) {
  const Arithmetic with(builder, machine, x->getType());
  const FloatValue number = with.number(x);
  // Simplifications that need a closed world (x - x = 0) would undo error-free sums.
  const llvm::IRBuilderBase::FastMathFlagGuard guard(builder);
  builder.setFastMathFlags({});
  if (function == ScalarKind::Exp) return exp(number).value;
  if (function == ScalarKind::Expm1) return expm1(number).value;
  if (function == ScalarKind::Log) return log(number).value;
  if (function == ScalarKind::Log1p) return log1p(number).value;
  if (function == ScalarKind::Sqrt) return builder.CreateUnaryIntrinsic(llvm::Intrinsic::sqrt, x);
  if (function == ScalarKind::Sin || function == ScalarKind::Cos)
    return emit_circular(with, function == ScalarKind::Cos, number).value;
  if (function == ScalarKind::Tanh) return tanh(number).value;
  if (function == ScalarKind::Sigmoid) return sigmoid(number).value;
  if (function == ScalarKind::Softplus) return softplus(number).value;
  if (function == ScalarKind::Erf) return erf(number).value;
  if (function == ScalarKind::Floor) return floor(number).value;
  throw Bug(fmt::format("[math] no elementary function: got {}", name_of(function)));
}

}  // namespace crease
