#include "jit/emit/tile_pack.h"

#include <fmt/format.h>

#include <numeric>
#include <vector>

#include "jit/contraction_tiles.h"
#include "jit/emit/carried_loop.h"
#include "jit/emit/emit_scalar.h"
#include "jit/emit/pack.h"

namespace crease {
namespace {

using llvm::Value;
using Values = std::vector<Value*>;  // one for each part

/// Rounded bits, in the upper halves of 32, of what a number is the sum of.
Values bits_of_parts(const Emitter& emitter, Value* x, int parts) {
  llvm::IRBuilder<>& builder = emitter.builder;
  if (parts == 1) return {emit_rounded_bits(emitter, x)};
  const auto same = [&](uint32_t bits) {
    return llvm::ConstantInt::get(llvm::FixedVectorType::get(builder.getInt32Ty(), lanes_of(x)), bits);
  };
  constexpr uint32_t infinity = 0x7f800000U;
  Value* bits = builder.CreateBitCast(x, same(0)->getType());
  Value* finite = builder.CreateICmpULT(builder.CreateAnd(bits, same(0x7fffffffU)), same(infinity));
  Value* upper = emit_rounded_bits(emitter, x);
  Value* grown = builder.CreateICmpEQ(builder.CreateAnd(upper, same(0x7fffffffU)), same(infinity));
  Value* cut = builder.CreateAnd(bits, same(0xffff0000U));
  upper = builder.CreateSelect(builder.CreateAnd(grown, finite), cut, upper);
  Values result{upper};
  Value* rest = builder.CreateFSub(x, builder.CreateBitCast(upper, x->getType()));
  rest = builder.CreateSelect(finite, rest, llvm::Constant::getNullValue(x->getType()));
  for (int part = 1; part < parts; ++part) {
    result.push_back(emit_rounded_bits(emitter, rest));
    // Both differences are exact: 24 bits less their first 8, and what is left less its first 8.
    if (part + 1 < parts) rest = builder.CreateFSub(rest, builder.CreateBitCast(result.back(), x->getType()));
  }
  return result;
}

/// How a matrix lies: along the depth, across it, or neither.
enum class Layout : uint8_t { Along, Across, Apart };

class TilePack {
 public:
  TilePack(Emitter& emitter, const TileSource& source, Layout layout, TileRows rows, int parts)
      : emitter_(emitter),
        builder_(emitter.builder),
        source_(source),
        layout_(layout),
        turned_((layout == Layout::Along) != (rows == TileRows::AlongDepth)),
        parts_(parts),
        lanes_(emitter.machine.lanes(size_of(Type::f32))),
        vector_(llvm::FixedVectorType::get(builder_.getFloatTy(), static_cast<unsigned>(lanes_))) {}

  /// Tiles until `all` across, one after the other.
  void run(Value* all, Value* target) {
    Value* steps = builder_.CreateLShr(plus(source_.depth, tile_depth - 1), 5);
    Value* length = builder_.CreateMul(steps, emitter_.i64(tile_depth));
    emit_loop(emitter_, emitter_.i64(0), all, tile_side, "across", [&](Value* w) {
      Value* line = builder_.CreateMul(builder_.CreateLShr(w, 4), steps);
      emit_loop(emitter_, emitter_.i64(0), length, tile_depth, "depth", [&](Value* d) {
        Value* number = builder_.CreateAdd(line, builder_.CreateLShr(d, 5));
        tile(w, d,
             emitter_.element(target, builder_.CreateMul(number, emitter_.i64(parts_ * tile_elements)),
                              Type::f32));
      });
    });
  }

 private:
  Value* element(Value* base, Value* index, Value* stride) {
    return emitter_.element(base, builder_.CreateMul(index, stride), Type::f32);
  }
  Value* plus(Value* a, int64_t b) { return builder_.CreateAdd(a, emitter_.i64(b)); }

  /// The tile from (w, d) on, with masks where some of it lies beside the matrix.
  void tile(Value* w, Value* d, Value* to) {
    llvm::Function* function = builder_.GetInsertBlock()->getParent();
    auto* inside = llvm::BasicBlock::Create(emitter_.context(), "inside", function);
    auto* beside = llvm::BasicBlock::Create(emitter_.context(), "beside", function);
    auto* after = llvm::BasicBlock::Create(emitter_.context(), "after", function);
    Value* across = builder_.CreateICmpSLE(plus(w, tile_side), source_.wide);
    Value* along = builder_.CreateICmpSLE(plus(d, tile_depth), source_.depth);
    builder_.CreateCondBr(builder_.CreateAnd(across, along), inside, beside);
    for (llvm::BasicBlock* block : {inside, beside}) {
      builder_.SetInsertPoint(block);
      lines(w, d, block == beside, to);
      builder_.CreateBr(after);
    }
    builder_.SetInsertPoint(after);
    if (turned_) turn(to);
  }

