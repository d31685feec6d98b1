#include "jit/emit/emit_contraction.h"

#include <algorithm>

#include "graph/error.h"
#include "jit/emit/bfloat16.h"
#include "jit/emit/carried_loop.h"
#include "jit/emit/chain_sums.h"
#include "jit/emit/contraction_pack.h"
#include "jit/emit/contraction_squares.h"
#include "jit/emit/contraction_stream.h"
#include "jit/emit/contraction_tiles.h"
#include "jit/emit/emit_scalar.h"

namespace crease {
namespace {

using llvm::Value;

/// Rows of the smaller tiles for an unknown number of rows left over.
constexpr int rest_rows[] = {4, 1};

/// A half-open range of i64.
struct Range {
  Value *begin, *end;
};

/// A column of tiles: which columns, and where its panel of the vector operand lies.
struct Columns {
  Value* first;
  int vectors;
  Value* mask;   // of the last vector, null: all lanes
  Value* panel;  // element (k = 0, first column)
  Value* row_stride;
  bool packed;
  SquarePanel squares = {};  // in a plan of squares, instead of panel and stride
};

/// Emits the product of two matrices S[rows, k] V[k, columns] where elements of S are broadcast and V is
/// loaded by vectors. That is C = A B, or C^T = B^T A^T in a transposed plan.
class TiledProduct {
 public:
  TiledProduct(Emitter& emitter, const ContractionFacts& facts, const ContractionPlan& plan,
               const ContractionOperands& operands, const ContractionEpilogue& epilogue)
      : emitter_(emitter),
        builder_(emitter.builder),
        plan_(plan),
        operands_(operands),
        epilogue_(epilogue),
        type_(facts.type),
        lanes_(emitter.machine.lanes(size_of(facts.type))),
        element_(emitter.memory_type(facts.type)),
        vector_(llvm::FixedVectorType::get(element_, static_cast<unsigned>(lanes_))),
        scalars_(operands.a),
        in_place_(operands.a),
        vectors_(operands.b),
        all_rows_(plan.transposed ? facts.n : facts.m),
        depth_(operands.k),
        around_(operands.around),
        chains_(chain_count(facts)),
        rounds_(facts.rounded) {
    if (!plan.transposed) return;
    scalars_ = in_place_ = {operands.b.base, operands.b.column_stride, operands.b.row_stride};
    vectors_ = {operands.a.base, operands.a.column_stride, operands.a.row_stride};
    for (SumLoopValues& loop : around_) std::swap(loop.a, loop.b);
    turned_ = emitter.stack_memory(llvm::ArrayType::get(vector_, static_cast<uint64_t>(lanes_)));  // a square
  }

  void run() {
    const Range m{operands_.row_begin, operands_.row_end};
    const Range n{operands_.column_begin, operands_.column_end};
    const Range rows = plan_.transposed ? n : m;
    const Range columns = plan_.transposed ? m : n;
    if (plan_.row_block == 0) return all_columns(columns, rows);
    emit_loop(emitter_, rows.begin, rows.end, plan_.row_block, "block", [&](Value* begin) {
      Value* end = emitter_.minimum(builder_.CreateAdd(begin, emitter_.i64(plan_.row_block)), rows.end);
      if (rounds_) round_rows({begin, end});
      if (plan_.pack_scalars) pack_rows({begin, end});
      all_columns(columns, {begin, end});
    });
  }

 private:
  Value* round_down(Value* value, int64_t step) {
    return builder_.CreateMul(builder_.CreateSDiv(value, emitter_.i64(step)), emitter_.i64(step));
  }
  Value* count(Range range) { return builder_.CreateSub(range.end, range.begin); }
  Value* at(Value* base, Value* index) { return emitter_.element(base, index, type_); }
  Value* at(Value* base, int64_t index) { return at(base, emitter_.i64(index)); }
  llvm::Align alignment() const { return llvm::Align(static_cast<uint64_t>(size_of(type_))); }
  int64_t width(int vectors) const { return static_cast<int64_t>(vectors) * lanes_; }

