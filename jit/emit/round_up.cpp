#include "jit/emit/round_up.h"

#include <llvm/IR/IntrinsicsX86.h>

#include <numeric>

#include "graph/error.h"

namespace crease {
namespace {

using llvm::Value;

/// _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC.
constexpr int kUp = 2 | 8;
constexpr unsigned kRegisterBits = 512;

bool embeds_rounding(const Machine& machine) {
  return machine.has("avx512f") && machine.vector_bits == static_cast<int>(kRegisterBits);
}

/// Calls of instructions that exist for full registers only, whatever number of lanes there is.
class Registers {
 public:
  explicit Registers(const Emitter& emitter) : builder_(emitter.builder) {}

  Value* call(llvm::Intrinsic::ID f32, llvm::Intrinsic::ID f64, std::span<Value* const> x) {
    const bool wide = x[0]->getType()->getScalarType()->isDoubleTy();
    const unsigned full = kRegisterBits / (wide ? 64U : 32U);
    const unsigned lanes = lanes_of(x[0]);
    Value* result = nullptr;
    for (unsigned first = 0; first < lanes; first += full) {
      std::vector<Value*> arguments;
      for (Value* operand : x) arguments.push_back(part(operand, first, full));
      arguments.push_back(builder_.getInt32(kUp));
      Value* piece = builder_.CreateIntrinsic(wide ? f64 : f32, {}, arguments);
      result = result == nullptr ? piece : joined(result, piece);
    }
    if (lanes >= full) return result;
    if (!x[0]->getType()->isVectorTy()) return builder_.CreateExtractElement(result, uint64_t{0});
    return builder_.CreateShuffleVector(result, numbers(0, lanes));
  }

 private:
  static std::vector<int> numbers(unsigned first, unsigned count) {
    std::vector<int> result(count);
    std::iota(result.begin(), result.end(), static_cast<int>(first));
    return result;
  }

  /// Lanes [first, first + full) of x; those that x has not are 0.
  Value* part(Value* x, unsigned first, unsigned full) {
    const unsigned lanes = lanes_of(x);
    if (lanes == full) return x;
    llvm::Type* type = llvm::FixedVectorType::get(x->getType()->getScalarType(), full);
    if (!x->getType()->isVectorTy())
      return builder_.CreateInsertElement(llvm::Constant::getNullValue(type), x, uint64_t{0});
    std::vector<int> from = numbers(first, full);
    for (int& lane : from) lane = std::min(lane, static_cast<int>(lanes));
    return builder_.CreateShuffleVector(x, llvm::Constant::getNullValue(x->getType()), from);
  }

  Value* joined(Value* a, Value* b) {
    return builder_.CreateShuffleVector(a, b, numbers(0, lanes_of(a) + lanes_of(b)));
  }

