#include "jit/emit/contraction_stream.h"

#include "jit/emit/carried_loop.h"
#include "jit/emit/emit_scalar.h"

namespace crease {
namespace {

using llvm::Value;

class StreamedProduct {
 public:
  StreamedProduct(Emitter& emitter, const ContractionFacts& facts, const ContractionPlan& plan,
                  const ContractionOperands& operands, const ContractionEpilogue& epilogue)
      : emitter_(emitter),
        builder_(emitter.builder),
        operands_(operands),
        epilogue_(epilogue),
        type_(facts.type),
        rows_(facts.m.factor),
        at_once_(plan.stream_rows),
        lanes_(emitter.machine.lanes(size_of(facts.type))),
        factors_held_(holds_factors(rows_, at_once_, emitter.machine)),
        line_((facts.n.factor + lanes_ - 1) / lanes_ * lanes_),
        element_(emitter.memory_type(facts.type)),
        vector_(llvm::FixedVectorType::get(element_, static_cast<unsigned>(lanes_))) {}

  void run() {
    each_vector([&](Value* column, Value*) {
      for (int64_t row = 0; row < rows_; ++row)
        store(llvm::ConstantFP::getZero(vector_), sum_at(row, column));
    });
    Value* step = emitter_.i64(at_once_);
    Value* whole = builder_.CreateMul(builder_.CreateSDiv(operands_.k, step), step);
    emit_loop(emitter_, emitter_.i64(0), whole, at_once_, "stream", [&](Value* k) { add(k, at_once_); });
    emit_loop(emitter_, whole, operands_.k, 1, "stream.rest", [&](Value* k) { add(k, 1); });
    each_vector([&](Value* column, Value* mask) {
      for (int64_t row = 0; row < rows_; ++row) {
        Value* first = builder_.CreateAdd(operands_.row_begin, emitter_.i64(row));
        epilogue_(first, column, load(sum_at(row, column)), mask);
      }
    });
  }

 private:
  Value* at(Value* base, Value* index) { return emitter_.element(base, index, type_); }
  Value* sum_at(int64_t row, Value* column) {
    return at(operands_.scratch, builder_.CreateAdd(emitter_.i64(row * line_), column));
  }
  llvm::Align alignment() const { return llvm::Align(static_cast<uint64_t>(size_of(type_))); }
  Value* load(Value* from) { return builder_.CreateAlignedLoad(vector_, from, alignment()); }
  void store(Value* value, Value* to) { builder_.CreateAlignedStore(value, to, alignment()); }

  /// Runs `body` for each vector of columns, the last with a mask if it is not whole.
  template <class Body>
  void each_vector(const Body& body) {
    Value *begin = operands_.column_begin, *end = operands_.column_end;
    Value* count = builder_.CreateSub(end, begin);
    Value* lanes = emitter_.i64(lanes_);
    Value* whole = builder_.CreateAdd(begin, builder_.CreateMul(builder_.CreateSDiv(count, lanes), lanes));
    emit_loop(emitter_, begin, whole, lanes_, "vector", [&](Value* column) { body(column, nullptr); });
    emit_loop(emitter_, whole, end, lanes_, "vector.rest",
              [&](Value* column) { body(column, emitter_.lanes_below(column, end, lanes_)); });
  }

  /// Adds the products of `count` k from `first` on to all sums.
  void add(Value* first, int64_t count) {
    std::vector<Value*> factors, lines;
    for (int64_t i = 0; i < count; ++i) {
      Value* k = builder_.CreateAdd(first, emitter_.i64(i));
      lines.push_back(at(operands_.b.base, builder_.CreateMul(k, operands_.b.row_stride)));
      for (int64_t row = 0; row < rows_; ++row) {
        Value* r = builder_.CreateAdd(operands_.row_begin, emitter_.i64(row));
        factors.push_back(matrix_element(emitter_, type_, operands_.a, r, k));
      }
    }
    if (factors_held_)
      for (Value*& factor : factors) factor = broadcast(factor);
    each_vector([&](Value* column, Value* mask) { add_vector(column, mask, factors, lines); });
  }

  Value* broadcast(Value* from) {
    return builder_.CreateVectorSplat(static_cast<unsigned>(lanes_), builder_.CreateLoad(element_, from));
  }

  void add_vector(Value* column, Value* mask, const std::vector<Value*>& factors,
                  const std::vector<Value*>& lines) {
    std::vector<Value*> sums;
    for (int64_t row = 0; row < rows_; ++row) sums.push_back(load(sum_at(row, column)));
    auto factor = factors.begin();
    for (Value* line : lines) {
      Value* vector = emitter_.load_vector(vector_, at(line, column), alignment(), mask);
      for (Value*& sum : sums) {
        sum = emit_multiply_add(emitter_, factors_held_ ? *factor : broadcast(*factor), vector, sum);
        ++factor;
      }
    }
    for (int64_t row = 0; row < rows_; ++row) store(sums[static_cast<size_t>(row)], sum_at(row, column));
  }

  Emitter& emitter_;
  llvm::IRBuilder<>& builder_;
  const ContractionOperands& operands_;
  const ContractionEpilogue& epilogue_;
  Type type_;
  int64_t rows_, at_once_;
  int lanes_;
  bool factors_held_;  // in registers
  int64_t line_;       // elements from one row's sums to the next one's
  llvm::Type* element_;
  llvm::FixedVectorType* vector_;
};

}  // namespace

void emit_streamed_contraction(Emitter& emitter, const ContractionFacts& facts, const ContractionPlan& plan,
                               const ContractionOperands& operands, const ContractionEpilogue& epilogue) {
  StreamedProduct(emitter, facts, plan, operands, epilogue).run();
}

}  // namespace crease