  void all_columns(Range columns, Range rows) {
    const int64_t step = width(plan_.tile_vectors);
    Value* full = builder_.CreateAdd(columns.begin, round_down(count(columns), step));
    emit_loop(emitter_, columns.begin, full, step, "columns", [&](Value* column) {
      column_of_tiles(prepare(column, columns.end, plan_.tile_vectors, nullptr), rows);
    });
    if (const auto* rest = llvm::dyn_cast<llvm::ConstantInt>(builder_.CreateSub(columns.end, full)))
      return constant_rest({full, columns.end}, rest->getSExtValue(), rows);
    emit_loop(emitter_, full, columns.end, lanes_, "columns.rest", [&](Value* column) {
      Value* mask = emitter_.lanes_below(column, columns.end, lanes_);
      column_of_tiles(prepare(column, columns.end, 1, mask), rows);
    });
  }

  void constant_rest(Range columns, int64_t rest, Range rows) {
    if (rest == 0) return;
    const int vectors = static_cast<int>((rest + lanes_ - 1) / lanes_);
    Value* mask = nullptr;
    if (rest % lanes_ != 0) mask = emitter_.lanes_below(emitter_.i64(0), emitter_.i64(rest % lanes_), lanes_);
    column_of_tiles(prepare(columns.begin, columns.end, vectors, mask), rows);
  }

  /// Scratch memory of rounded operands: a panel, the same before it is turned round, a block of rows.
  Value* scratch_part(int part) {
    Value* panel = builder_.CreateMul(emitter_.i64(width(plan_.tile_vectors)), depth_);
    return at(operands_.scratch, builder_.CreateMul(panel, emitter_.i64(part)));
  }

  /// Packs a block of rows, which take the place of those in memory.
  void round_rows(Range rows) {
    const RoundedPack pack(emitter_, plan_.pairs);
    const MatrixOperand& a = operands_.a;
    depth_ = pack.packed_depth(operands_.k);
    row_origin_ = rows.begin;
    Value* stride = plan_.a_stride == 0 ? depth_ : emitter_.i64(plan_.a_stride);
    scalars_ = {scratch_part(2), stride, emitter_.i64(1)};
    const MatrixOperand block{at(a.base, builder_.CreateMul(rows.begin, a.row_stride)), a.row_stride,
                              a.column_stride};
    if (!is_number(a.row_stride, 1))
      return pack.along(block, count(rows), operands_.k, scalars_.base, stride);
    scalars_ = {scalars_.base, emitter_.i64(1), emitter_.i64(plan_.row_block)};
    pack.across(block, count(rows), operands_.k, scalars_.base, scalars_.column_stride);
  }

  /// Packs a block of rows tile by tile. The scalars of a tile then lie one k behind the other.
  void pack_rows(Range rows) {
    Value* depth = operands_.k;
    for (const SumLoopValues& loop : around_) depth = builder_.CreateMul(depth, loop.turns);
    const bool panel = plan_.pack_a || plan_.pack_b;
    Value* tiles = operands_.scratch;
    if (panel) tiles = at(tiles, builder_.CreateMul(emitter_.i64(width(plan_.tile_vectors)), depth));
    const MatrixOperand& all = in_place_;
    emit_pack_tiles(emitter_, type_, {at(all.base, rows.begin), all.row_stride, all.column_stride}, around_,
                    operands_.k, depth, count(rows), plan_.tile_rows, tiles);
    scalars_ = {tiles, depth, emitter_.i64(plan_.tile_rows)};
    row_origin_ = rows.begin;
  }

  /// Packs a panel of columns.
  Columns round_columns(Value* column, Value* end, int vectors, Value* mask) {
    const RoundedPack pack(emitter_, plan_.pairs);
    const MatrixOperand& b = operands_.b;
    Value* wide = emitter_.minimum(builder_.CreateSub(end, column), emitter_.i64(width(vectors)));
    const MatrixOperand panel{at(b.base, builder_.CreateMul(column, b.column_stride)), b.column_stride,
                              b.row_stride};
    const Columns columns{column, vectors, mask, scratch_part(0), emitter_.i64(width(vectors)), true};
    if (is_number(b.column_stride, 1)) {
      pack.across(panel, wide, operands_.k, columns.panel, columns.row_stride);
      return columns;
    }
    pack.along(panel, wide, operands_.k, scratch_part(1), depth_);
    emit_pack(emitter_, type_, {scratch_part(1), emitter_.i64(1), depth_}, depth_,
              {emitter_.i64(0), wide, vectors}, columns.panel);
    return columns;
  }

