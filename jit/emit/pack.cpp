#include "jit/emit/pack.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "jit/emit/carried_loop.h"

namespace crease {
namespace {

using llvm::Value;

/// Nothing more is known of a panel than that its elements are aligned.
llvm::Align alignment(Type type) { return llvm::Align(static_cast<uint64_t>(size_of(type))); }

/// The body of the shared function: packs one vector of columns.
struct Packer {
  Emitter& emitter;
  Type type;
  int lanes;
  Value *target, *target_stride, *source, *row_stride, *column_stride, *rows, *last;

  llvm::IRBuilder<>& builder() const { return emitter.builder; }
  llvm::FixedVectorType* vector() const {
    return llvm::FixedVectorType::get(emitter.memory_type(type), static_cast<unsigned>(lanes));
  }
  Value* at(Value* base, Value* index, Value* stride) const {
    return emitter.element(base, builder().CreateMul(index, stride), type);
  }

  /// Where each column of the vector begins; columns past the last repeat it.
  std::vector<Value*> column_starts() const {
    std::vector<Value*> starts;
    for (int lane = 0; lane < lanes; ++lane) {
      starts.push_back(at(source, emitter.minimum(emitter.i64(lane), last), column_stride));
    }
    return starts;
  }

  void store_row(Value* row, Value* value) const {
    builder().CreateAlignedStore(value, at(target, row, target_stride), alignment(type));
  }

  void gather_row(const std::vector<Value*>& starts, Value* row) const {
    Value* line = llvm::PoisonValue::get(vector());
    for (size_t lane = 0; lane < starts.size(); ++lane) {
      Value* loaded = builder().CreateLoad(emitter.memory_type(type), at(starts[lane], row, row_stride));
      line = builder().CreateInsertElement(line, loaded, lane);
    }
    store_row(row, line);
  }

  /// `lanes` rows at once, where each column is contiguous.
  void transpose_rows(const std::vector<Value*>& starts, Value* row) const {
    std::vector<Value*> lines;
    for (Value* start : starts)
      lines.push_back(
          builder().CreateAlignedLoad(vector(), emitter.element(start, row, type), alignment(type)));
    lines = emit_transpose(emitter, std::move(lines));
    for (int lane = 0; lane < lanes; ++lane)
      store_row(builder().CreateAdd(row, emitter.i64(lane)), lines[static_cast<size_t>(lane)]);
  }

