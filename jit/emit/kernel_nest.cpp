#include "jit/emit/kernel_nest.h"

#include <algorithm>

namespace crease {

Scopes KernelNest::start() {
  Scopes scopes{values_.start()};
  ready(scopes);
  return scopes;
}

void KernelNest::outer_loops(Scopes& scopes, llvm::Value* begin, llvm::Value* end,
                             const std::function<void(Scopes&)>& innermost, size_t depth) {
  if (depth == schedule_.outer.size()) return innermost(scopes);
  const ScheduledLoop& loop = schedule_.outer[depth];
  if (begin == nullptr) begin = emitter_.i64(0);
  if (end == nullptr) end = values_.size(loop.extent);
  each_turn(loop, scopes, begin, end, [&](Scopes& inside) {
    ready(inside);
    outer_loops(inside, nullptr, nullptr, innermost, depth + 1);
  });
}

void KernelNest::ready(Scopes& scopes, int phase, const std::vector<bool>& wanted) {
  values_.emit_ready(scopes[0], phase, wanted);
  for (size_t c = 1; c < scopes.size(); ++c) {
    values_.share(std::span(scopes).first(c), scopes[c]);
    values_.emit_ready(scopes[c], phase, wanted);
  }
}

Scopes KernelNest::entered(const Scopes& scopes, int loop, llvm::Value* index, llvm::Value* mask) {
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

void KernelNest::each_turn(const ScheduledLoop& loop, const Scopes& scopes, llvm::Value* begin,
                           llvm::Value* end, const std::function<void(Scopes&)>& body) {
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

llvm::Value* KernelNest::whole_vectors(llvm::Value* begin, llvm::Value* end) {
  llvm::IRBuilder<>& builder = emitter_.builder;
  llvm::Value* count = builder.CreateAnd(builder.CreateSub(end, begin), emitter_.i64(-schedule_.lanes));
  return builder.CreateAdd(begin, count);
}

llvm::Value* KernelNest::number_of(const Scope& scope, std::span<const ScheduledLoop> loops) const {
  llvm::IRBuilder<>& builder = emitter_.builder;
  llvm::Value* number = emitter_.i64(0);
  for (const ScheduledLoop& loop : loops)
    number = builder.CreateAdd(builder.CreateMul(number, values_.size(loop.extent)),
                               scope.index[static_cast<size_t>(loop.loop)]);
  return number;
}

void KernelNest::set_results(Scope& scope, size_t reduction, llvm::Value* total) {
  for (size_t i = 0; i < kernel_.code.size(); ++i)
    if (kernel_.code[i].kind == InstructionKind::Reduced &&
        kernel_.code[i].reduction == static_cast<int>(reduction))
      scope.values[i] = total;
}

void KernelNest::store_result(Scopes& point, llvm::Value* total) {
  set_results(point[0], 0, total);
  ready(point, 1);
  for (size_t s = 0; s < kernel_.stores.size(); ++s) values_.emit_store(point[0], s);
}

}  // namespace crease