  llvm::IRBuilder<>& builder_;
};

Value* is_zero(llvm::IRBuilder<>& builder, Value* x) {
  return builder.CreateFCmpOEQ(x, llvm::Constant::getNullValue(x->getType()));
}

Value* nearest(llvm::IRBuilder<>& builder, ScalarKind function, std::span<Value* const> x) {
  switch (function) {
    case ScalarKind::Add: return builder.CreateFAdd(x[0], x[1]);
    case ScalarKind::Subtract: return builder.CreateFSub(x[0], x[1]);
    case ScalarKind::Multiply: return builder.CreateFMul(x[0], x[1]);
    case ScalarKind::Divide: return builder.CreateFDiv(x[0], x[1]);
    case ScalarKind::Sqrt: return builder.CreateUnaryIntrinsic(llvm::Intrinsic::sqrt, x[0]);
    default: break;
  }
  throw Bug(fmt::format("[emit] no rounding for {}", name_of(function)));
}

/// Where the result is exact since an operand is 0.
Value* surely_exact(llvm::IRBuilder<>& builder, ScalarKind function, std::span<Value* const> x) {
  Value* first = is_zero(builder, x[0]);
  if (function == ScalarKind::Divide || function == ScalarKind::Sqrt) return first;
  return builder.CreateOr(first, is_zero(builder, x[1]));
}

}  // namespace

llvm::Value* emit_steps_up(const Emitter& emitter, llvm::Value* x, int steps) {
  llvm::IRBuilder<>& builder = emitter.builder;
  const unsigned bits = x->getType()->getScalarSizeInBits();
  llvm::Type* integers = x->getType()->getWithNewType(builder.getIntNTy(bits));
  const auto number = [&](const llvm::APInt& value) { return llvm::ConstantInt::get(integers, value); };
  // As integers, bits of negative numbers run backwards; with all but the sign inverted they run forwards.
  const auto turned = [&](Value* value) {
    Value* sign = builder.CreateAShr(value, number(llvm::APInt(bits, bits - 1)));
    return builder.CreateXor(value, builder.CreateAnd(sign, number(llvm::APInt::getSignedMaxValue(bits))));
  };
  Value* place = turned(builder.CreateBitCast(x, integers));
  Value* next = turned(builder.CreateAdd(place, number(llvm::APInt(bits, static_cast<uint64_t>(steps)))));
  Value* above = builder.CreateBitCast(next, x->getType());
  // A result beyond infinity would be NaN; from at most the greatest numbers it is cut to infinity.
  Value* infinity = llvm::ConstantFP::getInfinity(x->getType());
  Value* cut = builder.CreateSelect(builder.CreateFCmpUNO(above, above), infinity, above);
  return builder.CreateSelect(builder.CreateFCmpOLT(x, infinity), cut, x);
}

llvm::Value* emit_round_up(const Emitter& emitter, ScalarKind function, std::span<llvm::Value* const> x) {
  namespace id = llvm::Intrinsic;
  llvm::IRBuilder<>& builder = emitter.builder;
  if (!embeds_rounding(emitter.machine)) {
    Value* near = nearest(builder, function, x);
    return builder.CreateSelect(surely_exact(builder, function, x), near, emit_steps_up(emitter, near, 1));
  }
  Registers registers(emitter);
  switch (function) {
    case ScalarKind::Add: return registers.call(id::x86_avx512_add_ps_512, id::x86_avx512_add_pd_512, x);
    case ScalarKind::Subtract: return registers.call(id::x86_avx512_sub_ps_512, id::x86_avx512_sub_pd_512, x);
    case ScalarKind::Multiply: return registers.call(id::x86_avx512_mul_ps_512, id::x86_avx512_mul_pd_512, x);
    case ScalarKind::Divide: return registers.call(id::x86_avx512_div_ps_512, id::x86_avx512_div_pd_512, x);
    default: break;
  }
  ensure(function == ScalarKind::Sqrt, "[emit] no rounding for {}", name_of(function));
  return registers.call(id::x86_avx512_sqrt_ps_512, id::x86_avx512_sqrt_pd_512, x);
}

llvm::Value* emit_multiply_add_up(const Emitter& emitter, llvm::Value* a, llvm::Value* b, llvm::Value* c) {
  namespace id = llvm::Intrinsic;
  llvm::IRBuilder<>& builder = emitter.builder;
  Value* const x[] = {a, b, c};
  if (embeds_rounding(emitter.machine))
    return Registers(emitter).call(id::x86_avx512_vfmadd_ps_512, id::x86_avx512_vfmadd_pd_512, x);
  if (!emitter.machine.fma) {
    Value* const terms[] = {emit_round_up(emitter, ScalarKind::Multiply, {x, 2}), c};
    return emit_round_up(emitter, ScalarKind::Add, terms);
  }
  Value* near = builder.CreateIntrinsic(llvm::Intrinsic::fma, {a->getType()}, x);
  Value* exact = surely_exact(builder, ScalarKind::Multiply, x);
  return builder.CreateSelect(exact, near, emit_steps_up(emitter, near, 1));
}

llvm::Value* emit_narrow_up(const Emitter& emitter, llvm::Value* x, llvm::Type* target) {
  llvm::IRBuilder<>& builder = emitter.builder;
  Value* near = builder.CreateFPTrunc(x, target);
  Value* below = builder.CreateFCmpOLT(builder.CreateFPExt(near, x->getType()), x);
  return builder.CreateSelect(below, emit_steps_up(emitter, near, 1), near);
}

}  // namespace crease
