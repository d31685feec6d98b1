#include "jit/emit/contraction_tiles.h"

#include "jit/contraction_tiles.h"
#include "jit/emit/tile_pack.h"
#include "jit/emit/tile_registers.h"

namespace crease {
namespace {

using llvm::Value;

class TileProduct {
 public:
  TileProduct(Emitter& emitter, const ContractionFacts& facts, const ContractionPlan& plan,
              const ContractionOperands& operands, const ContractionEpilogue& epilogue)
      : emitter_(emitter),
        builder_(emitter.builder),
        plan_(plan),
        operands_(operands),
        epilogue_(epilogue),
        lanes_(emitter.machine.lanes(size_of(Type::f32))),
        named_(!facts.k.is_constant()),
        rows_(plan.tile_rows),
        columns_(plan.tile_vectors * lanes_),
        vector_(llvm::FixedVectorType::get(builder_.getFloatTy(), static_cast<unsigned>(lanes_))),
        registers_(emitter) {
    const int64_t line = plan.depth_block / tile_depth * plan.tile_parts * tile_elements;
    panel_ = operands.scratch;
    block_ = at(panel_, columns_ / tile_side * line);
    square_ = at(block_, plan.row_block / tile_side * line);
  }

  void run() {
    emit_loop(emitter_, operands_.row_begin, operands_.row_end, plan_.row_block, "block", [&](Value* row) {
      const Range rows{row, smaller(builder_.CreateSub(operands_.row_end, row), plan_.row_block)};
      // All of k, if there is room for it.
      Value* room = emitter_.i64(plan_.depth_block);
      Value* fits = builder_.CreateZExt(builder_.CreateICmpSLE(operands_.k, room), builder_.getInt64Ty());
      emit_loop(emitter_, emitter_.i64(0), fits, 1, "pack.once",
                [&](Value*) { pack_rows(rows, emitter_.i64(0), operands_.k); });
      all_columns(rows, fits);
    });
    registers_.release();
  }

 private:
  /// From a row or column on, so many.
  struct Range {
    Value *first, *count;
  };

  Value* at(Value* base, Value* index) { return emitter_.element(base, index, Type::f32); }
  Value* at(Value* base, int64_t index) { return at(base, emitter_.i64(index)); }
  Value* at(const MatrixOperand& matrix, Value* row, Value* column) {
    return matrix_element(emitter_, Type::f32, matrix, row, column);
  }
  Value* smaller(Value* count, int64_t most) { return emitter_.minimum(count, emitter_.i64(most)); }
  Value* steps_of(Value* depth) {
    return builder_.CreateLShr(builder_.CreateAdd(depth, emitter_.i64(tile_depth - 1)), 5);
  }
  /// Elements of scratch memory for one line of tiles along k.
  Value* line_of(Value* depth) {
    return builder_.CreateMul(steps_of(depth), emitter_.i64(plan_.tile_parts * tile_elements));
  }

  void pack_rows(const Range& rows, Value* k, Value* depth) {
    const MatrixOperand& a = operands_.a;
    emit_tile_pack(emitter_, {at(a, rows.first, k), a.row_stride, a.column_stride, rows.count, depth},
                   TileRows::AlongDepth, plan_.tile_parts, rows_ / tile_side, block_);
  }

  void pack_columns(const Range& columns, Value* k, Value* depth) {
    const MatrixOperand& b = operands_.b;
    emit_tile_pack(emitter_, {at(b, k, columns.first), b.column_stride, b.row_stride, columns.count, depth},
                   TileRows::Across, plan_.tile_parts, columns_ / tile_side, panel_);
  }

  void all_columns(const Range& rows, Value* fits) {
    Value *begin = operands_.column_begin, *end = operands_.column_end;
    Value* count = builder_.CreateSub(end, begin);
    Value* whole = builder_.CreateSub(count, builder_.CreateSRem(count, emitter_.i64(columns_)));
    whole = builder_.CreateAdd(begin, whole);
    const auto panel = [&](Value* column, Value* wide) {
      if (named_)
        panel_of_named(rows, {column, wide}, fits);
      else
        panel_of_known(rows, {column, wide});
    };
    emit_loop(emitter_, begin, whole, columns_, "panel",
              [&](Value* column) { panel(column, emitter_.i64(columns_)); });
    emit_loop(emitter_, whole, end, columns_, "panel.rest",
              [&](Value* column) { panel(column, builder_.CreateSub(end, column)); });
  }

  /// All rows of the block: `body` gets those of one tile of the plan, from the block's first row on.
  template <class Body>
  void each_tile(const Range& rows, const Body& body) {
    emit_loop(emitter_, emitter_.i64(0), rows.count, rows_, "square", [&](Value* first) {
      body(Range{first, smaller(builder_.CreateSub(rows.count, first), rows_)});
    });
  }

  void panel_of_known(const Range& rows, const Range& columns) {
    pack_columns(columns, emitter_.i64(0), operands_.k);
    each_tile(rows, [&](const Range& tile) {
      for (int sum = 0; sum < high() * wide(); ++sum) registers_.zero(sum);
      add(tile.first, operands_.k);
      store(square_);
      finish({builder_.CreateAdd(rows.first, tile.first), tile.count}, columns, square_);
    });
  }