  Columns prepare(Value* column, Value* end, int vectors, Value* mask) {
    if (rounds_) return round_columns(column, end, vectors, mask);
    if (plan_.squares)
      return {.first = column,
              .vectors = 1,
              .mask = mask,
              .squares = square_panel(emitter_, type_, vectors_, column, mask == nullptr ? nullptr : end)};
    if (!plan_.pack_a && !plan_.pack_b)
      return {column, vectors, mask, at(vectors_.base, column), vectors_.row_stride, false};
    emit_pack_panel(emitter_, type_, vectors_, around_, operands_.k,
                    {column, builder_.CreateSub(end, column), vectors}, operands_.scratch);
    return {column, vectors, mask, operands_.scratch, emitter_.i64(width(vectors)), true};
  }

  std::vector<Value*> square_sums(Value* row, int rows, const Columns& columns) {
    Value* line = builder_.CreateMul(row, scalars_.row_stride);
    return emit_square_sums(
        emitter_, type_, columns.squares,
        {.scalars = {at(scalars_.base, line), scalars_.row_stride, scalars_.column_stride},
         .rows = rows,
         .depth = llvm::cast<llvm::ConstantInt>(operands_.k)->getSExtValue(),
         .chains = chains_,
         .ahead = plan_.ahead,
         .next_panel = builder_.CreateMul(emitter_.i64(lanes_), vectors_.column_stride)});
  }

  void column_of_tiles(const Columns& columns, Range rows) {
    Value* full = builder_.CreateAdd(rows.begin, round_down(count(rows), plan_.tile_rows));
    emit_loop(emitter_, rows.begin, full, plan_.tile_rows, "rows",
              [&](Value* row) { tile(row, plan_.tile_rows, columns); });
    if (const int64_t rest = constant_row_rest(); rest >= 0) {
      // At most one tile, and only in the last block, as blocks are whole tiles.
      if (rest == 0) return;
      return emit_loop(emitter_, full, rows.end, rest, "rows.rest",
                       [&](Value* row) { tile(row, static_cast<int>(rest), columns); });
    }
    for (const int few : rest_rows) {
      if (few >= plan_.tile_rows) continue;
      Value* next = builder_.CreateAdd(full, round_down(builder_.CreateSub(rows.end, full), few));
      emit_loop(emitter_, full, next, few, "rows.rest", [&](Value* row) { tile(row, few, columns); });
      full = next;
    }
  }

  /// Rows that whole tiles leave over, of all and so of the last range; -1 if not known.
  int64_t constant_row_rest() const {
    return all_rows_.is_constant() ? all_rows_.factor % plan_.tile_rows : -1;
  }

  void tile(Value* row, int rows, const Columns& columns) {
    if (operands_.before_tile) {
      const int wide = static_cast<int>(width(columns.vectors));
      if (plan_.transposed)
        operands_.before_tile(columns.first, row, wide, rows);
      else
        operands_.before_tile(row, columns.first, rows, wide);
    }
    const std::vector<Value*> sums =
        plan_.squares ? square_sums(row, rows, columns) : accumulate(row, rows, columns);
    for (int v = 0; v < columns.vectors; ++v) {
      std::vector<Value*> lines;
      for (int r = 0; r < rows; ++r) lines.push_back(sums[number_of(r, v, columns)]);
      Value* column = builder_.CreateAdd(columns.first, emitter_.i64(width(v)));
      if (plan_.transposed)
        finish_turned(row, column, lines, mask_of(columns, v));
      else
        finish(row, column, lines, mask_of(columns, v));
    }
  }

  /// The number of a sum within its tile, row by row.
  static size_t number_of(int row, int vector, const Columns& columns) {
    return static_cast<size_t>(row) * static_cast<size_t>(columns.vectors) + static_cast<size_t>(vector);
  }

