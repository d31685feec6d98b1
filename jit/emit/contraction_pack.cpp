#include "jit/emit/contraction_pack.h"

#include <vector>

#include "jit/emit/carried_loop.h"

namespace crease {

void emit_pack_panel(Emitter& emitter, Type type, const MatrixOperand& matrix,
                     std::span<const SumLoopValues> around, llvm::Value* k, const Panel& panel,
                     llvm::Value* target) {
  if (around.empty()) return emit_pack(emitter, type, matrix, k, panel, target);
  llvm::Value* size = emitter.i64(static_cast<int64_t>(panel.vectors) *
                                  emitter.machine.lanes(size_of(type)));  // of what one turn packs
  size = emitter.builder.CreateMul(size, k);
  for (const SumLoopValues& loop : around.subspan(1)) size = emitter.builder.CreateMul(size, loop.turns);
  llvm::Value* const places[] = {matrix.base, target};
  emit_carried_loop(emitter, around[0].turns, places, [&](std::span<llvm::Value* const> now) {
    emit_pack_panel(emitter, type, {now[0], matrix.row_stride, matrix.column_stride}, around.subspan(1), k,
                    panel, now[1]);
    return std::vector<llvm::Value*>{emitter.element(now[0], around[0].b, type),
                                     emitter.element(now[1], size, type)};
  });
}

namespace {

/// One tile; `masks`: of its vectors.
struct TilePacker {
  Emitter& emitter;
  Type type;
  llvm::Value *k, *k_stride;
  int tile_rows;
  std::vector<llvm::Value*> masks;

  /// Places after the loops: from where, and to where the next would go.
  std::vector<llvm::Value*> run(std::span<const SumLoopValues> around, llvm::Value* from,
                                llvm::Value* to) const {
    llvm::Value* const places[] = {from, to};
    if (around.empty())
      return emit_carried_loop(emitter, k, places, [&](std::span<llvm::Value* const> now) {
        copy(now[0], now[1]);
        return std::vector<llvm::Value*>{emitter.element(now[0], k_stride, type),
                                         emitter.element(now[1], emitter.i64(tile_rows), type)};
      });
    return emit_carried_loop(emitter, around[0].turns, places, [&](std::span<llvm::Value* const> now) {
      llvm::Value* next = run(around.subspan(1), now[0], now[1])[1];
      return std::vector<llvm::Value*>{emitter.element(now[0], around[0].a, type), next};
    });
  }

  void copy(llvm::Value* from, llvm::Value* to) const {
    const int lanes = emitter.machine.lanes(size_of(type));
    const llvm::Align align(static_cast<uint64_t>(size_of(type)));
    auto* vector = llvm::FixedVectorType::get(emitter.memory_type(type), static_cast<unsigned>(lanes));
    for (size_t v = 0; v < masks.size(); ++v) {
      llvm::Value* offset = emitter.i64(static_cast<int64_t>(v) * lanes);
      llvm::Value* loaded = emitter.load_vector(vector, emitter.element(from, offset, type), align, masks[v]);
      emitter.store_vector(loaded, emitter.element(to, offset, type), align, masks[v]);
    }
  }
};

}  // namespace

void emit_pack_tiles(Emitter& emitter, Type type, const MatrixOperand& scalars,
                     std::span<const SumLoopValues> around, llvm::Value* k, llvm::Value* depth,
                     llvm::Value* rows, int tile_rows, llvm::Value* target) {
  const int lanes = emitter.machine.lanes(size_of(type));
  emit_loop(emitter, emitter.i64(0), rows, tile_rows, "pack.tile", [&](llvm::Value* row) {
    llvm::Value* count = emitter.minimum(emitter.builder.CreateSub(rows, row), emitter.i64(tile_rows));
    TilePacker packer{emitter, type, k, scalars.column_stride, tile_rows, {}};
    for (int64_t first = 0; first < tile_rows; first += lanes)
      packer.masks.push_back(emitter.lanes_below(emitter.i64(first), count, lanes));
    packer.run(around, emitter.element(scalars.base, row, type),
               emitter.element(target, emitter.builder.CreateMul(row, depth), type));
  });
}

}  // namespace crease
