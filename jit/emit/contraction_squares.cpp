#include "jit/emit/contraction_squares.h"

#include <algorithm>

#include "jit/contraction.h"
#include "jit/emit/carried_loop.h"
#include "jit/emit/chain_sums.h"
#include "jit/emit/emit_scalar.h"

namespace crease {
namespace {

using llvm::Value;

class SquareSums {
 public:
  SquareSums(Emitter& emitter, Type type, const SquarePanel& panel, const SquareTile& tile)
      : emitter_(emitter),
        builder_(emitter.builder),
        type_(type),
        panel_(panel),
        tile_(tile),
        lanes_(static_cast<int>(panel.columns.size())),
        element_(emitter.memory_type(type)),
        vector_(llvm::FixedVectorType::get(element_, static_cast<unsigned>(lanes_))) {}

  std::vector<Value*> run() { return tile_.chains == 1 ? one_chain() : several_chains(); }

 private:
  Value* at(Value* base, Value* index) { return emitter_.element(base, index, type_); }
  llvm::Align alignment() const { return llvm::Align(static_cast<uint64_t>(size_of(type_))); }

  /// Carried are the sums, the places in both operands, and how many elements along k are left.
  std::vector<Value*> one_chain() {
    const auto rows = static_cast<size_t>(tile_.rows);
    std::vector<Value*> state(rows, llvm::ConstantFP::getZero(vector_));
    state.push_back(tile_.scalars.base);
    state.push_back(panel_.base);
    state.push_back(emitter_.i64(tile_.depth));
    state = emit_carried_loop(emitter_, emitter_.i64(tile_.depth / lanes_), state,
                              [&](std::span<Value* const> now) {
                                if (tile_.ahead > 0) ask_ahead(now[rows + 1], now[rows + 2]);
                                return after_square({now.begin(), now.end()}, lanes_);
                              });
    if (tile_.depth % lanes_ != 0) state = after_square(std::move(state), tile_.depth % lanes_);
    state.resize(rows);
    return state;
  }

  /// Of a few k: no loop.
  std::vector<Value*> several_chains() {
    std::vector<Value*> turned;  // a vector for each k
    for (int64_t k = 0; k < tile_.depth; k += lanes_) {
      const std::vector<Value*> square =
          load(at(panel_.base, emitter_.i64(k)), std::min<int64_t>(lanes_, tile_.depth - k));
      turned.insert(turned.end(), square.begin(), square.end());
    }
    ChainSums sums(emitter_, type_);
    for (int chain = 0; chain < tile_.chains; ++chain) {
      std::vector<Value*> rows(static_cast<size_t>(tile_.rows), llvm::ConstantFP::getZero(vector_));
      for (int64_t k = chain_begin(tile_.depth, tile_.chains, chain);
           k < chain_begin(tile_.depth, tile_.chains, chain + 1); ++k)
        for (size_t r = 0; r < rows.size(); ++r)
          rows[r] = emit_multiply_add(emitter_, factor(tile_.scalars.base, r, k),
                                      turned[static_cast<size_t>(k)], rows[r]);
      sums.add(std::move(rows));
    }
    return std::move(sums).total();
  }

  std::vector<Value*> after_square(std::vector<Value*> state, int64_t depth) {
    const auto rows = static_cast<size_t>(tile_.rows);
    const std::vector<Value*> square = load(state[rows + 1], depth);
    for (int64_t k = 0; k < depth; ++k)
      for (size_t r = 0; r < rows; ++r)
        state[r] =
            emit_multiply_add(emitter_, factor(state[rows], r, k), square[static_cast<size_t>(k)], state[r]);
    Value* const count = emitter_.i64(depth);
    state[rows] = at(state[rows], builder_.CreateMul(count, tile_.scalars.column_stride));
    state[rows + 1] = at(state[rows + 1], count);
    state[rows + 2] = builder_.CreateSub(state[rows + 2], count);
    return state;
  }

  Value* factor(Value* base, size_t row, int64_t k) {
    Value* line =
        at(base, builder_.CreateMul(emitter_.i64(static_cast<int64_t>(row)), tile_.scalars.row_stride));
    Value* place = at(line, builder_.CreateMul(emitter_.i64(k), tile_.scalars.column_stride));
    return builder_.CreateVectorSplat(static_cast<unsigned>(lanes_), builder_.CreateLoad(element_, place));
  }

  /// Column by column as they lie in memory, then turned round: one vector for each k.
  std::vector<Value*> load(Value* base, int64_t depth) {
    Value* valid =
        depth == lanes_ ? nullptr : emitter_.lanes_below(emitter_.i64(0), emitter_.i64(depth), lanes_);
    std::vector<Value*> square;
    for (Value* column : panel_.columns)
      square.push_back(emitter_.load_vector(vector_, at(base, column), alignment(), valid));
    return emit_transpose(emitter_, std::move(square));
  }

  /// Wants each column's line some k on in the first cache, of the next panel where this one ends before.
  /// What lies behind the matrix is never touched.
  void ask_ahead(Value* base, Value* left) {
    Value* const ahead = emitter_.i64(tile_.ahead);
    Value* beyond =
        builder_.CreateSub(builder_.CreateAdd(tile_.next_panel, ahead), emitter_.i64(tile_.depth));
    Value* line = at(base, builder_.CreateSelect(builder_.CreateICmpSGT(left, ahead), ahead, beyond));
    for (Value* column : panel_.columns) emitter_.prefetch(at(line, column), false);
  }

  Emitter& emitter_;
  llvm::IRBuilder<>& builder_;
  Type type_;
  const SquarePanel& panel_;
  const SquareTile& tile_;
  int lanes_;
  llvm::Type* element_;
  llvm::FixedVectorType* vector_;
};

}  // namespace

SquarePanel square_panel(Emitter& emitter, Type type, const MatrixOperand& matrix, llvm::Value* column,
                         llvm::Value* end) {
  llvm::IRBuilder<>& builder = emitter.builder;
  llvm::Value* width = end == nullptr ? nullptr : builder.CreateSub(end, column);
  const auto* known = llvm::dyn_cast_or_null<llvm::ConstantInt>(width);
  SquarePanel panel{emitter.element(matrix.base, builder.CreateMul(column, matrix.column_stride), type), {}};
  const int lanes = emitter.machine.lanes(size_of(type));
  for (int lane = 0; lane < lanes; ++lane) {
    llvm::Value* number = emitter.i64(lane);
    if (width != nullptr && (known == nullptr || lane >= known->getSExtValue()))
      number = emitter.minimum(number, builder.CreateSub(width, emitter.i64(1)));
    panel.columns.push_back(builder.CreateMul(number, matrix.column_stride));
  }
  return panel;
}

std::vector<llvm::Value*> emit_square_sums(Emitter& emitter, Type type, const SquarePanel& panel,
                                           const SquareTile& tile) {
  return SquareSums(emitter, type, panel, tile).run();
}

}  // namespace crease
