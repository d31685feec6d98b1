// Turns of an inner loop that no padding skips.
#include <algorithm>

#include "jit/emit/kernel_values.h"

namespace crease {

/// Whether 0 <= position < extent for some turn of `loop` at least, whatever the turns of the other loops in
/// the position, which have been entered: each has one value for all lanes and all turns side by side.
bool KernelValues::leaves_some(const Scope& scope, const Instruction& inside, int loop) const {
  if (inside.kind != InstructionKind::Inside) return false;
  const Position& position = inside.place[0];
  int64_t low = position.offset, high = position.offset;
  int64_t own = 0;
  for (const Term& term : position.terms) {
    const auto label = static_cast<size_t>(term.label);
    const Extent& extent = kernel_.loops[label].extent;
    const bool merged = schedule_.absorbed_by[label] >= 0 ||
                        std::ranges::find(schedule_.absorbed_by, term.label) != schedule_.absorbed_by.end();
    if (merged || term.label == schedule_.vector_loop || schedule_.turns_of(term.label) > 1 ||
        !extent.is_constant() || extent.factor < 1)
      return false;
    if (term.label == loop) {
      own = term.coefficient;
      continue;
    }
    if ((scope.entered >> label & 1) == 0) return false;
    (term.coefficient > 0 ? high : low) += term.coefficient * (extent.factor - 1);
  }
  if (position.value >= 0 || !inside.extent.is_constant() || inside.extent.factor < 1) return false;
  const int64_t last = kernel_.loops[static_cast<size_t>(loop)].extent.factor - 1;
  if (own == 1) return high < inside.extent.factor && low + last >= 0;
  return own == -1 && low >= 0 && high - last < inside.extent.factor;
}

/// What the position adds to the value of `loop`.
llvm::Value* KernelValues::rest_of(const Scope& scope, const Position& position, int loop) const {
  llvm::IRBuilder<>& builder = emitter_.builder;
  llvm::Value* rest = emitter_.i64(position.offset);
  for (const Term& term : position.terms) {
    if (term.label == loop) continue;
    llvm::Value* index = scope.index[static_cast<size_t>(term.label)];
    rest = builder.CreateAdd(rest, builder.CreateMul(index, emitter_.i64(term.coefficient)));
  }
  return rest;
}

Turns KernelValues::turns_inside(const Scope& scope, const ScheduledLoop& loop,
                                 std::span<const int> conditions) const {
  llvm::IRBuilder<>& builder = emitter_.builder;
  llvm::Value *zero = emitter_.i64(0), *extent = size(loop.extent);
  for (const int inside : conditions.empty() ? std::vector<int>() : conjuncts(kernel_, conditions[0])) {
    const auto needs = [&](int condition) {
      const std::vector<int> all = conjuncts(kernel_, condition);
      return std::ranges::find(all, inside) != all.end();
    };
    const Instruction& it = kernel_.code[static_cast<size_t>(inside)];
    if (!std::ranges::all_of(conditions, needs) || !leaves_some(scope, it, loop.loop)) continue;
    // 0 <= rest + turn < size or 0 <= rest - turn < size.
    const bool up = std::ranges::find(it.place[0].terms, loop.loop, &Term::label)->coefficient == 1;
    llvm::Value *rest = rest_of(scope, it.place[0], loop.loop), *one = emitter_.i64(1);
    llvm::Value* beyond = builder.CreateSub(size(it.extent), rest);
    llvm::Value* first = up ? builder.CreateNeg(rest) : builder.CreateSub(one, beyond);
    llvm::Value* last = up ? beyond : builder.CreateAdd(rest, one);
    return {.begin = builder.CreateSelect(builder.CreateICmpSGT(first, zero), first, zero),
            .end = emitter_.minimum(last, extent),
            .some = true};
  }
  return {.begin = zero, .end = extent};
}

}  // namespace crease
