#include "jit/emit/emit_kernel.h"

#include <algorithm>
#include <limits>

#include "graph/error.h"
#include "graph/integers.h"
#include "jit/emit/carried_loop.h"
#include "jit/emit/emit_contraction.h"
#include "jit/emit/emit_convolution.h"
#include "jit/emit/emit_scalar.h"

namespace crease {
namespace {

using Totals = std::vector<llvm::Value*>;
/// One, or in a jammed loop one for each of the turns side by side.
using Scopes = std::vector<Scope>;

bool finds_position(const Reduction& reduction) {
  return reduction.combine == Combine::ArgMax || reduction.combine == Combine::ArgMin;
}

double start_of(const Reduction& reduction) {
  const double infinity = std::numeric_limits<double>::infinity();
  switch (reduction.combine) {
    case Combine::Assign:
    case Combine::Sum: return 0;
    case Combine::Product: return 1;
    case Combine::Max:
    case Combine::ArgMax:
      return is_floating(reduction.type) ? -infinity : static_cast<double>(lowest_of(reduction.type));
    case Combine::Min:
    case Combine::ArgMin:
      return is_floating(reduction.type) ? infinity : static_cast<double>(highest_of(reduction.type));
  }
  return 0;
}

class NestEmitter {
 public:
  NestEmitter(Emitter& emitter, const Kernel& kernel, const std::vector<Buffer>& buffers,
              const KernelSchedule& schedule, const KernelArguments& arguments)
      : emitter_(emitter),
        kernel_(kernel),
        schedule_(schedule),
        values_(emitter, kernel, buffers, schedule, arguments) {
    for (const Store& store : kernel.stores) last_phase_ = std::max(last_phase_, values_.phase_of(store));
  }

  void run(llvm::Value* scratch, llvm::Value* begin, llvm::Value* end) {
    scratch_ = scratch;
    if (schedule_.contraction && schedule_.outer.empty()) {
      row_begin_ = begin;
      row_end_ = end;
    }
    Scopes scopes{values_.start()};
    ready(scopes);
    if (schedule_.convolution) return convolution(scopes, begin, end);
    outer(0, scopes, begin, end);
  }

 private:
  bool is_inner(const Store& store) const {
    const uint64_t outer = (uint64_t{1} << kernel_.outer) - 1;
    return (values_.loops_of(store) & ~outer) != 0;
  }
  bool inner_is_vector() const { return schedule_.vector_loop >= kernel_.outer; }

  /// Everything that this place determines and no reduction delays.
  void ready(Scopes& scopes, int phase = 0) { ready(scopes, phase, needed(kernel_)); }

  void ready(Scopes& scopes, int phase, const std::vector<bool>& wanted) {
    values_.emit_ready(scopes[0], phase, wanted);
    for (size_t c = 1; c < scopes.size(); ++c) {
      values_.share(std::span(scopes).first(c), scopes[c]);
      values_.emit_ready(scopes[c], phase, wanted);
    }
  }

  Scopes entered(const Scopes& scopes, int loop, llvm::Value* index, llvm::Value* mask) {
    Scopes inside;
    const auto jam = std::ranges::find(schedule_.jams, loop, &Jam::loop);
    const int turns = schedule_.turns_of(loop);
    for (const Scope& scope : scopes)
      for (int turn = 0; turn < turns; ++turn) {
        Scope next = scope;
        if (mask != nullptr) next.mask = mask;
        llvm::Value* own = index;
        if (turn > 0) {
          next.turn[static_cast<size_t>(jam - schedule_.jams.begin())] = turn;
          own = emitter_.builder.CreateAdd(index, emitter_.i64(turn));
        }
        values_.enter(next, loop, own, inside);
        inside.push_back(std::move(next));
      }
    return inside;
  }

  /// Runs `body` for each turn of a loop, by lanes if it is the vector loop, with a mask for the rest;
  /// several turns side by side if it is the jammed loop.
  void each_turn(const ScheduledLoop& loop, const Scopes& scopes, llvm::Value* begin, llvm::Value* end,
                 const std::function<void(Scopes&)>& body) {
    const auto turn = [&](llvm::Value* index, llvm::Value* mask) {
      Scopes inside = entered(scopes, loop.loop, index, mask);
      body(inside);
    };
    if (loop.loop != schedule_.vector_loop) {
      const int step = schedule_.turns_of(loop.loop);
      return emit_loop(emitter_, begin, end, step, "loop", [&](llvm::Value* index) { turn(index, nullptr); });
    }
    const int lanes = schedule_.lanes;
    llvm::Value* full = whole_vectors(begin, end);
    emit_loop(emitter_, begin, full, lanes, "lanes", [&](llvm::Value* index) { turn(index, nullptr); });
    emit_loop(emitter_, full, end, lanes, "rest",
              [&](llvm::Value* index) { turn(index, emitter_.lanes_below(index, end, lanes)); });
  }

