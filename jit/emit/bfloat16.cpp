#include "jit/emit/bfloat16.h"

#include <llvm/IR/IntrinsicsX86.h>

#include "jit/emit/carried_loop.h"
#include "jit/emit/emit_scalar.h"

namespace crease {

llvm::Value* emit_pairs_multiply_add(const Emitter& emitter, llvm::Value* a, llvm::Value* b,
                                     llvm::Value* sum) {
  llvm::IRBuilder<>& builder = emitter.builder;
  const unsigned lanes = llvm::cast<llvm::FixedVectorType>(sum->getType())->getNumElements();
  const auto intrinsic = lanes == 16  ? llvm::Intrinsic::x86_avx512bf16_dpbf16ps_512
                         : lanes == 8 ? llvm::Intrinsic::x86_avx512bf16_dpbf16ps_256
                                      : llvm::Intrinsic::x86_avx512bf16_dpbf16ps_128;
  auto* halves = llvm::FixedVectorType::get(builder.getBFloatTy(), 2 * lanes);
  return builder.CreateIntrinsic(intrinsic, {},
                                 {sum, builder.CreateBitCast(a, halves), builder.CreateBitCast(b, halves)});
}

llvm::Value* RoundedPack::packed_depth(llvm::Value* depth) const {
  if (!pairs_) return depth;
  llvm::IRBuilder<>& builder = emitter_.builder;
  return builder.CreateLShr(builder.CreateAdd(depth, emitter_.i64(1)), 1);
}

llvm::Value* RoundedPack::at(llvm::Value* base, llvm::Value* index, llvm::Value* stride) const {
  return emitter_.element(base, emitter_.builder.CreateMul(index, stride), Type::f32);
}

llvm::Value* RoundedPack::load(llvm::Value* from, llvm::Value* mask) const {
  auto* vector = llvm::FixedVectorType::get(
      emitter_.builder.getFloatTy(), static_cast<unsigned>(emitter_.machine.lanes(size_of(Type::f32))));
  return emitter_.load_vector(vector, from, llvm::Align(4), mask);
}

void RoundedPack::store(llvm::Value* value, llvm::Value* to, llvm::Value* mask) const {
  emitter_.store_vector(value, to, llvm::Align(4), mask);
}

/// The bits of one element of the target: of the first number, or of a pair.
llvm::Value* RoundedPack::element_of(llvm::Value* first, llvm::Value* second) const {
  llvm::Value* upper = emit_rounded_bits(emitter_, first);
  if (second == nullptr) return upper;
  return emitter_.builder.CreateOr(upper,
                                   emitter_.builder.CreateLShr(emit_rounded_bits(emitter_, second), 16));
}

void RoundedPack::across(const MatrixOperand& source, llvm::Value* wide, llvm::Value* depth,
                         llvm::Value* target, llvm::Value* stride) const {
  llvm::IRBuilder<>& builder = emitter_.builder;
  const int64_t step = pairs_ ? 2 : 1;
  llvm::Value* full = builder.CreateAnd(depth, emitter_.i64(-step));
  const auto line = [&](llvm::Value* d, bool two) {
    llvm::Value* upper = at(source.base, d, source.column_stride);
    llvm::Value* lower = two ? at(upper, emitter_.i64(1), source.column_stride) : nullptr;
    across_line(upper, lower, wide, at(target, pairs_ ? builder.CreateLShr(d, 1) : d, stride));
  };
  emit_loop(emitter_, emitter_.i64(0), full, step, "round.depth", [&](llvm::Value* d) { line(d, pairs_); });
  emit_loop(emitter_, full, depth, step, "round.last", [&](llvm::Value* d) { line(d, false); });
}

/// All of the wide direction, one element of the depth; `lower` is null where there is none.
void RoundedPack::across_line(llvm::Value* upper, llvm::Value* lower, llvm::Value* wide,
                              llvm::Value* target) const {
  llvm::IRBuilder<>& builder = emitter_.builder;
  const int lanes = emitter_.machine.lanes(size_of(Type::f32));
  const auto vector = [&](llvm::Value* first, llvm::Value* mask) {
    llvm::Value* x = load(emitter_.element(upper, first, Type::f32), mask);
    llvm::Value* y = lower == nullptr ? nullptr : load(emitter_.element(lower, first, Type::f32), mask);
    store(element_of(x, y), emitter_.element(target, first, Type::f32), mask);
  };
  llvm::Value* full = builder.CreateAnd(wide, emitter_.i64(-lanes));
  emit_loop(emitter_, emitter_.i64(0), full, lanes, "round.across",
            [&](llvm::Value* w) { vector(w, nullptr); });
  emit_loop(emitter_, full, wide, lanes, "round.rest",
            [&](llvm::Value* w) { vector(w, emitter_.lanes_below(w, wide, lanes)); });
}

void RoundedPack::along(const MatrixOperand& source, llvm::Value* wide, llvm::Value* depth,
                        llvm::Value* target, llvm::Value* stride) const {
  llvm::IRBuilder<>& builder = emitter_.builder;
  const int64_t lanes = emitter_.machine.lanes(size_of(Type::f32));
  const int64_t step = pairs_ ? 2 * lanes : lanes;
  emit_loop(emitter_, emitter_.i64(0), wide, 1, "round.along", [&](llvm::Value* w) {
    llvm::Value* row = at(source.base, w, source.row_stride);
    llvm::Value* to = at(target, w, stride);
    if (!is_number(source.column_stride, 1)) {
      emit_loop(emitter_, emitter_.i64(0), depth, pairs_ ? 2 : 1, "round.one",
                [&](llvm::Value* d) { along_one(row, source.column_stride, d, depth, to); });
      return;
    }
    llvm::Value* full = builder.CreateAnd(depth, emitter_.i64(-step));
    emit_loop(emitter_, emitter_.i64(0), full, step, "round.depth",
              [&](llvm::Value* d) { along_vector(row, d, depth, to, true); });
    emit_loop(emitter_, full, depth, step, "round.last",
              [&](llvm::Value* d) { along_vector(row, d, depth, to, false); });
  });
}

/// One vector of elements of the target from contiguous numbers.
void RoundedPack::along_vector(llvm::Value* row, llvm::Value* first, llvm::Value* depth, llvm::Value* target,
                               bool whole) const {
  llvm::IRBuilder<>& builder = emitter_.builder;
  const int lanes = emitter_.machine.lanes(size_of(Type::f32));
  const auto part = [&](llvm::Value* from) {
    llvm::Value* mask = whole ? nullptr : emitter_.lanes_below(from, depth, lanes);
    return emit_rounded_bits(emitter_, load(emitter_.element(row, from, Type::f32), mask));
  };
  llvm::Value* bits = part(first);
  if (pairs_) {
    llvm::Value* next = part(builder.CreateAdd(first, emitter_.i64(lanes)));
    std::vector<int> even, odd;
    for (int lane = 0; lane < lanes; ++lane) {
      even.push_back(2 * lane);
      odd.push_back(2 * lane + 1);
    }
    llvm::Value* lower = builder.CreateLShr(builder.CreateShuffleVector(bits, next, odd), 16);
    bits = builder.CreateOr(builder.CreateShuffleVector(bits, next, even), lower);
  }
  llvm::Value* place = pairs_ ? builder.CreateLShr(first, 1) : first;
  llvm::Value* mask = whole ? nullptr : emitter_.lanes_below(place, packed_depth(depth), lanes);
  store(bits, emitter_.element(target, place, Type::f32), mask);
}

/// One element of the target from numbers anywhere.
void RoundedPack::along_one(llvm::Value* row, llvm::Value* depth_stride, llvm::Value* first,
                            llvm::Value* depth, llvm::Value* target) const {
  llvm::IRBuilder<>& builder = emitter_.builder;
  const auto number = [&](llvm::Value* d) {
    return builder.CreateLoad(builder.getFloatTy(), at(row, d, depth_stride));
  };
  llvm::Value* second = nullptr;
  if (pairs_) {
    llvm::Value* next = builder.CreateAdd(first, emitter_.i64(1));
    llvm::Value* exists = builder.CreateICmpSLT(next, depth);
    second = number(builder.CreateSelect(exists, next, first));
    second = builder.CreateSelect(exists, second, llvm::ConstantFP::getZero(builder.getFloatTy()));
  }
  llvm::Value* place = pairs_ ? builder.CreateLShr(first, 1) : first;
  store(element_of(number(first), second), emitter_.element(target, place, Type::f32), nullptr);
}

}  // namespace crease
