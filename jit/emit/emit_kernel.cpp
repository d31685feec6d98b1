#include "jit/emit/emit_kernel.h"

#include <algorithm>
#include <limits>

#include "graph/error.h"
#include "graph/integers.h"
#include "jit/emit/carried_loop.h"
#include "jit/emit/emit_scalar.h"
#include "jit/emit/kernel_nest.h"

namespace crease {
namespace {

using Totals = std::vector<llvm::Value*>;

bool finds_position(const Reduction& reduction) { return gives_position(reduction.combine); }

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

/// Reductions in phases, and stores among them.
class PhaseNest : KernelNest {
 public:
  explicit PhaseNest(KernelNest nest) : KernelNest(std::move(nest)) {
    for (const Store& store : kernel_.stores) last_phase_ = std::max(last_phase_, values_.phase_of(store));
  }

  void run(llvm::Value* begin, llvm::Value* end) {
    Scopes scopes = start();
    outer_loops(scopes, begin, end, [&](Scopes& inside) { all_phases(inside); });
  }

 private:
  bool is_inner(const Store& store) const {
    const uint64_t outer = (uint64_t{1} << kernel_.outer) - 1;
    return (values_.loops_of(store) & ~outer) != 0;
  }
  bool inner_is_vector() const { return schedule_.vector_loop >= kernel_.outer; }

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
      if (loop.loop == schedule_.vector_loop && depth > 0 && mask == nullptr)
        ask_for_next(inside, schedule_.inner[depth - 1].loop);
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

  void ask_for_next(const Scopes& scopes, int loop) {
    for (const Scope& scope : scopes)
      for (const size_t s : stores_) values_.prefetch_next(scope, s, loop);
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
    llvm::Value* position = number_of(scope, schedule_.inner);
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

  int last_phase_ = 0;
  // Of the phase that is being emitted.
  std::vector<size_t> reductions_, stores_;
  std::vector<bool> wanted_;
};

}  // namespace

void emit_kernel(Emitter& emitter, const Kernel& kernel, const std::vector<Buffer>& buffers,
                 const KernelSchedule& schedule, const KernelArguments& arguments, llvm::Value* scratch,
                 llvm::Value* begin, llvm::Value* end) {
  if (schedule.contraction)
    return emit_contraction_nest(emitter, kernel, buffers, schedule, arguments, scratch, begin, end);
  if (schedule.convolution)
    return emit_convolution_nest(emitter, kernel, buffers, schedule, arguments, scratch, begin, end);
  PhaseNest({emitter, kernel, buffers, schedule, arguments}).run(begin, end);
}

}  // namespace crease