  /// begin + the greatest multiple of the lanes that is <= end - begin.
  llvm::Value* whole_vectors(llvm::Value* begin, llvm::Value* end) {
    llvm::IRBuilder<>& builder = emitter_.builder;
    llvm::Value* count = builder.CreateAnd(builder.CreateSub(end, begin), emitter_.i64(-schedule_.lanes));
    return builder.CreateAdd(begin, count);
  }

  void outer(size_t depth, Scopes& scopes, llvm::Value* begin = nullptr, llvm::Value* end = nullptr) {
    if (depth == schedule_.outer.size()) {
      if (schedule_.convolution) return (this->*at_row_)(scopes[0]);
      return schedule_.contraction ? contraction(scopes[0]) : all_phases(scopes);
    }
    const ScheduledLoop& loop = schedule_.outer[depth];
    if (begin == nullptr) begin = emitter_.i64(0);
    if (end == nullptr) end = values_.size(loop.extent);
    each_turn(loop, scopes, begin, end, [&](Scopes& inside) {
      ready(inside);
      outer(depth + 1, inside);
    });
  }

  void all_phases(Scopes& scopes) {
    for (int phase = 0; phase <= last_phase_; ++phase) {
      ready(scopes, phase);
      inner_loops(scopes, phase);
    }
    ready(scopes, last_phase_ + 1);
    for (Scope& scope : scopes)
      for (size_t s = 0; s < kernel_.stores.size(); ++s)
        if (!is_inner(kernel_.stores[s])) values_.emit_store(scope, s);
  }

  /// The inner loops of one phase: its reductions and its stores inside.
  void inner_loops(Scopes& scopes, int phase) {
    reductions_.clear();
    stores_.clear();
    std::vector<int> roots;
    for (size_t r = 0; r < kernel_.reductions.size(); ++r) {
      const Reduction& it = kernel_.reductions[r];
      if (std::max(values_.phase_of(it.value), values_.phase_of(it.condition)) != phase) continue;
      reductions_.push_back(r);
      roots.insert(roots.end(), {it.value, it.condition});
    }
    for (size_t s = 0; s < kernel_.stores.size(); ++s) {
      const Store& it = kernel_.stores[s];
      if (!is_inner(it) || values_.phase_of(it) != phase) continue;
      stores_.push_back(s);
      roots.insert(roots.end(), {it.value, it.condition});
      for (const Position& position : it.place) roots.push_back(position.value);
    }
    if (reductions_.empty() && stores_.empty()) return;
    wanted_ = values_.closure(roots);
    finish(scopes, inner(0, scopes, start_totals(scopes.size()), phase));
  }

  int total_lanes(const Reduction& it) const {
    const bool vector = inner_is_vector() || values_.is_vector(it.value) ||
                        (it.condition >= 0 && values_.is_vector(it.condition));
    return vector && schedule_.vector_loop >= 0 ? schedule_.lanes : 1;
  }

  /// Of each scope in turn.
  Totals start_totals(size_t scopes) {
    Totals totals;
    for (size_t c = 0; c < scopes; ++c)
      for (size_t r : reductions_) {
        const Reduction& it = kernel_.reductions[r];
        totals.push_back(emit_constant(emitter_, it.type, start_of(it), total_lanes(it)));
        if (finds_position(it)) totals.push_back(emit_constant(emitter_, Type::i64, 0, total_lanes(it)));
      }
    return totals;
  }

  Totals inner(size_t depth, Scopes& scopes, Totals totals, int phase) {
    if (depth == schedule_.inner.size()) {
      size_t at = 0;
      for (Scope& scope : scopes) point(scope, totals, at);
      return totals;
    }
    const ScheduledLoop& loop = schedule_.inner[depth];
    const auto turn = [&](llvm::Value* index, llvm::Value* mask, const Totals& before) {
      Scopes inside = entered(scopes, loop.loop, index, mask);
      ready(inside, phase, wanted_);
      return inner(depth + 1, inside, before, phase);
    };
    if (loop.loop != schedule_.vector_loop) {
      const Turns turns = values_.turns_inside(scopes[0], loop, conditions());
      return carried(turns.begin, turns.end, 1, totals, turn, nullptr, turns.some);
    }
    llvm::Value* extent = values_.size(loop.extent);
    llvm::Value* full = whole_vectors(emitter_.i64(0), extent);
    totals = carried(emitter_.i64(0), full, schedule_.lanes, totals, turn, nullptr);
    return carried(full, extent, schedule_.lanes, totals, turn, extent);
  }