  static Value* mask_of(const Columns& columns, int v) {
    return v + 1 == columns.vectors ? columns.mask : nullptr;
  }

  void finish(Value* row, Value* column, const std::vector<Value*>& lines, Value* mask) {
    for (size_t r = 0; r < lines.size(); ++r)
      epilogue_(builder_.CreateAdd(row, emitter_.i64(static_cast<int64_t>(r))), column, lines[r], mask);
  }

  /// The lines are rows of C^T. Turns them round square by square, through a square of stack memory so that
  /// the epilogue is emitted once and its lines can be counted.
  void finish_turned(Value* row, Value* column, std::vector<Value*> lines, Value* mask) {
    const auto side = static_cast<size_t>(lanes_);
    Value* exist = emitter_.i64(lanes_);
    if (mask != nullptr) exist = emitter_.minimum(builder_.CreateSub(operands_.row_end, column), exist);
    for (size_t first = 0; first < lines.size(); first += side) {
      const size_t lines_here = std::min(side, lines.size() - first);
      std::vector<Value*> square(lines.begin() + static_cast<int64_t>(first),
                                 lines.begin() + static_cast<int64_t>(first + lines_here));
      square = emit_transpose(emitter_, std::move(square));
      for (size_t i = 0; i < side; ++i)
        builder_.CreateAlignedStore(square[i], at(turned_, width(static_cast<int>(i))), alignment());
      Value* valid = nullptr;
      if (lines_here < side)
        valid = emitter_.lanes_below(emitter_.i64(0), emitter_.i64(static_cast<int64_t>(lines_here)), lanes_);
      Value* start = builder_.CreateAdd(row, emitter_.i64(static_cast<int64_t>(first)));
      emit_loop(emitter_, emitter_.i64(0), exist, 1, "turned", [&](Value* line) {
        Value* place = at(turned_, builder_.CreateMul(line, emitter_.i64(lanes_)));
        Value* sums = builder_.CreateAlignedLoad(vector_, place, alignment());
        epilogue_(builder_.CreateAdd(column, line), start, sums, valid);
      });
    }
  }

  /// The sums of one tile. Carried along k are the sums, pointers into both operands (an index and scaled
  /// addressing would cost an instruction per multiply-add), and k itself where a prologue wants it.
  std::vector<Value*> accumulate(Value* row, int rows, const Columns& columns) {
    const size_t sums = number_of(rows, 0, columns);
    Value* own_row = row_origin_ == nullptr ? row : builder_.CreateSub(row, row_origin_);
    std::vector<Value*> state(sums, llvm::ConstantFP::getZero(vector_));
    state.push_back(at(scalars_.base, builder_.CreateMul(own_row, scalars_.row_stride)));
    state.push_back(columns.panel);
    if (has_prologue()) state.push_back(emitter_.i64(0));
    const auto next = [&](std::span<Value* const> now) {
      std::vector<Value*> after = step(now, row, rows, columns);
      after.push_back(at(now[sums], scalars_.column_stride));
      after.push_back(at(now[sums + 1], columns.row_stride));
      if (has_prologue()) after.push_back(builder_.CreateAdd(now[sums + 2], emitter_.i64(1)));
      return after;
    };
    ChainSums chains(emitter_, type_);
    for (Value* depth : chain_depths()) {
      std::fill_n(state.begin(), sums, llvm::ConstantFP::getZero(vector_));
      state = around_k(0, depth, sums, std::move(state), columns.packed, next);
      chains.add({state.begin(), state.begin() + static_cast<int64_t>(sums)});
    }
    return std::move(chains).total();
  }

  /// How much of k each chain takes.
  std::vector<Value*> chain_depths() {
    if (chains_ == 1) return {depth_};
    const int64_t depth = llvm::cast<llvm::ConstantInt>(depth_)->getSExtValue();
    std::vector<Value*> depths;
    for (int i = 0; i < chains_; ++i)
      depths.push_back(emitter_.i64(chain_begin(depth, chains_, i + 1) - chain_begin(depth, chains_, i)));
    return depths;
  }