  /// Lines of pairs as they lie in memory.
  void lines(Value* w, Value* d, bool masked, Value* to) {
    Value* side = emitter_.i64(tile_side);
    emit_loop(emitter_, emitter_.i64(0), side, 1, "line", [&](Value* line) {
      emit_loop(emitter_, emitter_.i64(0), side, lanes_, "lane", [&](Value* lane) {
        const Values pairs = pairs_of(w, d, line, lane, masked);
        for (int part = 0; part < parts_; ++part)
          emitter_.store_vector(pairs[static_cast<size_t>(part)], place(to, emitter_.i64(part), line, lane),
                                llvm::Align(4), nullptr);
      });
    });
  }

  Value* place(Value* tiles, Value* part, Value* row, Value* column) {
    Value* first = builder_.CreateMul(part, emitter_.i64(tile_elements));
    Value* line = builder_.CreateMul(row, emitter_.i64(tile_side));
    return emitter_.element(tiles, builder_.CreateAdd(first, builder_.CreateAdd(line, column)), Type::f32);
  }

  /// Exchanges rows and columns of the tiles of all parts, two squares on both sides of the diagonal at once.
  void turn(Value* to) {
    Value* side = emitter_.i64(tile_side);
    emit_loop(emitter_, emitter_.i64(0), emitter_.i64(parts_), 1, "turn", [&](Value* part) {
      emit_loop(emitter_, emitter_.i64(0), side, lanes_, "row", [&](Value* row) {
        emit_loop(emitter_, row, side, lanes_, "column", [&](Value* column) {
          const Values upper = turned(place(to, part, row, column)),
                       lower = turned(place(to, part, column, row));
          store_lines(upper, place(to, part, column, row));
          store_lines(lower, place(to, part, row, column));
        });
      });
    });
  }

  Values turned(Value* from) {
    Values lines;
    for (int64_t i = 0; i < lanes_; ++i)
      lines.push_back(emitter_.load_vector(vector_, line_of(from, i), llvm::Align(4), nullptr));
    return emit_transpose(emitter_, std::move(lines));
  }

  void store_lines(const Values& lines, Value* to) {
    for (int64_t i = 0; i < lanes_; ++i)
      emitter_.store_vector(lines[static_cast<size_t>(i)], line_of(to, i), llvm::Align(4), nullptr);
  }

  Value* line_of(Value* first, int64_t i) {
    return emitter_.element(first, emitter_.i64(i * tile_side), Type::f32);
  }

  /// Pairs of neighbours along the depth, the first in the lower half. A line is one place across and its
  /// lanes are pairs where the matrix lies along the depth, else it is one pair and its lanes are places.
  Values pairs_of(Value* w, Value* d, Value* line, Value* lane, bool masked) {
    return layout_ == Layout::Along
               ? pairs_along(builder_.CreateAdd(w, line), builder_.CreateAdd(d, builder_.CreateShl(lane, 1)),
                             masked)
               : pairs_across(builder_.CreateAdd(w, lane), builder_.CreateAdd(d, builder_.CreateShl(line, 1)),
                              masked);
  }

  Values pairs_along(Value* w, Value* d, bool masked) {
    Value* row = element(source_.base, w, source_.wide_stride);
    Value* exists = builder_.CreateICmpSLT(w, source_.wide);
    Value* end = builder_.CreateSelect(exists, source_.depth, emitter_.i64(0));
    const auto halves = [&](Value* from) {
      Values result;
      auto* narrow = llvm::FixedVectorType::get(builder_.getInt16Ty(), static_cast<unsigned>(lanes_));
      Value* x =
          load(emitter_.element(row, from, Type::f32), emitter_.i64(1), masked ? lanes(from, end) : nullptr);
      for (Value* bits : bits_of_parts(emitter_, x, parts_))
        result.push_back(builder_.CreateTrunc(builder_.CreateLShr(bits, 16), narrow));
      return result;
    };
    const Values low = halves(d), high = halves(plus(d, lanes_));
    std::vector<int> order(static_cast<size_t>(2 * lanes_));
    std::iota(order.begin(), order.end(), 0);
    auto* pairs = llvm::FixedVectorType::get(builder_.getInt32Ty(), static_cast<unsigned>(lanes_));
    Values result;
    for (size_t part = 0; part < low.size(); ++part)
      result.push_back(
          builder_.CreateBitCast(builder_.CreateShuffleVector(low[part], high[part], order), pairs));
    return result;
  }

