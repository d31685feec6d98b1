#include "jit/emit/emit_convolution.h"

#include <algorithm>

#include "jit/emit/carried_loop.h"
#include "jit/emit/emit_scalar.h"
#include "jit/emit/pack.h"
#include "jit/schedule_convolution.h"

namespace crease {

ConvolutionEmitter::ConvolutionEmitter(Emitter& emitter, const Kernel& kernel, const KernelSchedule& schedule,
                                       llvm::Value* scratch)
    : emitter_(emitter),
      builder_(emitter.builder),
      kernel_(kernel),
      plan_(*schedule.convolution),
      lanes_(schedule.lanes),
      width_(static_cast<int64_t>(plan_.tile_vectors) * lanes_),
      row_stride_((extent(plan_.row_loop) + lanes_ - 1) / lanes_ * lanes_ + lanes_),
      panel_size_(plan_.packed / panels()),
      vector_(llvm::FixedVectorType::get(emitter.memory_type(plan_.type), static_cast<unsigned>(lanes_))),
      scratch_(scratch),
      kept_(emitter.stack_memory(
          llvm::ArrayType::get(vector_->getElementType(), static_cast<uint64_t>(width_ * row_stride_)))),
      lines_(at(scratch, emitter.i64(plan_.packed + plan_.kept))) {}

int64_t ConvolutionEmitter::extent(int loop) const {
  return loop < 0 ? 1 : kernel_.loops[static_cast<size_t>(loop)].extent.factor;
}

llvm::Value* ConvolutionEmitter::at(llvm::Value* base, llvm::Value* index) const {
  return emitter_.element(base, index, plan_.type);
}

llvm::Value* ConvolutionEmitter::stride(const ConvolutionOperands& operand, int loop) const {
  return loop < 0 ? emitter_.i64(0) : operand.strides[static_cast<size_t>(loop)];
}

llvm::Value* ConvolutionEmitter::stepped(llvm::Value* pointer, const ConvolutionOperands& operand, int loop,
                                         llvm::Value* turns) {
  return loop < 0 ? pointer : at(pointer, builder_.CreateMul(turns, stride(operand, loop)));
}

void ConvolutionEmitter::pack(const ConvolutionOperands& weight) {
  // Rows of a block are the turns of the innermost loop.
  std::vector<int> loops = plan_.guarded;
  for (const int loop : {plan_.side_loop, plan_.depth_loop})
    if (loop >= 0) loops.push_back(loop);
  const int innermost = loops.empty() ? -1 : loops.back();
  if (!loops.empty()) loops.pop_back();
  const int64_t rows = extent(innermost), columns = extent(plan_.column_loop);
  const std::function<void(size_t, llvm::Value*, llvm::Value*, llvm::Value*, llvm::Value*)> turns =
      [&](size_t number, llvm::Value* pointer, llvm::Value* block, llvm::Value* column, llvm::Value* target) {
        if (number == loops.size())
          return emit_pack(emitter_, plan_.type,
                           {pointer, stride(weight, innermost), stride(weight, plan_.column_loop)},
                           emitter_.i64(rows),
                           {column, builder_.CreateSub(emitter_.i64(columns), column), plan_.tile_vectors},
                           at(target, builder_.CreateMul(block, emitter_.i64(rows * width_))));
        const int loop = loops[number];
        emit_loop(emitter_, emitter_.i64(0), emitter_.i64(extent(loop)), 1, "pack", [&](llvm::Value* turn) {
          llvm::Value* next = builder_.CreateAdd(builder_.CreateMul(block, emitter_.i64(extent(loop))), turn);
          turns(number + 1, stepped(pointer, weight, loop, turn), next, column, target);
        });
      };
  emit_loop(emitter_, emitter_.i64(0), emitter_.i64(panels()), 1, "panel", [&](llvm::Value* panel) {
    turns(0, weight.pointer, emitter_.i64(0), builder_.CreateMul(panel, emitter_.i64(width_)),
          at(scratch_, builder_.CreateMul(panel, emitter_.i64(panel_size_))));
  });
}

/// Weights of a pass, where they lie in one piece; else 0.
int64_t ConvolutionEmitter::elements_in_one_piece(const ConvolutionOperands& weight) const {
  std::vector<int> loops = plan_.guarded;
  loops.insert(loops.end(), {plan_.column_loop, plan_.side_loop, plan_.depth_loop});
  int64_t count = 1;
  for (auto next = loops.begin(); next != loops.end(); next = loops.begin()) {
    next = std::ranges::find_if(
        loops, [&](int loop) { return extent(loop) == 1 || is_number(stride(weight, loop), count); });
    if (next == loops.end()) return 0;
    count *= extent(*next);
    loops.erase(next);
  }
  return count;
}

int64_t ConvolutionEmitter::guarded_turns() const {
  int64_t turns = 1;
  for (const int loop : plan_.guarded) turns *= extent(loop);
  return turns;
}

void ConvolutionEmitter::ask_for_next_pass(const ConvolutionOperands& weight, llvm::Value* row, int64_t rows,
                                           llvm::Value* turn) {
  const int64_t line = 64 / size_of(plan_.type), turns = guarded_turns();
  const int64_t lines = (elements_in_one_piece(weight) + line - 1) / line;
  const int64_t of_row = (lines + rows - 1) / rows, of_turn = (of_row + turns - 1) / turns;
  llvm::Value* number = builder_.CreateAdd(builder_.CreateMul(row, emitter_.i64(of_row)),
                                           builder_.CreateMul(turn, emitter_.i64(of_turn)));
  llvm::Value* next = stepped(weight.pointer, weight, plan_.pass_loop, emitter_.i64(1));
  next = at(next, builder_.CreateMul(number, emitter_.i64(line)));
  constexpr int64_t most = 64;  // that code is made for
  for (int64_t i = 0; i < std::min(of_turn, most); ++i)
    emitter_.prefetch(at(next, emitter_.i64(i * line)), false);
}

std::vector<ConvolutionEmitter::Tile> ConvolutionEmitter::tiles() const {
  std::vector<Tile> list;
  const int64_t row = extent(plan_.row_loop);
  for (int64_t first = 0; first < row; first += plan_.tile_rows)
    list.push_back({first, std::min<int64_t>(plan_.tile_rows, row - first)});
  return list;
}

void ConvolutionEmitter::sum_row(const ConvolutionOperands& data, llvm::Value* panel, const Inside& inside,
                                 const Ask& ask) {
  data_ = &data;
  inside_ = &inside;
  ask_ = &ask;
  panel_ = at(scratch_, builder_.CreateMul(panel, emitter_.i64(panel_size_)));
  for (const Tile& tile : tiles()) {
    const Sums zeros(static_cast<size_t>(tile.rows * plan_.tile_vectors), llvm::ConstantFP::getZero(vector_));
    const Sums made = guarded_loops(0, tile, zeros, {});
    if (row_ == nullptr) {
      keep(tile, made);
      continue;
    }
    for (size_t i = 0; i < made.size(); ++i) {
      llvm::Value* place = kept_sum(tile, panel, i);
      llvm::Value* before = builder_.CreateAlignedLoad(vector_, place, align());
      builder_.CreateAlignedStore(emit_combine(emitter_, Combine::Sum, plan_.type, before, made[i]), place,
                                  align());
    }
  }
}

void ConvolutionEmitter::copy_row(const ConvolutionOperands& data, const Inside& inside) {
  if (plan_.line == 0) return;
  const std::function<void(std::vector<llvm::Value*>, llvm::Value*, llvm::Value*)> turns =
      [&](std::vector<llvm::Value*> indices, llvm::Value* pointer, llvm::Value* block) {
        if (indices.size() == plan_.guarded.size()) {
          llvm::Value* one = emitter_.i64(1);
          if (!plan_.guards.empty()) one = builder_.CreateZExt(inside(indices), builder_.getInt64Ty());
          return emit_loop(emitter_, emitter_.i64(0), one, 1, "copy",
                           [&](llvm::Value*) { copy_lines(pointer, block, data); });
        }
        const int loop = plan_.guarded[indices.size()];
        emit_loop(emitter_, emitter_.i64(0), emitter_.i64(extent(loop)), 1, "copy", [&](llvm::Value* turn) {
          std::vector<llvm::Value*> reached = indices;
          reached.push_back(turn);
          llvm::Value* next = builder_.CreateAdd(builder_.CreateMul(block, emitter_.i64(extent(loop))), turn);
          turns(std::move(reached), stepped(pointer, data, loop, turn), next);
        });
      };
  turns({}, data.pointer, emitter_.i64(0));
}

/// One line of each turn of the depth loop.
void ConvolutionEmitter::copy_lines(llvm::Value* data, llvm::Value* block,
                                    const ConvolutionOperands& operand) {
  const int64_t channels = extent(plan_.depth_loop);
  llvm::Value* target = at(lines_, builder_.CreateMul(block, emitter_.i64(channels * plan_.line)));
  emit_loop(emitter_, emitter_.i64(0), emitter_.i64(channels), 1, "line", [&](llvm::Value* channel) {
    llvm::Value* from = stepped(data, operand, plan_.depth_loop, channel);
    from = at(from, emitter_.i64(plan_.line_begin));
    llvm::Value* to = at(target, builder_.CreateMul(channel, emitter_.i64(plan_.line)));
    for (int64_t first = 0; first < plan_.line_elements; first += lanes_) {
      llvm::Value* offset = emitter_.i64(first);
      llvm::Value* mask = first + lanes_ <= plan_.line_elements
                              ? nullptr
                              : emitter_.lanes_below(offset, emitter_.i64(plan_.line_elements), lanes_);
      llvm::Value* loaded = emitter_.load_vector(vector_, at(from, offset), align(), mask);
      emitter_.store_vector(loaded, at(to, offset), align(), mask);
    }
  });
}

void ConvolutionEmitter::clear_sums() {
  emit_loop(emitter_, emitter_.i64(0), emitter_.i64(plan_.kept), lanes_, "clear", [&](llvm::Value* index) {
    llvm::Value* place = at(scratch_, builder_.CreateAdd(emitter_.i64(plan_.packed), index));
    builder_.CreateAlignedStore(llvm::ConstantFP::getZero(vector_), place, align());
  });
}

void ConvolutionEmitter::recall_row(llvm::Value* panel) {
  for (const Tile& tile : tiles()) {
    Sums before(static_cast<size_t>(tile.rows * plan_.tile_vectors));
    for (size_t i = 0; i < before.size(); ++i)
      before[i] = builder_.CreateAlignedLoad(vector_, kept_sum(tile, panel, i), align());
    keep(tile, before);
  }
}

/// Where a sum of the row is kept between passes.
llvm::Value* ConvolutionEmitter::kept_sum(const Tile& tile, llvm::Value* panel, size_t number) {
  const int64_t row = extent(plan_.row_loop) * width_;
  llvm::Value* place = builder_.CreateAdd(builder_.CreateMul(row_, emitter_.i64(panels())), panel);
  place = builder_.CreateMul(place, emitter_.i64(row));
  const int64_t within = plan_.packed + tile.first * width_ + static_cast<int64_t>(number) * lanes_;
  return at(scratch_, builder_.CreateAdd(place, emitter_.i64(within)));
}

ConvolutionEmitter::Sums ConvolutionEmitter::guarded_loops(size_t depth, const Tile& tile, Sums sums,
                                                           std::vector<llvm::Value*> indices) {
  if (depth == plan_.guarded.size()) return side_loops(tile, std::move(sums), indices);
  sums.push_back(emitter_.i64(0));
  llvm::Value* count = emitter_.i64(extent(plan_.guarded[depth]));
  sums = emit_carried_loop(emitter_, count, sums, [&](std::span<llvm::Value* const> now) {
    std::vector<llvm::Value*> reached = indices;
    reached.push_back(now.back());
    Sums next = guarded_loops(depth + 1, tile, Sums(now.begin(), now.end() - 1), std::move(reached));
    next.push_back(builder_.CreateAdd(now.back(), emitter_.i64(1)));
    return next;
  });
  sums.pop_back();
  return sums;
}

/// All turns of the side loop where the guards hold: a loop of one turn, or of none.
ConvolutionEmitter::Sums ConvolutionEmitter::side_loops(const Tile& tile, Sums sums,
                                                        std::span<llvm::Value* const> indices) {
  llvm::Value* data = data_->pointer;
  llvm::Value* block = emitter_.i64(0);
  for (size_t i = 0; i < indices.size(); ++i) {
    data = stepped(data, *data_, plan_.guarded[i], indices[i]);
    block = builder_.CreateAdd(builder_.CreateMul(block, emitter_.i64(extent(plan_.guarded[i]))), indices[i]);
  }
  if (plan_.line > 0) {
    data = at(lines_, builder_.CreateMul(block, emitter_.i64(extent(plan_.depth_loop) * plan_.line)));
    data = at(data, emitter_.i64(-plan_.line_begin));
  }
  data = stepped(data, *data_, plan_.row_loop, emitter_.i64(tile.first));
  (*ask_)(tile, block);
  const int64_t size = extent(plan_.side_loop) * extent(plan_.depth_loop) * width_;
  llvm::Value* weight = at(panel_, builder_.CreateMul(block, emitter_.i64(size)));
  if (plan_.guards.empty()) return all_sides(tile, std::move(sums), data, weight);
  llvm::Value* count = builder_.CreateZExt((*inside_)(indices), builder_.getInt64Ty());
  return emit_carried_loop(emitter_, count, sums, [&](std::span<llvm::Value* const> now) {
    return all_sides(tile, Sums(now.begin(), now.end()), data, weight);
  });
}

ConvolutionEmitter::Sums ConvolutionEmitter::all_sides(const Tile& tile, Sums sums, llvm::Value* data,
                                                       llvm::Value* weight) {
  const int64_t size = extent(plan_.depth_loop) * width_;
  for (int64_t side = 0; side < extent(plan_.side_loop);) {
    llvm::Value* from = stepped(data, *data_, plan_.side_loop, emitter_.i64(side));
    llvm::Value* factors = at(weight, emitter_.i64(side * size));
    const int64_t turns = turns_alike(tile, side);
    sums.insert(sums.end(), {from, factors});
    sums = emit_carried_loop(emitter_, emitter_.i64(turns), sums, [&](std::span<llvm::Value* const> now) {
      const size_t count = now.size() - 2;
      const auto own = now.first(count);
      Sums next = depth_loop(tile, side, Sums(own.begin(), own.end()), now[count], now[count + 1]);
      next.push_back(stepped(now[count], *data_, plan_.side_loop, emitter_.i64(1)));
      next.push_back(at(now[count + 1], emitter_.i64(size)));
      return next;
    });
    sums.resize(sums.size() - 2);
    side += turns;
  }
  return sums;
}

/// Turns of the side loop from `side` on that are one loop: of many, those that have a product for each
/// position of the tile.
int64_t ConvolutionEmitter::turns_alike(const Tile& tile, int64_t side) const {
  constexpr int64_t few = 32;
  const auto is_whole = [&](int64_t turn) {
    return makes_product(kernel_, plan_, tile.first, turn) &&
           makes_product(kernel_, plan_, tile.first + tile.rows - 1, turn);
  };
  const int64_t sides = extent(plan_.side_loop);
  int64_t end = side;
  while (sides > few && end < sides && is_whole(end)) ++end;
  return std::max<int64_t>(1, end - side);
}

/// The products of one turn of the side loop, for the positions of the tile where its conditions hold.
ConvolutionEmitter::Sums ConvolutionEmitter::depth_loop(const Tile& tile, int64_t side, const Sums& sums,
                                                        llvm::Value* data, llvm::Value* weight) {
  std::vector<int64_t> rows;
  for (int64_t row = 0; row < tile.rows; ++row)
    if (makes_product(kernel_, plan_, tile.first + row, side)) rows.push_back(row);
  const auto vectors = static_cast<size_t>(plan_.tile_vectors);
  Sums own;
  for (const int64_t row : rows)
    for (size_t v = 0; v < vectors; ++v) own.push_back(sums[static_cast<size_t>(row) * vectors + v]);
  const size_t count = own.size();
  own.insert(own.end(), {data, weight});
  const auto turn = [&](std::span<llvm::Value* const> now) {
    Sums next = products(rows, now.first(count), now[count], now[count + 1]);
    next.push_back(plan_.line > 0 ? at(now[count], emitter_.i64(plan_.line))
                                  : stepped(now[count], *data_, plan_.depth_loop, emitter_.i64(1)));
    next.push_back(at(now[count + 1], emitter_.i64(width_)));
    return next;
  };
  if (!rows.empty()) own = emit_carried_loop(emitter_, emitter_.i64(extent(plan_.depth_loop)), own, turn);
  Sums result = sums;
  for (size_t i = 0; i < rows.size(); ++i)
    for (size_t v = 0; v < vectors; ++v)
      result[static_cast<size_t>(rows[i]) * vectors + v] = own[i * vectors + v];
  return result;
}

ConvolutionEmitter::Sums ConvolutionEmitter::products(std::span<const int64_t> rows,
                                                      std::span<llvm::Value* const> sums, llvm::Value* data,
                                                      llvm::Value* weight) {
  Sums weights, next;
  for (int64_t v = 0; v < plan_.tile_vectors; ++v)
    weights.push_back(builder_.CreateAlignedLoad(vector_, at(weight, emitter_.i64(v * lanes_)), align()));
  for (const int64_t row : rows) {
    llvm::Value* from = stepped(data, *data_, plan_.row_loop, emitter_.i64(row));
    llvm::Value* factor = builder_.CreateVectorSplat(
        static_cast<unsigned>(lanes_), builder_.CreateAlignedLoad(vector_->getElementType(), from, align()));
    for (llvm::Value* each : weights)
      next.push_back(emit_multiply_add(emitter_, factor, each, sums[next.size()]));
  }
  return next;
}

/// Turns the sums round, square by square, so that they lie along the row. What stands behind the last
/// position of a tile is overwritten by the next one, or never read.
void ConvolutionEmitter::keep(const Tile& tile, const Sums& sums) {
  const auto vectors = static_cast<size_t>(plan_.tile_vectors);
  for (size_t v = 0; v < vectors; ++v)
    for (int64_t first = 0; first < tile.rows; first += lanes_) {
      Sums square;
      for (int64_t row = first; row < std::min<int64_t>(tile.rows, first + lanes_); ++row)
        square.push_back(sums[static_cast<size_t>(row) * vectors + v]);
      square = emit_transpose(emitter_, std::move(square));
      for (int lane = 0; lane < lanes_; ++lane) {
        const int64_t column = static_cast<int64_t>(v) * lanes_ + lane;
        builder_.CreateAlignedStore(square[static_cast<size_t>(lane)],
                                    at(kept_, emitter_.i64(column * row_stride_ + tile.first + first)),
                                    align());
      }
    }
}

llvm::Value* ConvolutionEmitter::sums(llvm::Value* column, llvm::Value* position) {
  llvm::Value* place = builder_.CreateAdd(builder_.CreateMul(column, emitter_.i64(row_stride_)), position);
  return builder_.CreateAlignedLoad(vector_, at(kept_, place), align());
}

}  // namespace crease