  /// The loops of the sum from number `loop` on, and k in each turn. A packed operand lies in their order.
  template <class Next>
  std::vector<Value*> around_k(size_t loop, Value* depth, size_t sums, std::vector<Value*> state, bool packed,
                               const Next& next) {
    if (loop == around_.size()) return along_k(depth, sums, std::move(state), next);
    return emit_carried_loop(emitter_, around_[loop].turns, state, [&](std::span<Value* const> now) {
      std::vector<Value*> after = around_k(loop + 1, depth, sums, {now.begin(), now.end()}, packed, next);
      if (!plan_.pack_scalars) after[sums] = at(now[sums], around_[loop].a);
      if (!packed) after[sums + 1] = at(now[sums + 1], around_[loop].b);
      return after;
    });
  }

  /// `next` so many times. A few multiply-adds in a loop would be fewer instructions than the loop's own.
  template <class Next>
  std::vector<Value*> along_k(Value* depth, size_t sums, std::vector<Value*> state, const Next& next) {
    constexpr int64_t few = 16;
    const auto* known = llvm::dyn_cast<llvm::ConstantInt>(depth);
    if (known == nullptr || known->getSExtValue() * static_cast<int64_t>(sums) > few)
      return emit_carried_loop(emitter_, depth, state, next);
    for (int64_t k = 0; k < known->getSExtValue(); ++k) state = next(state);
    return state;
  }

  bool has_prologue() const { return operands_.prologue_a || operands_.prologue_b; }

  /// One k: the new sums.
  std::vector<Value*> step(std::span<Value* const> now, Value* row, int rows, const Columns& columns) {
    const size_t sums = number_of(rows, 0, columns);
    Value* k = has_prologue() ? now[sums + 2] : nullptr;
    const std::vector<Value*> vectors = load_vectors(now[sums + 1], k, columns);
    if (plan_.ahead > 0) ask_ahead(now[sums + 1], columns);
    if (plan_.scalars_ahead > 0) ask_scalars_ahead(now[sums], rows);
    std::vector<Value*> next;
    for (int r = 0; r < rows; ++r) {
      Value* next_row = plan_.pack_scalars ? emitter_.i64(1) : scalars_.row_stride;
      Value* offset = builder_.CreateMul(emitter_.i64(r), next_row);
      Value* factor = builder_.CreateLoad(element_, at(now[sums], offset));
      if (operands_.prologue_a)
        factor = operands_.prologue_a(factor, builder_.CreateAdd(row, emitter_.i64(r)), k, nullptr);
      factor = builder_.CreateVectorSplat(static_cast<unsigned>(lanes_), factor);
      for (Value* vector : vectors) next.push_back(multiply_add(factor, vector, now[next.size()]));
    }
    return next;
  }

  /// Wants the panel's lines some rows on in the first cache. What lies behind the matrix is never touched.
  void ask_ahead(Value* pointer, const Columns& columns) {
    Value* rows = builder_.CreateMul(emitter_.i64(plan_.ahead), columns.row_stride);
    Value* line = at(pointer, rows);
    for (int v = 0; v < columns.vectors; ++v) emitter_.prefetch(at(line, width(v)), false);
  }

  /// The same of the scalars' lines.
  void ask_scalars_ahead(Value* pointer, int rows) {
    Value* next = at(pointer, builder_.CreateMul(emitter_.i64(plan_.scalars_ahead), scalars_.column_stride));
    const int line = 64 / static_cast<int>(size_of(type_));
    for (int row = 0; row < rows - 1; row += line) emitter_.prefetch(at(next, row), false);
    emitter_.prefetch(at(next, rows - 1), false);
  }

  std::vector<Value*> load_vectors(Value* pointer, Value* k, const Columns& columns) {
    std::vector<Value*> vectors;
    for (int v = 0; v < columns.vectors; ++v) {
      Value* mask = columns.packed ? nullptr : mask_of(columns, v);
      Value* from = at(pointer, width(v));
      Value* vector = emitter_.load_vector(vector_, from, alignment(), mask);
      if (operands_.prologue_b)
        vector =
            operands_.prologue_b(vector, k, builder_.CreateAdd(columns.first, emitter_.i64(width(v))), mask);
      vectors.push_back(vector);
    }
    return vectors;
  }