  /// Piece by piece along k; the sums of all rows of the block wait in memory.
  void panel_of_named(const Range& rows, const Range& columns, Value* fits) {
    const auto square_of = [&](Value* row) {
      return at(square_, builder_.CreateMul(row, emitter_.i64(columns_)));
    };
    const int64_t bytes = plan_.row_block * columns_ * size_of(Type::f32);
    builder_.CreateMemSet(square_, builder_.getInt8(0), static_cast<uint64_t>(bytes), llvm::Align(64));
    emit_loop(emitter_, emitter_.i64(0), operands_.k, plan_.depth_block, "piece", [&](Value* k) {
      Value* depth = smaller(builder_.CreateSub(operands_.k, k), plan_.depth_block);
      emit_loop(emitter_, fits, emitter_.i64(1), 1, "pack.again", [&](Value*) { pack_rows(rows, k, depth); });
      pack_columns(columns, k, depth);
      each_tile(rows, [&](const Range& tile) {
        load(square_of(tile.first));
        add(tile.first, depth);
        store(square_of(tile.first));
      });
    });
    each_tile(rows, [&](const Range& tile) {
      finish({builder_.CreateAdd(rows.first, tile.first), tile.count}, columns, square_of(tile.first));
    });
  }

  // Registers 0 to 3 hold the sums, row by row, 4 and 5 tiles of A, 6 and 7 those of B.
  int high() const { return static_cast<int>(rows_ / tile_side); }
  int wide() const { return static_cast<int>(columns_ / tile_side); }
  int sum_of(int i, int j) const { return i * wide() + j; }

  /// Adds to the sums what one piece along k gives for the rows from `first` in the block on.
  void add(Value* first, Value* depth) {
    Value* line = line_of(depth);
    Value* a = at(block_, builder_.CreateMul(builder_.CreateLShr(first, 4), line));
    emit_loop(emitter_, emitter_.i64(0), steps_of(depth), 1, "step", [&](Value* step) {
      Value* offset = builder_.CreateMul(step, emitter_.i64(plan_.tile_parts * tile_elements));
      multiply(at(a, offset), at(panel_, offset), line);
    });
  }

  void load(Value* square) {
    for (int i = 0; i < high(); ++i)
      for (int j = 0; j < wide(); ++j) registers_.load(sum_of(i, j), sums_at(square, i, j), row_bytes());
  }
  void store(Value* square) {
    for (int i = 0; i < high(); ++i)
      for (int j = 0; j < wide(); ++j) registers_.store(sum_of(i, j), sums_at(square, i, j), row_bytes());
  }
  Value* sums_at(Value* square, int i, int j) { return at(square, (i * columns_ + j) * tile_side); }
  int64_t row_bytes() const { return columns_ * size_of(Type::f32); }

  /// One step along k, from the tiles of part 0 in the first line of A and of B.
  void multiply(Value* a, Value* b, Value* line) {
    PartProduct loaded{-1, -1};
    const auto load_part = [&](int tile, int count, Value* from, int part) {
      for (int i = 0; i < count; ++i) {
        Value* tiles = at(from, builder_.CreateMul(emitter_.i64(i), line));
        registers_.load(tile + i, at(tiles, part * tile_elements), tile_row_bytes);
      }
    };
    for (const PartProduct& product : part_products(plan_.tile_parts)) {
      if (product.a != loaded.a) load_part(4, high(), a, product.a);
      if (product.b != loaded.b) load_part(6, wide(), b, product.b);
      loaded = product;
      for (int i = 0; i < high(); ++i)
        for (int j = 0; j < wide(); ++j) registers_.multiply(sum_of(i, j), 4 + i, 6 + j);
    }
  }

  void finish(const Range& rows, const Range& columns, Value* square) {
    Value* whole = builder_.CreateAnd(columns.count, emitter_.i64(-lanes_));
    const auto vectors = [&](Value* from, Value* to, bool masked) {
      emit_loop(emitter_, from, to, lanes_, "vector", [&](Value* v) {
        Value* mask = masked ? emitter_.lanes_below(v, columns.count, static_cast<int>(lanes_)) : nullptr;
        emit_loop(emitter_, emitter_.i64(0), rows.count, 1, "row", [&](Value* r) {
          Value* place = at(square, builder_.CreateAdd(builder_.CreateMul(r, emitter_.i64(columns_)), v));
          Value* sums = emitter_.load_vector(vector_, place, llvm::Align(4), nullptr);
          epilogue_(builder_.CreateAdd(rows.first, r), builder_.CreateAdd(columns.first, v), sums, mask);
        });
      });
    };
    vectors(emitter_.i64(0), whole, false);
    vectors(whole, columns.count, true);
  }

  Emitter& emitter_;
  llvm::IRBuilder<>& builder_;
  const ContractionPlan& plan_;
  const ContractionOperands& operands_;
  const ContractionEpilogue& epilogue_;
  int64_t lanes_;
  bool named_;              // the length of k is known only when the code runs
  int64_t rows_, columns_;  // of the result at once
  llvm::FixedVectorType* vector_;
  TileRegisters registers_;
  Value *panel_, *block_, *square_;  // scratch memory: tiles of B, of A, sums
};

}  // namespace

void emit_tile_contraction(Emitter& emitter, const ContractionFacts& facts, const ContractionPlan& plan,
                           const ContractionOperands& operands, const ContractionEpilogue& epilogue) {
  TileProduct(emitter, facts, plan, operands, epilogue).run();
}

}  // namespace crease
