#include <optional>
#include <utility>

#include "jit/emit/emit_contraction.h"
#include "jit/emit/kernel_nest.h"

namespace crease {
namespace {

class ContractionNest : KernelNest {
 public:
  ContractionNest(KernelNest nest, llvm::Value* scratch) : KernelNest(std::move(nest)), scratch_(scratch) {}

  /// Without outer loops begin and end are rows, or columns where those are split.
  void run(llvm::Value* begin, llvm::Value* end) {
    if (begin != nullptr && schedule_.outer.empty())
      (schedule_.split.columns ? columns_ : rows_) = Range{begin, end};
    Scopes scopes = start();
    outer_loops(scopes, begin, end, [&](Scopes& inside) { contraction(inside[0]); });
  }

 private:
  using Range = std::pair<llvm::Value*, llvm::Value*>;

  Range all(const Extent& extent) { return {emitter_.i64(0), values_.size(extent)}; }

  MatrixOperand operand(const Scope& scope, int instruction, int row, int column) {
    return {values_.pointer_of(scope, instruction), values_.stride_of(instruction, row),
            values_.stride_of(instruction, column)};
  }

  void contraction(Scope& scope) {
    const ContractionSchedule& plan = *schedule_.contraction;
    ContractionOperands operands;
    operands.a = operand(scope, plan.a, plan.row_loop, plan.depth_loop);
    operands.b = operand(scope, plan.b, plan.depth_loop, plan.column_loop);
    const auto [row_begin, row_end] = rows_.value_or(all(plan.facts.m));
    const auto [column_begin, column_end] = columns_.value_or(all(plan.facts.n));
    operands.row_begin = row_begin;
    operands.row_end = row_end;
    operands.column_begin = column_begin;
    operands.column_end = column_end;
    operands.k = values_.size(plan.facts.k);
    for (size_t i = 0; i < plan.around_loops.size(); ++i)
      operands.around.push_back({values_.size(plan.facts.around[i].turns),
                                 values_.stride_of(plan.a, plan.around_loops[i]),
                                 values_.stride_of(plan.b, plan.around_loops[i])});
    operands.scratch = scratch_;
    values_.retire({plan.a, plan.b});
    if (plan.plan.ask_for_result)
      operands.before_tile = [&](llvm::Value* row, llvm::Value* column, int rows, int columns) {
        Scope inside = scope;
        values_.enter(inside, plan.row_loop, row);
        values_.enter(inside, plan.column_loop, column);
        values_.prefetch_tile(inside, plan.row_loop, rows, columns);
      };
    emit_contraction(emitter_, plan.facts, plan.plan, operands,
                     [&](llvm::Value* row, llvm::Value* column, llvm::Value* total, llvm::Value* mask) {
                       Scopes inside{scope};
                       inside[0].mask = mask;
                       values_.enter(inside[0], plan.row_loop, row);
                       values_.enter(inside[0], plan.column_loop, column);
                       store_result(inside, total);
                     });
  }

  llvm::Value* scratch_;
  std::optional<Range> rows_, columns_;  // none: all
};

}  // namespace

void emit_contraction_nest(Emitter& emitter, const Kernel& kernel, const std::vector<Buffer>& buffers,
                           const KernelSchedule& schedule, const KernelArguments& arguments,
                           llvm::Value* scratch, llvm::Value* begin, llvm::Value* end) {
  ContractionNest({emitter, kernel, buffers, schedule, arguments}, scratch).run(begin, end);
}

}  // namespace crease
