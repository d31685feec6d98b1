// Entering loops: indices, the addresses that they move, and what turns side by side of jammed loops share.
#include <algorithm>
#include <bit>

#include "jit/emit/kernel_values.h"

namespace crease {
namespace {

int64_t log2_of(int64_t power) { return std::countr_zero(static_cast<uint64_t>(power)); }

}  // namespace

void KernelValues::retire(const std::vector<int>& reads) {
  std::vector<int> uses(addresses_.size(), 0);
  for (size_t access : access_) ++uses[access];
  for (int read : reads) --uses[access_[static_cast<size_t>(read)]];
  for (size_t a = 0; a < uses.size(); ++a) active_[a] = uses[a] > 0;
}

Scope KernelValues::start() {
  Scope scope;
  scope.turn.assign(schedule_.jams.size(), 0);
  scope.index.assign(kernel_.loops.size(), nullptr);
  scope.digit.assign(kernel_.loops.size(), nullptr);
  scope.values.assign(kernel_.code.size(), nullptr);
  scope.stored.assign(kernel_.stores.size(), false);
  for (const Address& access : addresses_) {
    llvm::Value* offset = nullptr;
    for (const Extent& constant : access.constants)
      offset = offset == nullptr ? size(constant) : emitter_.builder.CreateAdd(offset, size(constant));
    scope.offset.push_back(offset);
  }
  scope.beyond.assign(addresses_.size(), 0);
  for (size_t loop = 0; loop < kernel_.loops.size(); ++loop)
    if (schedule_.absorbed_by[loop] >= 0) scope.entered |= uint64_t{1} << loop;
  return scope;
}

/// The scope beside this one where all is the same that depends on `loops` alone; null: none.
const Scope* KernelValues::same_turn(std::span<const Scope> beside, const Scope& scope,
                                     uint64_t loops) const {
  for (const Scope& other : beside) {
    bool same = true;
    for (size_t j = 0; j < schedule_.jams.size() && same; ++j)
      same = other.turn[j] == scope.turn[j] || (loops >> schedule_.jams[j].loop & 1) == 0;
    if (same) return &other;
  }
  return nullptr;
}

/// Turns of a jammed loop that lie at constant distances have one offset; each adds its distance where it
/// reads, which costs nothing.
bool KernelValues::is_beside(const Address::Step& step) const {
  return step.stride.is_constant() && schedule_.turns_of(step.number) > 1;
}

/// Loops whose turns have offsets of their own.
uint64_t KernelValues::loops_moving(const Address& address) const {
  uint64_t loops = 0;
  for (const Address::Step& step : address.loops)
    if (!is_beside(step)) loops |= uint64_t{1} << step.number;
  return loops;
}

int KernelValues::turn_of(const Scope& scope, int loop) const {
  const auto jam = std::ranges::find(schedule_.jams, loop, &Jam::loop);
  return jam == schedule_.jams.end() ? 0 : scope.turn[static_cast<size_t>(jam - schedule_.jams.begin())];
}

void KernelValues::share(std::span<const Scope> beside, Scope& to) const {
  for (size_t i = 0; i < to.values.size(); ++i) {
    if (to.values[i] != nullptr) continue;
    if (const Scope* from = same_turn(beside, to, loops_[i])) to.values[i] = from->values[i];
  }
}

void KernelValues::enter(Scope& scope, int loop, llvm::Value* index, std::span<const Scope> beside) {
  llvm::IRBuilder<>& builder = emitter_.builder;
  scope.index[static_cast<size_t>(loop)] = index;
  scope.entered |= uint64_t{1} << loop;
  enter_digits(scope, loop, index);
  const auto* first = llvm::dyn_cast<llvm::ConstantInt>(index);
  if (first != nullptr && first->isZero()) return;
  for (size_t a = 0; a < addresses_.size(); ++a)
    for (const Address::Step& step : addresses_[a].loops) {
      if (step.number != loop || !active_[a]) continue;
      if (const Scope* same = same_turn(beside, scope, loops_moving(addresses_[a]))) {
        scope.offset[a] = same->offset[a];
        if (is_beside(step)) scope.beyond[a] += turn_of(scope, loop) * step.stride.factor;
        continue;
      }
      llvm::Value* turns =
          step.turns == 1 ? index : builder.CreateLShr(index, static_cast<uint64_t>(log2_of(step.turns)));
      llvm::Value* more = step.stride.is(1) ? turns : builder.CreateMul(turns, size(step.stride));
      scope.offset[a] = scope.offset[a] == nullptr ? more : builder.CreateAdd(scope.offset[a], more);
    }
}

/// The values of two loops that became one, from its index: the lower digit has a power of two of values.
void KernelValues::enter_digits(Scope& scope, int loop, llvm::Value* index) {
  llvm::IRBuilder<>& builder = emitter_.builder;
  const auto absorbed = std::ranges::find(schedule_.absorbed_by, loop);
  if (absorbed == schedule_.absorbed_by.end()) return;
  const auto other = static_cast<size_t>(absorbed - schedule_.absorbed_by.begin());
  const uint64_t both = (uint64_t{1} << loop) | (uint64_t{1} << other);
  if ((conditioned_ & both) == 0) return;
  const bool vector = loop == schedule_.vector_loop;
  llvm::Value* all = same_form(index, vector);
  if (vector) all = builder.CreateAdd(all, lane_numbers(1));
  const int64_t low = kernel_.loops[static_cast<size_t>(loop)].extent.factor;
  const auto number = [&](int64_t value) { return same_form(emitter_.i64(value), vector); };
  // A vector begins where the lower digit is 0: its lanes have the same lower digits in each. Those of a
  // transposed tile begin at any row.
  const bool anywhere = schedule_.contraction && schedule_.contraction->plan.transposed;
  const bool same = vector && !anywhere && schedule_.lanes % low == 0;
  scope.digit[static_cast<size_t>(loop)] = builder.CreateAnd(same ? lane_numbers(1) : all, number(low - 1));
  scope.digit[other] = builder.CreateLShr(all, number(log2_of(low)));
}

}  // namespace crease