  Values pairs_across(Value* w, Value* d, bool masked) {
    const auto bits = [&](Value* k) {
      Value* exists = builder_.CreateICmpSLT(k, source_.depth);
      Value* end = builder_.CreateSelect(exists, source_.wide, emitter_.i64(0));
      Value* row = element(source_.base, k, source_.depth_stride);
      Value* x =
          load(element(row, w, source_.wide_stride), source_.wide_stride, masked ? lanes(w, end) : nullptr);
      return bits_of_parts(emitter_, x, parts_);
    };
    Values result = bits(d);
    const Values upper = bits(plus(d, 1));
    for (size_t part = 0; part < result.size(); ++part)
      result[part] = builder_.CreateOr(builder_.CreateLShr(result[part], 16), upper[part]);
    return result;
  }

  Value* lanes(Value* first, Value* end) {
    return emitter_.lanes_below(first, end, static_cast<int>(lanes_));
  }

  /// Numbers that lie `stride` apart, 0 in lanes without one.
  Value* load(Value* from, Value* stride, Value* mask) {
    if (is_number(stride, 1)) return emitter_.load_vector(vector_, from, llvm::Align(4), mask);
    Value* pointers = emitter_.lane_pointers(from, stride, static_cast<int>(lanes_), Type::f32);
    return builder_.CreateMaskedGather(vector_, pointers, llvm::Align(4), mask,
                                       llvm::Constant::getNullValue(vector_));
  }

  Emitter& emitter_;
  llvm::IRBuilder<>& builder_;
  TileSource source_;
  Layout layout_;
  bool turned_;  // lines become columns of a tile
  int parts_;
  int64_t lanes_;
  llvm::FixedVectorType* vector_;
};

/// The module's function for matrices that lie so, made on first use. Parameters: those of TileSource, then
/// of TilePack::run.
llvm::Function* packing_function(Emitter& emitter, Layout layout, TileRows rows, int parts) {
  constexpr const char* layouts[] = {"along", "across", "apart"};
  const std::string name = fmt::format("crease.tiles.{}.{}.{}", layouts[static_cast<int>(layout)],
                                       rows == TileRows::AlongDepth ? "rows" : "pairs", parts);
  if (llvm::Function* known = emitter.module.getFunction(name)) return known;
  llvm::IRBuilder<>& builder = emitter.builder;
  llvm::Type *i64 = builder.getInt64Ty(), *pointer = builder.getPtrTy();
  llvm::Function* function = emit_helper(emitter, name, {pointer, i64, i64, i64, i64, i64, pointer});
  for (const unsigned parameter : {0U, 6U}) function->addParamAttr(parameter, llvm::Attribute::NoAlias);
  const llvm::IRBuilderBase::InsertPointGuard guard(builder);
  builder.SetInsertPoint(&function->getEntryBlock());
  const auto given = [&](unsigned i) -> Value* { return function->getArg(i); };
  const auto stride = [&](unsigned i, Layout single) {
    return layout == single ? static_cast<Value*>(emitter.i64(1)) : given(i);
  };
  const TileSource matrix{given(0), stride(1, Layout::Across), stride(2, Layout::Along), given(3), given(4)};
  TilePack(emitter, matrix, layout, rows, parts).run(given(5), given(6));
  builder.CreateRetVoid();
  return function;
}

}  // namespace

void emit_tile_pack(Emitter& emitter, const TileSource& source, TileRows rows, int parts, int64_t tiles,
                    llvm::Value* target) {
  llvm::IRBuilder<>& builder = emitter.builder;
  const Layout layout = is_number(source.depth_stride, 1)  ? Layout::Along
                        : is_number(source.wide_stride, 1) ? Layout::Across
                                                           : Layout::Apart;
  const int64_t step = tiles * tile_side;
  llvm::Value* all =
      builder.CreateAnd(builder.CreateAdd(source.wide, emitter.i64(step - 1)), emitter.i64(-step));
  builder.CreateCall(
      packing_function(emitter, layout, rows, parts),
      {source.base, source.wide_stride, source.depth_stride, source.wide, source.depth, all, target});
}

}  // namespace crease
