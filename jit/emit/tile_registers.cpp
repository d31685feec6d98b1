#include "jit/emit/tile_registers.h"

#include <llvm/IR/IntrinsicsX86.h>

#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "jit/contraction_tiles.h"

namespace crease {
namespace {

using llvm::Intrinsic::ID;

constexpr int registers = 8;

/// What LDTILECFG reads: palette 1, then from byte 16 on the bytes of a row of each register (16 bits each),
/// from byte 48 on its rows.
llvm::Constant* configuration(Emitter& emitter) {
  std::array<uint8_t, 64> bytes{1};
  for (size_t tile = 0; tile < registers; ++tile) {
    bytes[16 + 2 * tile] = static_cast<uint8_t>(tile_row_bytes);
    bytes[48 + tile] = static_cast<uint8_t>(tile_side);
  }
  llvm::Constant* data = llvm::ConstantDataArray::get(emitter.context(), bytes);
  constexpr const char* name = "tile.configuration";
  if (llvm::GlobalVariable* made = emitter.module.getNamedGlobal(name)) return made;
  auto* made = new llvm::GlobalVariable(emitter.module, data->getType(), true,
                                        llvm::GlobalValue::PrivateLinkage, data, name);
  made->setAlignment(llvm::Align(64));
  return made;
}

float without_subnormal(float x) {
  return std::abs(x) < std::numeric_limits<float>::min() ? std::copysign(0.0F, x) : x;
}

float number_of(uint32_t upper_half) { return without_subnormal(std::bit_cast<float>(upper_half)); }

}  // namespace

TileRegisters::TileRegisters(Emitter& emitter) : emitter_(emitter) {
  llvm::IRBuilder<>& builder = emitter.builder;
  if (emitter.machine.tiles == Tiles::Emulated)
    memory_ = emitter.stack_memory(llvm::ArrayType::get(builder.getFloatTy(), registers * tile_elements));
  else
    builder.CreateIntrinsic(llvm::Intrinsic::x86_ldtilecfg, {}, {configuration(emitter)});
}

llvm::Value* TileRegisters::number(int tile) const {
  return emitter_.builder.getInt8(static_cast<uint8_t>(tile));
}

llvm::Value* TileRegisters::emulated(int tile) const {
  return emitter_.element(memory_, emitter_.i64(tile * tile_elements), Type::f32);
}

void TileRegisters::zero(int tile) const {
  llvm::IRBuilder<>& builder = emitter_.builder;
  if (memory_ == nullptr)
    builder.CreateIntrinsic(llvm::Intrinsic::x86_tilezero, {}, {number(tile)});
  else
    builder.CreateMemSet(emulated(tile), builder.getInt8(0), tile_side * tile_row_bytes, llvm::Align(64));
}

void TileRegisters::load(int tile, llvm::Value* from, int64_t row_bytes) const {
  llvm::IRBuilder<>& builder = emitter_.builder;
  if (memory_ == nullptr)
    builder.CreateIntrinsic(llvm::Intrinsic::x86_tileloadd64, {},
                            {number(tile), from, emitter_.i64(row_bytes)});
  else
    copy_rows(emulated(tile), tile_row_bytes, from, row_bytes);
}

void TileRegisters::store(int tile, llvm::Value* to, int64_t row_bytes) const {
  llvm::IRBuilder<>& builder = emitter_.builder;
  if (memory_ == nullptr)
    builder.CreateIntrinsic(llvm::Intrinsic::x86_tilestored64, {},
                            {number(tile), to, emitter_.i64(row_bytes)});
  else
    copy_rows(to, row_bytes, emulated(tile), tile_row_bytes);
}

void TileRegisters::copy_rows(llvm::Value* to, int64_t to_bytes, llvm::Value* from,
                              int64_t from_bytes) const {
  llvm::IRBuilder<>& builder = emitter_.builder;
  const auto row_of = [&](llvm::Value* base, llvm::Value* row, int64_t bytes) {
    return builder.CreateGEP(builder.getInt8Ty(), base, builder.CreateMul(row, emitter_.i64(bytes)));
  };
  emit_loop(emitter_, emitter_.i64(0), emitter_.i64(tile_side), 1, "row", [&](llvm::Value* row) {
    builder.CreateMemCpy(row_of(to, row, to_bytes), llvm::Align(4), row_of(from, row, from_bytes),
                         llvm::Align(4), tile_row_bytes);
  });
}

void TileRegisters::multiply(int sum, int a, int b) const {
  llvm::IRBuilder<>& builder = emitter_.builder;
  if (memory_ == nullptr) {
    builder.CreateIntrinsic(llvm::Intrinsic::x86_tdpbf16ps, {}, {number(sum), number(a), number(b)});
    return;
  }
  // By its address: such code runs in the process that made it, and nowhere else.
  llvm::Type* pointer = builder.getPtrTy();
  auto* type = llvm::FunctionType::get(builder.getVoidTy(), {pointer, pointer, pointer}, false);
  const auto address = static_cast<int64_t>(reinterpret_cast<uintptr_t>(&multiply_tiles));
  builder.CreateCall(type, builder.CreateIntToPtr(emitter_.i64(address), pointer),
                     {emulated(sum), emulated(a), emulated(b)});
}

void TileRegisters::release() const {
  if (memory_ == nullptr) emitter_.builder.CreateIntrinsic(llvm::Intrinsic::x86_tilerelease, {}, {});
}

void multiply_tiles(float* sum, const uint32_t* a, const uint32_t* b) noexcept {
  for (int64_t i = 0; i < tile_side; ++i) {
    std::array<float, tile_side> even{}, odd{};
    for (int64_t p = 0; p < tile_side; ++p) {
      const uint32_t factors = a[i * tile_side + p];
      const float first = number_of(factors << 16), second = number_of(factors & 0xffff0000U);
      for (size_t j = 0; j < tile_side; ++j) {
        const uint32_t pair = b[static_cast<size_t>(p * tile_side) + j];
        even[j] = without_subnormal(std::fma(first, number_of(pair << 16), even[j]));
        odd[j] = without_subnormal(std::fma(second, number_of(pair & 0xffff0000U), odd[j]));
      }
    }
    for (size_t j = 0; j < tile_side; ++j) {
      float& element = sum[static_cast<size_t>(i * tile_side) + j];
      const float products = without_subnormal(even[j] + odd[j]);
      element = without_subnormal(without_subnormal(element) + products);
    }
  }
}

}  // namespace crease