  void run(bool contiguous) const {
    const std::vector<Value*> starts = column_starts();
    Value* blocked = emitter.i64(0);
    if (contiguous) {
      blocked = builder().CreateAnd(rows, emitter.i64(-lanes));
      emit_loop(emitter, emitter.i64(0), blocked, lanes, "pack.block",
                [&](Value* row) { transpose_rows(starts, row); });
    }
    emit_loop(emitter, blocked, rows, 1, "pack.row", [&](Value* row) { gather_row(starts, row); });
  }
};

/// The module's function that packs one vector of columns, made on first use. Parameters: those of Packer.
llvm::Function* packing_function(Emitter& emitter, Type type, int lanes, bool contiguous) {
  llvm::IRBuilder<>& builder = emitter.builder;
  const std::string name =
      fmt::format("crease.pack.{}.{}x{}", contiguous ? "transpose" : "gather", to_string(type), lanes);
  if (llvm::Function* known = emitter.module.getFunction(name)) return known;

  llvm::Type* i64 = builder.getInt64Ty();
  llvm::Type* pointer = builder.getPtrTy();
  llvm::Function* function = emit_helper(emitter, name, {pointer, i64, pointer, i64, i64, i64, i64});
  for (const unsigned parameter : {0U, 2U}) function->addParamAttr(parameter, llvm::Attribute::NoAlias);

  const llvm::IRBuilderBase::InsertPointGuard guard(builder);
  builder.SetInsertPoint(&function->getEntryBlock());
  const auto argument = [&](unsigned i) { return function->getArg(i); };
  Packer{emitter,     type,        lanes,       argument(0), argument(1),
         argument(2), argument(3), argument(4), argument(5), argument(6)}
      .run(contiguous);
  builder.CreateRetVoid();
  return function;
}

/// Rows of full vectors that already lie side by side.
void copy_rows(Emitter& emitter, Type type, Value* source, Value* row_stride, Value* rows, int vectors,
               Value* target) {
  llvm::IRBuilder<>& builder = emitter.builder;
  const int lanes = emitter.machine.lanes(size_of(type));
  auto* vector = llvm::FixedVectorType::get(emitter.memory_type(type), static_cast<unsigned>(lanes));
  Value* const initial[] = {source, target};
  emit_carried_loop(emitter, rows, initial, [&](std::span<Value* const> now) {
    for (int v = 0; v < vectors; ++v) {
      Value* offset = emitter.i64(static_cast<int64_t>(v) * lanes);
      Value* loaded =
          builder.CreateAlignedLoad(vector, emitter.element(now[0], offset, type), alignment(type));
      builder.CreateAlignedStore(loaded, emitter.element(now[1], offset, type), alignment(type));
    }
    return std::vector<Value*>{
        emitter.element(now[0], row_stride, type),
        emitter.element(now[1], emitter.i64(static_cast<int64_t>(vectors) * lanes), type)};
  });
}

/// One round of a transposition: lines whose numbers differ in bit `line` alone give two others. Bit `lane`
/// of a lane's number then tells which of the two it comes from. What it told before is told by bit `from`;
/// what that told, by bit `line` of the line's number.
struct Exchange {
  int line, lane, from;
};

/// Rounds whose every output is one instruction on x86: unpck within pieces of 128 bits, which leaves the
/// lowest two bits of the lines' numbers exchanged, and shuf of such pieces.
std::vector<Exchange> exchanges(int bits, unsigned element_bits) {
  const int in_piece = std::min(bits, element_bits == 32 ? 2 : 1);
  std::vector<Exchange> rounds;
  if (in_piece == 2)
    rounds = {{0, 0, 1}, {1, 1, 1}};
  else
    rounds = {{0, 0, 0}};
  const bool four_pieces = bits - in_piece == 2;
  for (int bit = in_piece; bit < bits; ++bit)
    rounds.push_back(four_pieces ? Exchange{bit, bits - 1, bits - 2} : Exchange{bit, bit, bit});
  return rounds;
}

/// What the shuffle of two lines takes from them, if bit `from` was `told`.
std::vector<int> order_of(const Exchange& round, size_t lanes, size_t told) {
  const auto bit = [](size_t number, int place) { return (number >> place) & 1; };
  std::vector<int> order;
  for (size_t lane = 0; lane < lanes; ++lane) {
    size_t source = lane & ~(size_t{1} << round.lane) & ~(size_t{1} << round.from);
    if (round.from != round.lane) source |= bit(lane, round.from) << round.lane;
    source |= told << round.from;
    order.push_back(static_cast<int>(bit(lane, round.lane) * lanes + source));
  }
  return order;
}

/// Keeps instruction selection from searching for shuffles that do the work of several rounds at once: there
/// are none, and it took a quarter of the time that W2 compiles (docs/performance.md).
void fence(Emitter& emitter, std::vector<Value*>& lines) {
  for (Value*& line : lines)
    if (!llvm::isa<llvm::PoisonValue>(line))
      line = emitter.builder.CreateIntrinsic(llvm::Intrinsic::arithmetic_fence, {line->getType()}, {line});
}

bool covers(const Value* columns, int64_t width) {
  const auto* constant = llvm::dyn_cast<llvm::ConstantInt>(columns);
  return constant != nullptr && constant->getSExtValue() >= width;
}

}  // namespace

llvm::Value* matrix_element(const Emitter& emitter, Type type, const MatrixOperand& matrix, llvm::Value* row,
                            llvm::Value* column) {
  llvm::Value* line = emitter.element(matrix.base, emitter.builder.CreateMul(row, matrix.row_stride), type);
  return emitter.element(line, emitter.builder.CreateMul(column, matrix.column_stride), type);
}

llvm::Function* emit_helper(Emitter& emitter, const std::string& name,
                            const std::vector<llvm::Type*>& parameters) {
  auto* signature = llvm::FunctionType::get(emitter.builder.getVoidTy(), parameters, false);
  auto* function = llvm::Function::Create(signature, llvm::Function::InternalLinkage, name, emitter.module);
  // The same processor and vector preferences as the caller, else its vectors would be split.
  const llvm::Function* caller = emitter.builder.GetInsertBlock()->getParent();
  function->addFnAttrs(llvm::AttrBuilder(emitter.context(), caller->getAttributes().getFnAttrs()));
  function->addFnAttr(llvm::Attribute::NoInline);
  llvm::BasicBlock::Create(emitter.context(), "entry", function);
  return function;
}

std::vector<llvm::Value*> emit_transpose(Emitter& emitter, std::vector<llvm::Value*> lines) {
  const size_t lanes = lanes_of(lines[0]);
  if (lanes == 1) return lines;
  lines.resize(lanes, llvm::PoisonValue::get(lines[0]->getType()));
  const std::vector<Exchange> rounds =
      exchanges(std::countr_zero(lanes), lines[0]->getType()->getScalarSizeInBits());
  for (const Exchange& round : rounds) {
    const std::vector<int> low = order_of(round, lanes, 0), high = order_of(round, lanes, 1);
    const size_t distance = size_t{1} << round.line;
    for (size_t i = 0; i < lanes; ++i) {
      if ((i & distance) != 0) continue;
      llvm::Value* first = lines[i];
      llvm::Value* second = lines[i + distance];
      lines[i] = emitter.builder.CreateShuffleVector(first, second, low);
      lines[i + distance] = emitter.builder.CreateShuffleVector(first, second, high);
    }
    if (&round != &rounds.back()) fence(emitter, lines);
  }
  if (rounds[0].from != 0)
    for (size_t i = 0; i < lanes; i += 4) std::swap(lines[i + 1], lines[i + 2]);
  return lines;
}

void emit_pack(Emitter& emitter, Type type, const MatrixOperand& matrix, llvm::Value* rows,
               const Panel& panel, llvm::Value* target) {
  llvm::IRBuilder<>& builder = emitter.builder;
  const int lanes = emitter.machine.lanes(size_of(type));
  const int64_t width = static_cast<int64_t>(panel.vectors) * lanes;
  llvm::Value* source =
      emitter.element(matrix.base, builder.CreateMul(panel.column, matrix.column_stride), type);
  if (is_number(matrix.column_stride, 1) && covers(panel.columns, width))
    return copy_rows(emitter, type, source, matrix.row_stride, rows, panel.vectors, target);

  llvm::Function* pack = packing_function(emitter, type, lanes, is_number(matrix.row_stride, 1));
  for (int v = 0; v < panel.vectors; ++v) {
    llvm::Value* first = emitter.i64(static_cast<int64_t>(v) * lanes);
    llvm::Value* last = builder.CreateSub(builder.CreateSub(panel.columns, first), emitter.i64(1));
    builder.CreateCall(pack, {emitter.element(target, first, type), emitter.i64(width),
                              emitter.element(source, builder.CreateMul(first, matrix.column_stride), type),
                              matrix.row_stride, matrix.column_stride, rows, last});
  }
}

}  // namespace crease
