#include "jit/emit/contraction_squares.h"

#include <algorithm>

#include "jit/contraction.h"
#include "jit/emit/carried_loop.h"
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

  /// Carried are the sums, row by row for each chain, the places in both operands, and how many elements
  /// along k are left.
  std::vector<Value*> run() {
    std::vector<Value*> state(sums(), llvm::ConstantFP::getZero(vector_));
    state.push_back(tile_.scalars.base);
    state.push_back(panel_.base);
    state.push_back(emitter_.i64(tile_.depth));
    if (tile_.chains == 1) return one_chain(std::move(state));
    for (int64_t k = 0; k < tile_.depth; k += lanes_)
      state = after_square(std::move(state), k, std::min<int64_t>(lanes_, tile_.depth - k));
    std::vector<std::vector<Value*>> parts;
    for (int chain = 0; chain < tile_.chains; ++chain)
      parts.emplace_back(state.begin() + int64_t{chain} * tile_.rows,
                         state.begin() + int64_t{chain + 1} * tile_.rows);
    return emit_sum_of_chains(emitter_, type_, std::move(parts));
  }

 private:
  size_t sums() const { return static_cast<size_t>(tile_.rows) * static_cast<size_t>(tile_.chains); }
  Value* at(Value* base, Value* index) { return emitter_.element(base, index, type_); }
  llvm::Align alignment() const { return llvm::Align(static_cast<uint64_t>(size_of(type_))); }

  std::vector<Value*> one_chain(std::vector<Value*> state) {
    const int64_t rest = tile_.depth % lanes_;
    state = emit_carried_loop(emitter_, emitter_.i64(tile_.depth / lanes_), state,
                              [&](std::span<Value* const> now) {
                                if (tile_.ahead > 0) ask_ahead(now[sums() + 1], now[sums() + 2]);
                                return after_square({now.begin(), now.end()}, 0, lanes_);
                              });
    if (rest != 0) state = after_square(std::move(state), 0, rest);
    state.resize(sums());
    return state;
  }

  /// Which chain element k of several goes into.
  int chain_of(int64_t k) const {
    int chain = 0;
    while (chain + 1 < tile_.chains && chain_begin(tile_.depth, tile_.chains, chain + 1) <= k) ++chain;
    return chain;
  }

  /// `depth` more k, from `first` on, which only several chains ask for.
  std::vector<Value*> after_square(std::vector<Value*> state, int64_t first, int64_t depth) {
    const auto rows = static_cast<size_t>(tile_.rows);
    const size_t places = sums();
    const std::vector<Value*> square = load(state[places + 1], depth);
    for (int64_t k = 0; k < depth; ++k)
      for (size_t r = 0; r < rows; ++r) {
        Value*& sum = state[static_cast<size_t>(chain_of(first + k)) * rows + r];
        sum = emit_multiply_add(emitter_, factor(state[places], r, k), square[static_cast<size_t>(k)], sum);
      }
    Value* const count = emitter_.i64(depth);
    state[places] = at(state[places], builder_.CreateMul(count, tile_.scalars.column_stride));
    state[places + 1] = at(state[places + 1], count);
    state[places + 2] = builder_.CreateSub(state[places + 2], count);
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

std::vector<llvm::Value*> emit_sum_of_chains(Emitter& emitter, Type type,
                                             std::vector<std::vector<llvm::Value*>> chains) {
  for (size_t apart = 1; apart < chains.size(); apart *= 2)
    for (size_t first = 0; first + apart < chains.size(); first += 2 * apart)
      for (size_t i = 0; i < chains[first].size(); ++i)
        chains[first][i] =
            emit_combine(emitter, Combine::Sum, type, chains[first][i], chains[first + apart][i]);
  return std::move(chains.front());
}

std::vector<llvm::Value*> emit_square_sums(Emitter& emitter, Type type, const SquarePanel& panel,
                                           const SquareTile& tile) {
  return SquareSums(emitter, type, panel, tile).run();
}

}  // namespace crease