  /// Of all that happens inside the loops of this phase: none if something always happens.
  std::vector<int> conditions() const {
    std::vector<int> result;
    for (const size_t r : reductions_) result.push_back(kernel_.reductions[r].condition);
    return stores_.empty() ? result : std::vector<int>();
  }

  /// for (index = begin; index < end; index += step) totals = turn(index, mask of lanes below `limit`,
  /// totals). `some`: begin < end.
  template <class Turn>
  Totals carried(llvm::Value* begin, llvm::Value* end, int step, const Totals& totals, const Turn& turn,
                 llvm::Value* limit, bool some = false) {
    llvm::IRBuilder<>& builder = emitter_.builder;
    llvm::Value* span = builder.CreateAdd(builder.CreateSub(end, begin), emitter_.i64(step - 1));
    llvm::Value* count = step == 1 ? span : builder.CreateSDiv(span, emitter_.i64(step));
    Totals initial{begin};
    initial.insert(initial.end(), totals.begin(), totals.end());
    const auto pass = [&](std::span<llvm::Value* const> now) {
      llvm::Value* mask = limit == nullptr ? nullptr : emitter_.lanes_below(now[0], limit, step);
      Totals next = turn(now[0], mask, Totals(now.begin() + 1, now.end()));
      next.insert(next.begin(), builder.CreateAdd(now[0], emitter_.i64(step)));
      return next;
    };
    Totals last = emit_carried_loop(emitter_, count, initial, pass, some);
    last.erase(last.begin());
    return last;
  }

  /// Combines the values of one point into the totals from number `at` on.
  void point(Scope& scope, Totals& totals, size_t& at) {
    for (size_t r : reductions_) {
      const Reduction& it = kernel_.reductions[r];
      const int lanes = total_lanes(it);
      llvm::Value* value = emit_splat(emitter_, scope.values[static_cast<size_t>(it.value)], lanes);
      llvm::Value* valid = valid_points(scope, it, lanes);
      if (finds_position(it)) {
        combine_position(scope, it, value, valid, lanes, totals, at);
        at += 2;
        continue;
      }
      llvm::Value* next = emit_combine(emitter_, it.combine, it.type, totals[at], value);
      if (valid != nullptr) next = emitter_.builder.CreateSelect(valid, next, totals[at]);
      totals[at++] = next;
    }
    for (size_t s : stores_) values_.emit_store(scope, s);
  }

  /// Points that count: null if all do.
  llvm::Value* valid_points(const Scope& scope, const Reduction& it, int lanes) {
    llvm::Value* valid = inner_is_vector() ? scope.mask : nullptr;
    if (it.condition < 0) return valid;
    llvm::Value* condition = emit_splat(emitter_, scope.values[static_cast<size_t>(it.condition)], lanes);
    return valid == nullptr ? condition : emitter_.builder.CreateAnd(valid, condition);
  }

  void combine_position(const Scope& scope, const Reduction& it, llvm::Value* value, llvm::Value* valid,
                        int lanes, Totals& totals, size_t at) {
    llvm::IRBuilder<>& builder = emitter_.builder;
    llvm::Value* position = emitter_.i64(0);
    for (const ScheduledLoop& loop : schedule_.inner)
      position = builder.CreateAdd(builder.CreateMul(position, values_.size(loop.extent)),
                                   scope.index[static_cast<size_t>(loop.loop)]);
    llvm::Value* wins = emit_wins(emitter_, it.combine, it.type, totals[at], value);
    if (valid != nullptr) wins = builder.CreateAnd(wins, valid);
    totals[at] = builder.CreateSelect(wins, value, totals[at]);
    totals[at + 1] = builder.CreateSelect(wins, emit_splat(emitter_, position, lanes), totals[at + 1]);
  }

  /// Puts the lanes together where they were spread over an inner loop, and sets the results.
  void finish(Scopes& scopes, const Totals& totals) {
    size_t at = 0;
    for (Scope& scope : scopes)
      for (size_t r : reductions_) {
        const Reduction& it = kernel_.reductions[r];
        llvm::Value* total = totals[at];
        if (finds_position(it)) total = totals[++at];
        if (inner_is_vector()) total = across_lanes(it, total);
        set_results(scope, r, total);
        ++at;
      }
  }

