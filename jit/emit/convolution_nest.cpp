#include <algorithm>

#include "jit/emit/emit_convolution.h"
#include "jit/emit/kernel_nest.h"

namespace crease {
namespace {

class ConvolutionNest : KernelNest {
 public:
  ConvolutionNest(KernelNest nest, llvm::Value* scratch)
      : KernelNest(std::move(nest)), rows_(emitter_, kernel_, schedule_, scratch) {}

  void run(llvm::Value* begin, llvm::Value* end) {
    Scopes scopes = start();
    if (schedule_.convolution->pass_loop >= 0) return run_in_passes(scopes, begin, end);
    rows_.pack(operands(scopes[0], schedule_.convolution->weight));
    outer_loops(scopes, begin, end, [&](Scopes& inside) { sum_and_store_row(inside[0]); });
  }

 private:
  /// All rows are summed in each pass, and stored after the last.
  void run_in_passes(Scopes& scopes, llvm::Value* begin, llvm::Value* end) {
    const ConvolutionSchedule& plan = *schedule_.convolution;
    rows_.clear_sums();
    llvm::Value* passes = values_.size(kernel_.loops[static_cast<size_t>(plan.pass_loop)].extent);
    emit_loop(emitter_, emitter_.i64(0), passes, 1, "pass", [&](llvm::Value* pass) {
      Scopes now = entered(scopes, plan.pass_loop, pass, nullptr);
      rows_.pack(operands(now[0], plan.weight));
      outer_loops(now, begin, end, [&](Scopes& inside) { add_row(inside[0]); });
    });
    outer_loops(scopes, begin, end, [&](Scopes& inside) { store_summed_row(inside[0]); });
  }

  ConvolutionOperands operands(const Scope& scope, int instruction) {
    ConvolutionOperands made{values_.pointer_of(scope, instruction), {}};
    for (int loop = 0; loop < static_cast<int>(kernel_.loops.size()); ++loop)
      made.strides.push_back(values_.stride_of(instruction, loop));
    return made;
  }

  /// Whether the guards hold, where the loops outside of the row and the guarded ones stand.
  llvm::Value* guards_hold(const Scope& scope, std::span<llvm::Value* const> guarded) {
    const ConvolutionSchedule& plan = *schedule_.convolution;
    Scope inside = scope;
    for (size_t i = 0; i < guarded.size(); ++i) values_.enter(inside, plan.guarded[i], guarded[i]);
    values_.emit_ready(inside, 0, values_.closure(plan.guards));
    llvm::Value* all = nullptr;
    for (const int guard : plan.guards) {
      llvm::Value* one = inside.values[static_cast<size_t>(guard)];
      all = all == nullptr ? one : emitter_.builder.CreateAnd(all, one);
    }
    return all;
  }

  void each_panel(const std::function<void(llvm::Value* panel)>& body) {
    emit_loop(emitter_, emitter_.i64(0), emitter_.i64(rows_.panels()), 1, "panel", body);
  }

  void sum_row(const Scope& scope, const ConvolutionOperands& data, llvm::Value* panel,
               const ConvolutionEmitter::Ask& ask) {
    const auto inside = [&](std::span<llvm::Value* const> guarded) { return guards_hold(scope, guarded); };
    rows_.sum_row(data, panel, inside, ask);
  }

  void sum_and_store_row(Scope& scope) {
    const ConvolutionOperands data = operands(scope, schedule_.convolution->data);
    rows_.copy_row(data, [&](std::span<llvm::Value* const> guarded) { return guards_hold(scope, guarded); });
    each_panel([&](llvm::Value* panel) {
      sum_row(scope, data, panel, [&](const ConvolutionEmitter::Tile& tile, llvm::Value* turn) {
        ask_for_results(scope, panel, tile, turn);
      });
      store_row(scope, panel);
    });
  }

  /// Asks for what store_row will touch, while the row is summed: channels lie so far apart that no processor
  /// foresees them all.
  void ask_for_results(const Scope& scope, llvm::Value* panel, const ConvolutionEmitter::Tile& tile,
                       llvm::Value* turn) {
    llvm::IRBuilder<>& builder = emitter_.builder;
    const ConvolutionSchedule& plan = *schedule_.convolution;
    const int64_t width = rows_.columns_of_panel(), turns = rows_.guarded_turns();
    const int64_t share = (width + turns - 1) / turns;
    llvm::Value* column = builder.CreateAdd(builder.CreateMul(panel, emitter_.i64(width)),
                                            builder.CreateMul(turn, emitter_.i64(share)));
    Scope inside = scope;
    values_.enter(inside, plan.row_loop, emitter_.i64(tile.first));
    values_.enter(inside, plan.column_loop, column);
    values_.prefetch_tile(inside, plan.column_loop, static_cast<int>(share), static_cast<int>(tile.rows));
  }

  void add_row(Scope& scope) {
    const ConvolutionOperands data = operands(scope, schedule_.convolution->data);
    const ConvolutionOperands weight = operands(scope, schedule_.convolution->weight);
    llvm::Value* row = number_of(scope, schedule_.outer);
    int64_t rows = 1;
    for (const ScheduledLoop& loop : schedule_.outer) rows *= loop.extent.factor;
    rows_.add_to(row);
    each_panel([&](llvm::Value* panel) {
      sum_row(scope, data, panel, [&](const ConvolutionEmitter::Tile& tile, llvm::Value* turn) {
        // Weights are read in pieces when they are packed: no processor foresees those either.
        if (tile.first == 0) rows_.ask_for_next_pass(weight, row, rows, turn);
      });
    });
  }

  void store_summed_row(Scope& scope) {
    rows_.add_to(number_of(scope, schedule_.outer));
    each_panel([&](llvm::Value* panel) {
      rows_.recall_row(panel);
      store_row(scope, panel);
    });
  }

  /// What follows the sums of a row and of one panel's columns.
  void store_row(const Scope& scope, llvm::Value* panel) {
    llvm::IRBuilder<>& builder = emitter_.builder;
    const ConvolutionSchedule& plan = *schedule_.convolution;
    const ScheduledLoop row{plan.row_loop, kernel_.loops[static_cast<size_t>(plan.row_loop)].extent};
    llvm::Value* width = emitter_.i64(rows_.columns_of_panel());
    llvm::Value* begin = builder.CreateMul(panel, width);
    llvm::Value* columns = values_.size(kernel_.loops[static_cast<size_t>(plan.column_loop)].extent);
    llvm::Value* end = emitter_.minimum(builder.CreateAdd(begin, width), columns);
    emit_loop(emitter_, begin, end, 1, "column", [&](llvm::Value* column) {
      Scopes inside = entered({scope}, plan.column_loop, column, nullptr);
      ready(inside);
      each_turn(row, inside, emitter_.i64(0), values_.size(row.extent), [&](Scopes& point) {
        llvm::Value* position = point[0].index[static_cast<size_t>(plan.row_loop)];
        store_result(point, rows_.sums(builder.CreateSub(column, begin), position));
      });
    });
  }

  ConvolutionEmitter rows_;
};

}  // namespace

void emit_convolution_nest(Emitter& emitter, const Kernel& kernel, const std::vector<Buffer>& buffers,
                           const KernelSchedule& schedule, const KernelArguments& arguments,
                           llvm::Value* scratch, llvm::Value* begin, llvm::Value* end) {
  ConvolutionNest({emitter, kernel, buffers, schedule, arguments}, scratch).run(begin, end);
}

}  // namespace crease
