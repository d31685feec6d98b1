#include "jit/emit/math_trigonometry.h"

#include <fmt/format.h>

#include <limits>

#include "jit/emit/emitter.h"

namespace crease {
namespace {

using llvm::Value;

/// Up to here a multiple n of pi/2 has 20 bits, and its products with 33-bit parts are exact.
constexpr double easy_limit = 0x1p20;
/// pi/2 in parts of 33 bits, and the rest. From 400-bit arithmetic.
constexpr double part1 = 0x1.921fb544p+0, part2 = 0x1.0b4611a6p-34, part3 = 0x1.3198a2ep-69,
                 part4 = 0x1.b839a252049c1p-104;
/// The first 1216 bits of 2/pi behind 64 zeros. From 1600-bit arithmetic.
constexpr uint64_t two_over_pi[] = {
    0x0000000000000000, 0xa2f9836e4e441529, 0xfc2757d1f534ddc0, 0xdb6295993c439041, 0xfe5163abdebbc561,
    0xb7246e3a424dd2e0, 0x06492eea09d1921c, 0xfe1deb1cb129a73e, 0xe88235f52ebb4484, 0xe99c7026b45f7e41,
    0x3991d639835339f4, 0x9c845f8bbdf9283b, 0x1ff897ffde05980f, 0xef2f118b5a0a6d1f, 0x6d367ecf27cb09b7,
    0x4f463f669e5fea2d, 0x7527bac7ebe5f17b, 0x3d0739f78a5292ea, 0x6bfb5fb11f8d5d08, 0x56033046fc7b6bab};

/// x = quadrant * pi/2 + r + rest, |r| <= pi/4, all in f64.
struct Angle {
  Value* quadrant;  // only its last two bits count
  FloatValue r, rest;
};

/// (sin(r) - r) / r^3 and (cos(r) - 1 + r^2/2) / r^4 in z = r^2 on |r| <= 0.787. Errors relative to sine and
/// cosine: 2^-63.2 and 2^-64.1.
constexpr double sine_tail[] = {-0.16666666666666666,   0.0083333333333330383,   -0.00019841269840956089,
                                2.7557319069857173e-06, -2.5052069707478565e-08, 1.6054144728481034e-10,
                                -7.3807953428650879e-13};
constexpr double cosine_tail[] = {0.041666666666666602,    -0.001388888888887443,  2.4801587289624835e-05,
                                  -2.7557314383123704e-07, 2.0875726355851615e-09, -1.1359761202933056e-11};
/// The same to 2^-37.5 and 2^-43, for results in f32.
constexpr double short_sine_tail[] = {-0.16666666641370781, 0.0083333293557014375, -0.00019839324994497826,
                                      2.7182166717288169e-06};
constexpr double short_cosine_tail[] = {0.041666666622380936, -0.001388888371418813, 2.4799509505558669e-05,
                                        -2.7209358908446014e-07};

/// The function of an angle; `precise`: to f64's last bit.
FloatValue circular_of(const Angle& angle, bool cosine, bool precise) {
  const Arithmetic& with = *angle.r.with;
  llvm::IRBuilder<>& builder = with.builder();
  const FloatValue& r = angle.r;
  const FloatValue z = r * r;
  const FloatValue half = z * 0.5;
  const FloatValue one_less = 1 - half;
  const FloatValue sine_rest = precise ? multiply_add(-half, angle.rest, angle.rest) : angle.rest;
  const FloatValue sine =
      r + multiply_add(r * z, precise ? polynomial(z, sine_tail) : polynomial(z, short_sine_tail), sine_rest);
  // 1 - half in two parts, so that its rounding is not lost.
  const FloatValue cosine_rest = ((1 - one_less) - half) - r * angle.rest;
  const FloatValue cosine_value =
      one_less + multiply_add(z * z, precise ? polynomial(z, cosine_tail) : polynomial(z, short_cosine_tail),
                              cosine_rest);

  Value* quadrant = cosine ? builder.CreateAdd(angle.quadrant, with.integer(1)) : angle.quadrant;
  Value* odd = builder.CreateICmpNE(builder.CreateAnd(quadrant, with.integer(1)), with.integer(0));
  const FloatValue value = select(odd, cosine_value, sine);
  Value* sign = builder.CreateShl(builder.CreateAnd(quadrant, with.integer(2)), with.integer(62));
  return with.from_bits(builder.CreateXor(with.bits(value), sign));
}

/// a - b = difference + error exactly. Knuth's two-sum.
struct Difference {
  FloatValue value, error;
};
Difference exact_difference(FloatValue a, FloatValue b) {
  const FloatValue value = a - b;
  const FloatValue back = value - a;
  return {value, (a - (value - back)) - (b + back)};
}

/// For |x| <= easy_limit.
Angle easy_angle(FloatValue x, bool precise) {
  const Arithmetic& with = *x.with;
  const FloatValue rounded = multiply_add(x, 0x1.45f306dc9c883p-1, with.constant(with.rounder()));
  const FloatValue n = rounded - with.rounder();
  Value* quadrant = with.bits(rounded);
  const FloatValue first = x - n * part1;
  // Floats come no nearer to a multiple of pi/2 than 2^-30 of themselves: 86 bits of it are enough.
  if (!precise) return {quadrant, first - n * (part2 + part3), with.constant(0)};
  const Difference second = exact_difference(first, n * part2);
  const Difference third = exact_difference(second.value, n * part3);
  const FloatValue low = (second.error + third.error) - n * part4;
  const FloatValue r = third.value + low;
  return {quadrant, r, (third.value - r) + low};
}

/// For one f64 from easy_limit on, by Payne and Hanek 1983: of the bits of 2/pi only those matter whose
/// product with x is neither a multiple of 4 nor too small.
Angle hard_angle(FloatValue x) {
  const Arithmetic& with = *x.with;
  llvm::IRBuilder<>& b = with.builder();
  llvm::Module* module = b.GetInsertBlock()->getModule();
  const auto word = [&](uint64_t value) { return b.getInt64(value); };
  llvm::Type* wide = b.getInt128Ty();

  // |x| = m 2^e; the bits of 2/pi from position e - 2 behind the point on, 64 later in the table.
  Value* bits = with.bits(x);
  Value* exponent = b.CreateAnd(b.CreateLShr(bits, 52), word(0x7ff));
  Value* m = b.CreateOr(b.CreateAnd(bits, word((1ULL << 52) - 1)), word(1ULL << 52));
  Value* position = b.CreateSub(exponent, word(1075 - 62));
  llvm::Constant* data = llvm::ConstantDataArray::get(b.getContext(), llvm::ArrayRef(two_over_pi));
  llvm::GlobalVariable* table = module->getNamedGlobal("crease.two_over_pi");
  if (table == nullptr)
    table = new llvm::GlobalVariable(*module, data->getType(), true, llvm::GlobalValue::InternalLinkage, data,
                                     "crease.two_over_pi");
  Value* shift = b.CreateAnd(position, word(63));
  Value* base = b.CreateGEP(b.getInt64Ty(), table, b.CreateLShr(position, 6));
  Value* words[4];
  for (unsigned i = 0; i < 4; ++i)
    words[i] = b.CreateLoad(b.getInt64Ty(), b.CreateConstGEP1_64(b.getInt64Ty(), base, i));
  const auto window = [&](int i) {
    return b.CreateIntrinsic(llvm::Intrinsic::fshl, {b.getInt64Ty()}, {words[i], words[i + 1], shift});
  };

  // m times the window, modulo 2^192: 2 bits of quadrant and 190 of fraction.
  const auto widened = [&](Value* value) { return b.CreateZExt(value, wide); };
  const auto high_word = [&](Value* value) { return b.CreateTrunc(b.CreateLShr(value, 64), b.getInt64Ty()); };
  const auto low_word = [&](Value* value) { return b.CreateTrunc(value, b.getInt64Ty()); };
  Value* low = b.CreateMul(widened(m), widened(window(2)));
  Value* middle = b.CreateAdd(b.CreateMul(widened(m), widened(window(1))), widened(high_word(low)));
  Value* top = b.CreateAdd(b.CreateMul(m, window(0)), high_word(middle));
  const auto shifted = [&](Value* upper, Value* lower) {
    return b.CreateIntrinsic(llvm::Intrinsic::fshl, {b.getInt64Ty()}, {upper, lower, word(2)});
  };
  Value* fraction = shifted(top, low_word(middle));  // signed: the nearer quadrant is meant
  Value* below = shifted(low_word(middle), low_word(low));
  Value* quadrant = b.CreateAdd(b.CreateLShr(top, 62), b.CreateLShr(fraction, 63));

  // fraction * pi/2 with the leading 53 bits apart, where no rounding happens.
  const auto to_number = [&](Value* value, double scale) {
    return with.number(b.CreateSIToFP(value, with.type())) * scale;
  };
  const FloatValue head = to_number(b.CreateAnd(fraction, word(~2047ULL)), 0x1p-64);
  const FloatValue tail =
      to_number(b.CreateAnd(fraction, word(2047)), 0x1p-64) + to_number(b.CreateLShr(below, 1), 0x1p-127);
  const FloatValue r =
      head * 0x1.921fb54442d18p+0 + (head * 0x1.1a62633145c07p-54 + tail * 0x1.921fb54442d18p+0);
  return {quadrant, r, with.constant(0)};
}

/// The value for one lane beyond easy_limit.
FloatValue hard_circular(FloatValue x, bool cosine) {
  const FloatValue value = circular_of(hard_angle(x), cosine, true);
  return cosine ? value : select(less(x, 0.0), -value, value);
}

/// Replaces the lanes of `easy` for which `hard` holds, one at a time through stack memory.
FloatValue replace_hard_lanes(FloatValue x, FloatValue easy, Value* hard, bool cosine) {
  const Arithmetic& with = *x.with;
  llvm::IRBuilder<>& builder = with.builder();
  if (with.lanes() == 1)
    return select(hard, hard_circular(select(hard, x, with.constant(easy_limit)), cosine), easy);
  llvm::Function* function = builder.GetInsertBlock()->getParent();
  Emitter emitter{*function->getParent(), builder, with.machine()};
  const auto keep = [&](Value* value) {
    Value* place = builder.CreateAlloca(value->getType());
    builder.CreateStore(value, place);
    return place;
  };
  // Easy lanes get an argument that is safe to compute with; what comes of it is not used.
  Value* arguments = keep(select(hard, x, with.constant(easy_limit)).value);
  Value* values = keep(with.constant(0).value);
  const Arithmetic scalar(builder, with.machine(), builder.getDoubleTy());
  emit_loop(emitter, emitter.i64(0), emitter.i64(with.lanes()), 1, "lane", [&](Value* lane) {
    Value* argument = builder.CreateLoad(scalar.type(), emitter.element(arguments, lane, Type::f64));
    builder.CreateStore(hard_circular(scalar.number(argument), cosine).value,
                        emitter.element(values, lane, Type::f64));
  });
  return select(hard, with.number(builder.CreateLoad(with.type(), values)), easy);
}

/// The body of the module's function: the easy way for all lanes, the hard one if any lane asks for it.
Value* circular_body(llvm::IRBuilder<>& builder, const Machine& machine, Value* argument, bool cosine) {
  const bool precise = argument->getType()->getScalarType()->isDoubleTy();
  llvm::Type* doubles = builder.getDoubleTy();
  if (const auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(argument->getType()))
    doubles = llvm::FixedVectorType::get(doubles, vector->getNumElements());
  const Arithmetic with(builder, machine, doubles);
  const FloatValue x = with.number(precise ? argument : builder.CreateFPExt(argument, doubles));
  const FloatValue size = magnitude(x);
  FloatValue easy = circular_of(easy_angle(x, precise), cosine, precise);
  // sin(x) = x to the last bit; this also keeps the sign of zero.
  if (!cosine) easy = select(less(size, 0x1p-27), x, easy);

  Value* hard =
      builder.CreateAnd(greater(size, easy_limit), less(size, std::numeric_limits<double>::infinity()));
  Value* any = with.lanes() == 1 ? hard : builder.CreateOrReduce(hard);
  llvm::Function* function = builder.GetInsertBlock()->getParent();
  llvm::BasicBlock* before = builder.GetInsertBlock();
  auto* slow = llvm::BasicBlock::Create(builder.getContext(), "hard", function);
  auto* done = llvm::BasicBlock::Create(builder.getContext(), "done", function);
  builder.CreateCondBr(any, slow, done);
  builder.SetInsertPoint(slow);
  const FloatValue replaced = replace_hard_lanes(x, easy, hard, cosine);
  llvm::BasicBlock* after = builder.GetInsertBlock();
  builder.CreateBr(done);
  done->moveAfter(after);
  builder.SetInsertPoint(done);
  llvm::PHINode* value = builder.CreatePHI(doubles, 2);
  value->addIncoming(easy.value, before);
  value->addIncoming(replaced.value, after);
  return precise ? static_cast<Value*>(value) : builder.CreateFPTrunc(value, argument->getType());
}

llvm::Function* circular_function(const Arithmetic& with, bool cosine) {
  llvm::IRBuilder<>& builder = with.builder();
  llvm::Function* caller = builder.GetInsertBlock()->getParent();
  const std::string name =
      fmt::format("crease.{}.{}x{}", cosine ? "cos" : "sin", with.is_double() ? "f64" : "f32", with.lanes());
  if (llvm::Function* known = caller->getParent()->getFunction(name)) return known;
  auto* signature = llvm::FunctionType::get(with.type(), {with.type()}, false);
  auto* function =
      llvm::Function::Create(signature, llvm::Function::InternalLinkage, name, caller->getParent());
  // The same processor and vector preferences as the caller: they decide how vectors are passed.
  function->addFnAttrs(llvm::AttrBuilder(builder.getContext(), caller->getAttributes().getFnAttrs()));
  function->addFnAttr(llvm::Attribute::NoInline);
  const llvm::IRBuilderBase::InsertPointGuard guard(builder);
  builder.SetInsertPoint(llvm::BasicBlock::Create(builder.getContext(), "entry", function));
  builder.CreateRet(circular_body(builder, with.machine(), function->getArg(0), cosine));
  return function;
}

}  // namespace

FloatValue emit_circular(const Arithmetic& with, bool cosine, FloatValue x) {
  return with.number(with.builder().CreateCall(circular_function(with, cosine), {x.value}));
}

}  // namespace crease
