#include "jit/emit/emit_scalar.h"

#include <llvm/IR/IntrinsicsX86.h>
#include <llvm/IR/PatternMatch.h>

#include <array>

#include "graph/error.h"
#include "graph/integers.h"
#include "jit/emit/math.h"
#include "jit/emit/round_up.h"

namespace crease {

namespace {

/// `type` as scalar or in the form (vector or not) of `like`.
llvm::Type* form_of(llvm::Type* type, const llvm::Value* like) {
  const auto* vector = llvm::dyn_cast<llvm::FixedVectorType>(like->getType());
  return vector == nullptr ? type : llvm::FixedVectorType::get(type, vector->getNumElements());
}

/// Allows a product and the sum it goes into to be rounded once. Both must be marked, and only sums of
/// reductions are: elementwise arithmetic keeps the interpreter's bits.
llvm::Value* contractible(llvm::Value* value) {
  if (auto* instruction = llvm::dyn_cast<llvm::Instruction>(value)) instruction->setHasAllowContract(true);
  return value;
}

/// Bits of the rounded number, by the instruction for it.
llvm::Value* converted_bits(const Emitter& emitter, llvm::Value* x) {
  llvm::IRBuilder<>& builder = emitter.builder;
  const auto intrinsic = lanes_of(x) == 16 ? llvm::Intrinsic::x86_avx512bf16_cvtneps2bf16_512
                                           : llvm::Intrinsic::x86_avx512bf16_cvtneps2bf16_256;
  llvm::Value* narrow = builder.CreateIntrinsic(intrinsic, {}, {x});
  narrow = builder.CreateBitCast(narrow, form_of(builder.getInt16Ty(), x));
  return builder.CreateShl(builder.CreateZExt(narrow, form_of(builder.getInt32Ty(), x)), 16);
}

/// The same in integers. Adding half of the last place, less one where that is even, carries into the place.
llvm::Value* computed_bits(const Emitter& emitter, llvm::Value* x) {
  llvm::IRBuilder<>& builder = emitter.builder;
  llvm::Type* form = form_of(builder.getInt32Ty(), x);
  const auto number = [&](uint32_t value) { return llvm::ConstantInt::get(form, value); };
  llvm::Value* bits = builder.CreateBitCast(x, form);
  llvm::Value* odd = builder.CreateAnd(builder.CreateLShr(bits, 16), number(1));
  llvm::Value* rounded = builder.CreateAdd(builder.CreateAdd(bits, number(0x7fff)), odd);
  rounded = builder.CreateAnd(rounded, number(0xffff0000));
  llvm::Value* magnitude = builder.CreateAnd(bits, number(0x7fffffff));
  llvm::Value* is_nan = builder.CreateICmpUGT(magnitude, number(0x7f800000));
  llvm::Value* quiet = builder.CreateOr(builder.CreateAnd(bits, number(0xffff0000)), number(0x00400000));
  llvm::Value* is_tiny = builder.CreateICmpULT(magnitude, number(0x00800000));
  rounded = builder.CreateSelect(is_tiny, builder.CreateAnd(bits, number(0x80000000)), rounded);
  return builder.CreateSelect(is_nan, quiet, rounded);
}

bool is_signed(Type type) { return type == Type::i64 || type == Type::i32; }

/// Whether a constant that is no NaN is known at compile time.
bool is_number(const llvm::Value* value) {
  const auto* constant = llvm::dyn_cast<llvm::Constant>(value);
  if (constant == nullptr) return false;
  if (llvm::isa<llvm::FixedVectorType>(constant->getType())) constant = constant->getSplatValue();
  const auto* number = constant == nullptr ? nullptr : llvm::dyn_cast<llvm::ConstantFP>(constant);
  return number != nullptr && !number->isNaN();
}

/// Whether `a` is -b: both are NaN or neither.
bool is_opposite(llvm::Value* a, llvm::Value* b) {
  return llvm::PatternMatch::match(a, llvm::PatternMatch::m_FNeg(llvm::PatternMatch::m_Specific(b)));
}

/// b < a (less) or a < b as `second is better`.
llvm::Value* emit_extremum(const Emitter& emitter, bool greatest, Type type, llvm::Value* a, llvm::Value* b) {
  llvm::IRBuilder<>& builder = emitter.builder;
  if (!is_floating(type)) {
    const auto less = is_signed(type) ? llvm::CmpInst::ICMP_SLT : llvm::CmpInst::ICMP_ULT;
    return builder.CreateSelect(greatest ? builder.CreateICmp(less, a, b) : builder.CreateICmp(less, b, a), b,
                                a);
  }
  llvm::Value* first = greatest ? a : b;
  llvm::Value* second = greatest ? b : a;
  // An ordered compare gives a where either is NaN: right unless b is NaN. An unordered one gives b.
  if (is_number(b) || is_opposite(a, b) || is_opposite(b, a))
    return builder.CreateSelect(builder.CreateFCmpOLT(first, second), b, a);
  llvm::Value* better = builder.CreateSelect(builder.CreateFCmpULT(first, second), b, a);
  if (is_number(a)) return better;
  return builder.CreateSelect(builder.CreateFCmpUNO(a, a), a, better);
}

llvm::Value* emit_truth(const Emitter& emitter, ScalarKind function, std::span<llvm::Value* const> x) {
  llvm::IRBuilder<>& builder = emitter.builder;
  if (function == ScalarKind::And) return builder.CreateAnd(x[0], x[1]);
  if (function == ScalarKind::Or) return builder.CreateOr(x[0], x[1]);
  return builder.CreateNot(x[0]);
}

llvm::Value* emit_compare(const Emitter& emitter, ScalarKind function, Type type, llvm::Value* a,
                          llvm::Value* b) {
  llvm::IRBuilder<>& builder = emitter.builder;
  if (is_floating(type)) {
    // Which of two opposite numbers is less is a question of the sign.
    llvm::Value* zero = llvm::Constant::getNullValue(a->getType());
    if (is_opposite(a, b))
      a = zero;
    else if (is_opposite(b, a))
      b = zero;
    if (function == ScalarKind::Less) return builder.CreateFCmpOLT(a, b);
    if (function == ScalarKind::LessEqual) return builder.CreateFCmpOLE(a, b);
    return builder.CreateFCmpOEQ(a, b);
  }
  if (function == ScalarKind::Equal) return builder.CreateICmpEQ(a, b);
  const bool strict = function == ScalarKind::Less;
  if (is_signed(type)) return strict ? builder.CreateICmpSLT(a, b) : builder.CreateICmpSLE(a, b);
  return strict ? builder.CreateICmpULT(a, b) : builder.CreateICmpULE(a, b);
}

/// The module's function of one number, made on first use: a scalar is no loop, and long code takes long to
/// compile.
llvm::Function* scalar_function(const Emitter& emitter, ScalarKind function, Type type) {
  const std::string name = fmt::format("crease.scalar.{}.{}", name_of(function), to_string(type));
  if (llvm::Function* known = emitter.module.getFunction(name)) return known;
  llvm::IRBuilder<>& builder = emitter.builder;
  llvm::Type* number = emitter.value_type(type);
  auto* made = llvm::Function::Create(llvm::FunctionType::get(number, {number}, false),
                                      llvm::Function::InternalLinkage, name, emitter.module);
  const llvm::Function* caller = builder.GetInsertBlock()->getParent();
  for (const char* attribute : {"prefer-vector-width", "min-legal-vector-width"})
    if (caller->hasFnAttribute(attribute)) made->addFnAttr(caller->getFnAttribute(attribute));
  made->addFnAttr(llvm::Attribute::NoUnwind);
  made->addFnAttr(llvm::Attribute::NoInline);
  const llvm::IRBuilderBase::InsertPointGuard guard(builder);
  builder.SetInsertPoint(llvm::BasicBlock::Create(emitter.context(), "entry", made));
  builder.CreateRet(emit_function(emitter, function, made->getArg(0)));
  return made;
}

/// Whether IEEE 754 says how the result is rounded.
bool is_rounded(ScalarKind function) {
  return function == ScalarKind::Add || function == ScalarKind::Subtract ||
         function == ScalarKind::Multiply || function == ScalarKind::Divide || function == ScalarKind::Sqrt;
}

llvm::Value* emit_arithmetic(const Emitter& emitter, ScalarKind function, Type type,
                             std::span<llvm::Value* const> x) {
  llvm::IRBuilder<>& builder = emitter.builder;
  const bool floating = is_floating(type);
  if (floating && emitter.rounding == Rounding::Up && is_rounded(function))
    return emit_round_up(emitter, function, x);
  switch (function) {
    case ScalarKind::Add: return floating ? builder.CreateFAdd(x[0], x[1]) : builder.CreateAdd(x[0], x[1]);
    case ScalarKind::Subtract:
      return floating ? builder.CreateFSub(x[0], x[1]) : builder.CreateSub(x[0], x[1]);
    case ScalarKind::Multiply:
      return floating ? contractible(builder.CreateFMul(x[0], x[1])) : builder.CreateMul(x[0], x[1]);
    case ScalarKind::Negate: return floating ? builder.CreateFNeg(x[0]) : builder.CreateNeg(x[0]);
    case ScalarKind::Max: return emit_extremum(emitter, true, type, x[0], x[1]);
    case ScalarKind::Min: return emit_extremum(emitter, false, type, x[0], x[1]);
    case ScalarKind::Select: return builder.CreateSelect(x[0], x[1], x[2]);
    default: break;
  }
  ensure(floating, "[emit] {} has no integer form", name_of(function));
  if (function == ScalarKind::Divide) return builder.CreateFDiv(x[0], x[1]);
  if (x[0]->getType()->isVectorTy() || function == ScalarKind::Sqrt || function == ScalarKind::Floor)
    return emit_function(emitter, function, x[0]);
  return builder.CreateCall(scalar_function(emitter, function, type), {x[0]});
}

/// One step of a sum or product of reduction.
llvm::Value* emit_rounded_combine(const Emitter& emitter, Combine combine, llvm::Value* total,
                                  llvm::Value* value) {
  llvm::Value* const x[] = {total, value};
  return emit_round_up(emitter, combine == Combine::Sum ? ScalarKind::Add : ScalarKind::Multiply, x);
}

}  // namespace

llvm::Value* emit_function(const Emitter& emitter, ScalarKind function, llvm::Value* x) {
  llvm::Value* y = emit_math(emitter.builder, emitter.machine, function, x);
  const bool exact = function == ScalarKind::Floor || emitter.rounding == Rounding::Nearest;
  return exact ? y : emit_steps_up(emitter, y, 8);
}

llvm::Constant* emit_constant(const Emitter& emitter, Type type, double value, int lanes) {
  llvm::Type* scalar = emitter.value_type(type);
  llvm::Constant* constant = nullptr;
  if (type == Type::f32)
    constant = llvm::ConstantFP::get(emitter.context(), llvm::APFloat(static_cast<float>(value)));
  else if (type == Type::f64)
    constant = llvm::ConstantFP::get(emitter.context(), llvm::APFloat(value));
  else if (type == Type::boolean)
    constant = llvm::ConstantInt::get(scalar, value != 0 ? 1 : 0);
  else
    constant = llvm::ConstantInt::get(scalar, static_cast<uint64_t>(to_integer(value)), true);
  if (lanes == 1) return constant;
  return llvm::ConstantVector::getSplat(llvm::ElementCount::getFixed(static_cast<unsigned>(lanes)), constant);
}

llvm::Value* emit_splat(const Emitter& emitter, llvm::Value* value, int lanes) {
  if (lanes == 1 || value->getType()->isVectorTy()) return value;
  return emitter.builder.CreateVectorSplat(static_cast<unsigned>(lanes), value);
}

llvm::Value* emit_convert(const Emitter& emitter, llvm::Value* value, Type from, Type to) {
  llvm::IRBuilder<>& builder = emitter.builder;
  if (from == to) return value;
  llvm::Type* target = form_of(emitter.value_type(to), value);
  if (to == Type::boolean) {
    llvm::Value* zero = llvm::Constant::getNullValue(value->getType());
    return is_floating(from) ? builder.CreateFCmpUNE(value, zero) : builder.CreateICmpNE(value, zero);
  }
  if (from == Type::f64 && to == Type::f32 && emitter.rounding == Rounding::Up)
    return emit_narrow_up(emitter, value, target);
  if (is_floating(from) && is_floating(to)) return builder.CreateFPCast(value, target);
  if (is_floating(from)) {
    llvm::Type* wide = form_of(builder.getInt64Ty(), value);
    llvm::Value* whole =
        builder.CreateIntrinsic(llvm::Intrinsic::fptosi_sat, {wide, value->getType()}, {value});
    return builder.CreateIntCast(whole, target, true);
  }
  if (is_floating(to))
    return is_signed(from) ? builder.CreateSIToFP(value, target) : builder.CreateUIToFP(value, target);
  return builder.CreateIntCast(value, target, is_signed(from));
}

llvm::Value* emit_compute(const Emitter& emitter, ScalarKind function, Type operand_type,
                          std::span<llvm::Value* const> operands) {
  switch (function) {
    case ScalarKind::And:
    case ScalarKind::Or:
    case ScalarKind::Not: return emit_truth(emitter, function, operands);
    case ScalarKind::Less:
    case ScalarKind::LessEqual:
    case ScalarKind::Equal: return emit_compare(emitter, function, operand_type, operands[0], operands[1]);
    default: return emit_arithmetic(emitter, function, operand_type, operands);
  }
}

llvm::Value* emit_wins(const Emitter& emitter, Combine combine, Type type, llvm::Value* best,
                       llvm::Value* value) {
  llvm::IRBuilder<>& builder = emitter.builder;
  const bool greatest = combine == Combine::Max || combine == Combine::ArgMax;
  llvm::Value* small = greatest ? best : value;
  llvm::Value* great = greatest ? value : best;
  if (!is_floating(type))
    return is_signed(type) ? builder.CreateICmpSLT(small, great) : builder.CreateICmpULT(small, great);
  // small < great, or value is NaN, but not if best is NaN already.
  llvm::Value* better = builder.CreateFCmpULT(small, great);
  return builder.CreateAnd(better, builder.CreateFCmpORD(best, best));
}

llvm::Value* emit_combine(const Emitter& emitter, Combine combine, Type type, llvm::Value* total,
                          llvm::Value* value) {
  llvm::IRBuilder<>& builder = emitter.builder;
  const bool rounded = is_floating(type) && (combine == Combine::Sum || combine == Combine::Product);
  if (rounded && emitter.rounding == Rounding::Up)
    return emit_rounded_combine(emitter, combine, total, value);
  switch (combine) {
    case Combine::Assign: return value;
    case Combine::Sum:
      if (!is_floating(type)) return builder.CreateAdd(total, value);
      return contractible(builder.CreateFAdd(total, value));
    case Combine::Product:
      return is_floating(type) ? builder.CreateFMul(total, value) : builder.CreateMul(total, value);
    case Combine::Max:
    case Combine::Min:
    case Combine::ArgMax:
    case Combine::ArgMin: break;
  }
  return builder.CreateSelect(emit_wins(emitter, combine, type, total, value), value, total);
}

llvm::Value* emit_uniform(const Emitter& emitter, uint64_t seed, llvm::Value* counter, llvm::Value* index) {
  // Philox 4x32-10; 32-bit words kept in 64-bit lanes. Source: Salmon et al. 2011.
  llvm::IRBuilder<>& builder = emitter.builder;
  llvm::Type* wide = index->getType();
  const auto number = [&](uint64_t value) { return llvm::ConstantInt::get(wide, value); };
  const auto low = [&](llvm::Value* x) { return builder.CreateAnd(x, number(0xFFFFFFFF)); };
  const auto high = [&](llvm::Value* x) { return builder.CreateLShr(x, number(32)); };
  llvm::Value* block = builder.CreateLShr(index, number(2));
  std::array<llvm::Value*, 4> c{low(block), high(block), low(counter), high(counter)};
  auto k0 = static_cast<uint32_t>(seed), k1 = static_cast<uint32_t>(seed >> 32);
  for (int i = 0; i < 10; ++i) {
    llvm::Value* p0 = builder.CreateMul(c[0], number(0xD2511F53));
    llvm::Value* p1 = builder.CreateMul(c[2], number(0xCD9E8D57));
    c = {builder.CreateXor(builder.CreateXor(high(p1), c[1]), number(k0)), low(p1),
         builder.CreateXor(builder.CreateXor(high(p0), c[3]), number(k1)), low(p0)};
    k0 += 0x9E3779B9;
    k1 += 0xBB67AE85;
  }
  llvm::Value* lane = builder.CreateAnd(index, number(3));
  llvm::Value* word = c[3];
  for (uint64_t i = 0; i < 3; ++i)
    word = builder.CreateSelect(builder.CreateICmpEQ(lane, number(i)), c[i], word);
  llvm::Type* single = form_of(builder.getFloatTy(), index);
  llvm::Value* top = builder.CreateLShr(word, number(8));
  return builder.CreateFMul(builder.CreateSIToFP(top, single), llvm::ConstantFP::get(single, 0x1p-24));
}

llvm::Value* emit_rounded_bits(const Emitter& emitter, llvm::Value* x) {
  const unsigned lanes = lanes_of(x);
  const bool has_instruction =
      emitter.machine.has("avx512bf16") && (lanes == 16 || (lanes == 8 && emitter.machine.has("avx512vl")));
  return has_instruction ? converted_bits(emitter, x) : computed_bits(emitter, x);
}

llvm::Value* emit_multiply_add(const Emitter& emitter, llvm::Value* a, llvm::Value* b, llvm::Value* sum) {
  llvm::IRBuilder<>& builder = emitter.builder;
  if (emitter.rounding == Rounding::Up) return emit_multiply_add_up(emitter, a, b, sum);
  if (emitter.machine.fma)
    return builder.CreateIntrinsic(llvm::Intrinsic::fma, {sum->getType()}, {a, b, sum});
  return builder.CreateFAdd(sum, builder.CreateFMul(a, b));
}

llvm::Value* emit_rounded(const Emitter& emitter, llvm::Value* x) {
  return emitter.builder.CreateBitCast(emit_rounded_bits(emitter, x), x->getType());
}

}  // namespace crease