  void set_results(Scope& scope, size_t reduction, llvm::Value* total) {
    for (size_t i = 0; i < kernel_.code.size(); ++i)
      if (kernel_.code[i].kind == InstructionKind::Reduced &&
          kernel_.code[i].reduction == static_cast<int>(reduction))
        scope.values[i] = total;
  }

  /// One value of all lanes: halves are combined until one lane is left.
  llvm::Value* across_lanes(const Reduction& it, llvm::Value* total) {
    llvm::IRBuilder<>& builder = emitter_.builder;
    for (int half = schedule_.lanes / 2; half >= 1; half /= 2) {
      std::vector<int> low, high;
      for (int lane = 0; lane < half; ++lane) {
        low.push_back(lane);
        high.push_back(lane + half);
      }
      total = emit_combine(emitter_, it.combine, it.type, builder.CreateShuffleVector(total, low),
                           builder.CreateShuffleVector(total, high));
    }
    return builder.CreateExtractElement(total, uint64_t{0});
  }

  MatrixOperand operand(const Scope& scope, int instruction, int row, int column) {
    return {values_.pointer_of(scope, instruction), values_.stride_of(instruction, row),
            values_.stride_of(instruction, column)};
  }

  void contraction(Scope& scope) {
    const ContractionSchedule& plan = *schedule_.contraction;
    ContractionOperands operands;
    operands.a = operand(scope, plan.a, plan.row_loop, plan.depth_loop);
    operands.b = operand(scope, plan.b, plan.depth_loop, plan.column_loop);
    operands.row_begin = row_begin_ == nullptr ? emitter_.i64(0) : row_begin_;
    operands.row_end = row_end_ == nullptr ? values_.size(plan.facts.m) : row_end_;
    operands.n = values_.size(plan.facts.n);
    operands.k = values_.size(plan.facts.k);
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
                       set_results(inside[0], 0, total);
                       ready(inside, 1);
                       for (size_t s = 0; s < kernel_.stores.size(); ++s) values_.emit_store(inside[0], s);
                     });
  }

  ConvolutionOperands operands(const Scope& scope, int instruction) {
    ConvolutionOperands made{values_.pointer_of(scope, instruction), {}};
    for (int loop = 0; loop < static_cast<int>(kernel_.loops.size()); ++loop)
      made.strides.push_back(values_.stride_of(instruction, loop));
    return made;
  }

  /// All rows: each summed and stored, or summed in passes and then stored.
  void convolution(Scopes& scopes, llvm::Value* begin, llvm::Value* end) {
    const ConvolutionSchedule& plan = *schedule_.convolution;
    convolution_.emplace(emitter_, kernel_, schedule_, scratch_);
    if (plan.pass_loop < 0) {
      convolution_->pack(operands(scopes[0], plan.weight));
      at_row_ = &NestEmitter::sum_and_store_row;
      return outer(0, scopes, begin, end);
    }
    convolution_->clear_sums();
    at_row_ = &NestEmitter::add_row;
    llvm::Value* passes = values_.size(kernel_.loops[static_cast<size_t>(plan.pass_loop)].extent);
    emit_loop(emitter_, emitter_.i64(0), passes, 1, "pass", [&](llvm::Value* pass) {
      Scopes inside = entered(scopes, plan.pass_loop, pass, nullptr);
      convolution_->pack(operands(inside[0], plan.weight));
      outer(0, inside, begin, end);
    });
    at_row_ = &NestEmitter::store_summed_row;
    outer(0, scopes, begin, end);
  }

  /// Whether the guards hold, where the loops outside of the row and the guarded ones stand.
  llvm::Value* guards_hold(const Scope& scope, std::span<llvm::Value* const> guarded) {
    llvm::IRBuilder<>& builder = emitter_.builder;
    const ConvolutionSchedule& plan = *schedule_.convolution;
    llvm::Value* all = nullptr;
    for (const int condition : plan.guards) {
      const Instruction& it = kernel_.code[static_cast<size_t>(condition)];
      llvm::Value* place = emitter_.i64(it.place[0].offset);
      for (const Term& term : it.place[0].terms) {
        const auto found = std::ranges::find(plan.guarded, term.label);
        llvm::Value* index = found == plan.guarded.end()
                                 ? scope.index[static_cast<size_t>(term.label)]
                                 : guarded[static_cast<size_t>(found - plan.guarded.begin())];
        place = builder.CreateAdd(place, builder.CreateMul(index, emitter_.i64(term.coefficient)));
      }
      llvm::Value* one = builder.CreateICmpULT(place, values_.size(it.extent));
      all = all == nullptr ? one : builder.CreateAnd(all, one);
    }
    return all;
  }

