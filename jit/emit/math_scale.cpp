#include "jit/emit/math_scale.h"

#include <llvm/IR/IntrinsicsX86.h>

#include <algorithm>
#include <bit>

#include "jit/emit/vector_parts.h"

namespace crease {
namespace {

llvm::Intrinsic::ID instruction_for(bool is_double, unsigned bits) {
  using namespace llvm;
  if (bits == 128)
    return is_double ? Intrinsic::x86_avx512_mask_scalef_pd_128 : Intrinsic::x86_avx512_mask_scalef_ps_128;
  if (bits == 256)
    return is_double ? Intrinsic::x86_avx512_mask_scalef_pd_256 : Intrinsic::x86_avx512_mask_scalef_ps_256;
  return is_double ? Intrinsic::x86_avx512_mask_scalef_pd_512 : Intrinsic::x86_avx512_mask_scalef_ps_512;
}

/// One register.
llvm::Value* scaled(llvm::IRBuilder<>& builder, llvm::Value* x, llvm::Value* n, bool is_double,
                    unsigned bits) {
  const unsigned lanes = bits / (is_double ? 64 : 32);
  std::vector<llvm::Value*> operands{
      x, n, x, llvm::ConstantInt::getAllOnesValue(builder.getIntNTy(std::max(lanes, 8U)))};
  constexpr int current_rounding = 4;
  if (bits == 512) operands.push_back(builder.getInt32(current_rounding));
  return builder.CreateIntrinsic(instruction_for(is_double, bits), {}, operands);
}

}  // namespace

bool has_scale(const Arithmetic& with) {
  return with.machine().has("avx512f") && with.machine().has("avx512vl");
}

FloatValue scaled(FloatValue x, FloatValue n) {
  const Arithmetic& with = *x.with;
  const unsigned size = with.is_double() ? 64 : 32;
  const unsigned bits =
      std::clamp(std::bit_ceil(with.lanes() * size), 128U, static_cast<unsigned>(with.machine().vector_bits));
  const unsigned count = bits / size;
  std::vector<llvm::Value*> parts;
  for (unsigned first = 0; first < with.lanes(); first += count)
    parts.push_back(scaled(with.builder(), part_of(with.builder(), x.value, first, count),
                           part_of(with.builder(), n.value, first, count), with.is_double(), bits));
  return with.number(joined(with.builder(), std::move(parts), count, with.lanes()));
}

}  // namespace crease