  Value* multiply_add(Value* a, Value* b, Value* sum) {
    if (plan_.pairs && emitter_.rounding == Rounding::Nearest)
      return emit_pairs_multiply_add(emitter_, a, b, sum);
    return emit_multiply_add(emitter_, a, b, sum);
  }

  Emitter& emitter_;
  llvm::IRBuilder<>& builder_;
  const ContractionPlan& plan_;
  const ContractionOperands& operands_;
  const ContractionEpilogue& epilogue_;
  Type type_;
  int lanes_;
  llvm::Type* element_;
  llvm::FixedVectorType* vector_;
  MatrixOperand scalars_, in_place_, vectors_;  // in place: the scalars before a block of them is packed
  Extent all_rows_;
  Value* depth_;                       // elements along k of what the tiles read
  std::vector<SumLoopValues> around_;  // a: of the scalars, b: of the vectors
  int chains_;                         // of multiply-adds for each sum
  bool rounds_;                        // both operands are rounded and packed
  Value* row_origin_ = nullptr;        // the row that scalars_ begins with; null: 0
  Value* turned_ = nullptr;
};

void check(const ContractionFacts& facts, const ContractionPlan& plan, const ContractionOperands& operands) {
  ensure(facts.type == Type::f32 || facts.type == Type::f64,
         "[contraction] wrong element type: got {}, want f32 or f64", to_string(facts.type));
  const bool packs = plan.pack_a || plan.pack_b, streams = plan.stream_rows > 0;
  const bool prologue = operands.prologue_a || operands.prologue_b;
  const Extent& scalars_row = plan.transposed ? facts.b_column : facts.a_row;
  ensure(!plan.pack_scalars || (scalars_row.is(1) && plan.row_block > 0 && !facts.rounded && !prologue),
         "[contraction] packed scalars are neighbours, by blocks of rows: got {}", to_string(plan));
  ensure((!packs && !streams && !plan.pack_scalars) || operands.scratch != nullptr,
         "[contraction] the plan packs without scratch memory: got {}", to_string(plan));
  ensure(!prologue || (!packs && !streams && !plan.squares && !plan.transposed),
         "[contraction] prologues need operands in place: got {}", to_string(plan));
  ensure(!facts.rounded || (plan.pack_a && plan.pack_b && plan.row_block > 0),
         "[contraction] rounded operands are packed by blocks: got {}", to_string(plan));
  ensure(facts.around.size() == operands.around.size() &&
             (facts.around.empty() || (!prologue && !facts.rounded && !plan.squares && !streams)),
         "[contraction] {} loops round k in {}: got {} operands of theirs", facts.around.size(),
         to_string(plan), operands.around.size());
  const bool contiguous = is_number(plan.transposed ? operands.a.row_stride : operands.b.column_stride, 1);
  const bool along_k = is_number(plan.transposed ? operands.a.column_stride : operands.b.row_stride, 1);
  ensure(!plan.squares ||
             (!packs && along_k && plan.tile_vectors == 1 && llvm::isa<llvm::ConstantInt>(operands.k)),
         "[contraction] squares need columns that lie along a known k: got {}", to_string(plan));
  ensure(!streams || (facts.m.is_constant() && facts.n.is_constant() && contiguous),
         "[contraction] a streamed operand needs known rows and columns that are contiguous: got {}",
         to_string(plan));
  ensure(!streams || chain_count(facts) == 1,
         "[contraction] a sum of a streamed operand is one chain: got {} products", to_string(facts.k));
  ensure(packs || plan.squares || contiguous,
         "[contraction] vectors are not contiguous and not packed: got {}", to_string(plan));
}

}  // namespace

void emit_contraction(Emitter& emitter, const ContractionFacts& facts, const ContractionPlan& plan,
                      const ContractionOperands& operands, const ContractionEpilogue& epilogue) {
  check(facts, plan, operands);
  if (plan.stream_rows > 0) return emit_streamed_contraction(emitter, facts, plan, operands, epilogue);
  if (plan.tile_parts > 0) return emit_tile_contraction(emitter, facts, plan, operands, epilogue);
  TiledProduct(emitter, facts, plan, operands, epilogue).run();
}

}  // namespace crease