  void each_panel(const std::function<void(llvm::Value* panel)>& body) {
    emit_loop(emitter_, emitter_.i64(0), emitter_.i64(convolution_->panels()), 1, "panel", body);
  }

  void sum_row(const Scope& scope, const ConvolutionOperands& data, llvm::Value* panel) {
    convolution_->sum_row(data, panel,
                          [&](std::span<llvm::Value* const> guarded) { return guards_hold(scope, guarded); });
  }

  void sum_and_store_row(Scope& scope) {
    const ConvolutionOperands data = operands(scope, schedule_.convolution->data);
    each_panel([&](llvm::Value* panel) {
      sum_row(scope, data, panel);
      store_row(scope, panel);
    });
  }

  /// The number of the row that the outer loops stand at.
  llvm::Value* row_number(const Scope& scope) {
    llvm::Value* number = emitter_.i64(0);
    for (const ScheduledLoop& loop : schedule_.outer)
      number = emitter_.builder.CreateAdd(emitter_.builder.CreateMul(number, values_.size(loop.extent)),
                                          scope.index[static_cast<size_t>(loop.loop)]);
    return number;
  }

  void add_row(Scope& scope) {
    const ConvolutionOperands data = operands(scope, schedule_.convolution->data);
    convolution_->add_to(row_number(scope));
    each_panel([&](llvm::Value* panel) { sum_row(scope, data, panel); });
  }

  void store_summed_row(Scope& scope) {
    convolution_->add_to(row_number(scope));
    each_panel([&](llvm::Value* panel) {
      convolution_->recall_row(panel);
      store_row(scope, panel);
    });
  }

  /// What follows the sums of a row and of one panel's columns.
  void store_row(const Scope& scope, llvm::Value* panel) {
    llvm::IRBuilder<>& builder = emitter_.builder;
    const ConvolutionSchedule& plan = *schedule_.convolution;
    const ScheduledLoop row{plan.row_loop, kernel_.loops[static_cast<size_t>(plan.row_loop)].extent};
    llvm::Value* width = emitter_.i64(convolution_->columns_of_panel());
    llvm::Value* begin = builder.CreateMul(panel, width);
    llvm::Value* end = builder.CreateAdd(begin, width);
    llvm::Value* columns = values_.size(kernel_.loops[static_cast<size_t>(plan.column_loop)].extent);
    end = builder.CreateSelect(builder.CreateICmpSLT(end, columns), end, columns);
    emit_loop(emitter_, begin, end, 1, "column", [&](llvm::Value* column) {
      Scopes inside = entered({scope}, plan.column_loop, column, nullptr);
      ready(inside);
      each_turn(row, inside, emitter_.i64(0), values_.size(row.extent), [&](Scopes& point) {
        llvm::Value* position = point[0].index[static_cast<size_t>(plan.row_loop)];
        set_results(point[0], 0, convolution_->sums(builder.CreateSub(column, begin), position));
        ready(point, 1);
        for (size_t s = 0; s < kernel_.stores.size(); ++s) values_.emit_store(point[0], s);
      });
    });
  }

  Emitter& emitter_;
  const Kernel& kernel_;
  const KernelSchedule& schedule_;
  KernelValues values_;
  std::optional<ConvolutionEmitter> convolution_;
  void (NestEmitter::*at_row_)(Scope&) = nullptr;  // what is done with each row of a convolution
  int last_phase_ = 0;
  llvm::Value* scratch_ = nullptr;
  llvm::Value *row_begin_ = nullptr, *row_end_ = nullptr;  // of a contraction that is split; null: all rows
  // Of the phase that is being emitted.
  std::vector<size_t> reductions_, stores_;
  std::vector<bool> wanted_;
};

}  // namespace

void emit_kernel(Emitter& emitter, const Kernel& kernel, const std::vector<Buffer>& buffers,
                 const KernelSchedule& schedule, const KernelArguments& arguments, llvm::Value* scratch,
                 llvm::Value* begin, llvm::Value* end) {
  NestEmitter(emitter, kernel, buffers, schedule, arguments).run(scratch, begin, end);
}

}  // namespace crease
