#include "jit/rematerialise.h"

#include <algorithm>
#include <optional>

#include "graph/error.h"
#include "jit/masks.h"
#include "jit/memory.h"
#include "jit/recompute.h"

namespace crease {
namespace {

/// Each turn lowers one peak. A step that runs more than so many times its kernels, or takes more turns, is
/// not worth the memory that it saves.
constexpr int most_turns = 60;
constexpr size_t most_growth = 3;

/// A program with a schedule for its memory: that of the compiler, or what copies inherit of it.
struct Planned {
  Kernels program;
  Schedule schedule;
};

/// Which truth values are bits is decided once, for the program without copies, and inherited: what reads
/// them adds up in an order that depends on it.
Planned planned(Kernels program, const Machine& machine, const MemoryLimit& limit) {
  Schedule plan = schedule(program, machine, limit.threads);
  return {std::move(program), std::move(plan)};
}

/// The arena of a program, and the kernel where most of it is in use.
struct Peak {
  int64_t bytes = 0;
  size_t kernel = 0;
};

Peak peak_of(const Planned& it, const Sizes& sizes) {
  if (it.program.kernels.empty()) return {};
  const MemoryPlan plan = plan_memory(it.program, it.schedule);
  std::vector<int64_t> used(it.program.kernels.size(), 0);
  for (const Slot& slot : plan.slots)
    for (int k = slot.first; k <= slot.last; ++k) used[static_cast<size_t>(k)] += value_of(slot.bytes, sizes);
  const auto most = std::ranges::max_element(used);
  return {lay_out(plan, sizes).bytes, static_cast<size_t>(most - used.begin())};
}

bool touches_truth(const Kernel& kernel) {
  return std::ranges::any_of(kernel.code, [](const Instruction& it) {
    return it.kind == InstructionKind::Read && it.type == Type::boolean;
  });
}

bool sums_in_chains(const KernelSchedule& plan) { return plan.contraction || plan.convolution; }

/// How a kernel among the buffers of a program runs: no other kernel decides that.
KernelSchedule plan_alone(const Kernels& program, const Machine& machine, const Kernel& kernel) {
  Kernels alone = program;
  alone.step_loops.clear();
  alone.kernels = {kernel};
  return schedule(alone, machine).kernels.front();
}

/// Whether a copy adds up in the order of kernel `maker`: as chains of products, or in the same loops over
/// the same lanes, which nothing but the kernel itself decides if it has one result and no packed operand.
bool sums_alike(const Planned& it, size_t maker, const KernelSchedule& of_copy) {
  const Kernel& kernel = it.program.kernels[maker];
  if (kernel.reductions.empty()) return true;
  const bool chains = sums_in_chains(it.schedule.kernels[maker]);
  if (kernel.stores.size() == 1) return chains || !touches_truth(kernel);
  return chains && sums_in_chains(of_copy);
}

/// Whether a copy can read and write the truth values that its original reads and writes as bits.
bool serves_bits(const Planned& it, const Kernel& copy, const KernelSchedule& of_copy) {
  for (size_t b = 0; b < it.program.buffers.size(); ++b)
    if (it.program.buffers[b].bits && !serves_bits(copy, of_copy, static_cast<int>(b))) return false;
  return true;
}

/// Whether a kernel at this position would read a parameter after its next value took its place.
bool reads_overwritten(const Kernels& program, const Recompute& cut, const Kernel& copy, size_t position) {
  return std::ranges::any_of(copy.code, [&](const Instruction& it) {
    if (it.kind != InstructionKind::Read) return false;
    const int storage = storage_of(program, it.buffer);
    for (size_t b = 0; b < program.buffers.size(); ++b)
      if (program.buffers[b].source == storage && !cut.makers()[b].empty() &&
          cut.makers()[b].front() < position)
        return true;
    return false;
  });
}

/// The program with less in use at one kernel; none if nothing there can be computed again.
std::optional<Planned> lowered(const Planned& it, const Machine& machine, const Sizes& sizes, size_t peak,
                               bool cheap_only) {
  std::set<int> banned;
  while (true) {
    const Recompute cut(it.program, sizes, peak, cheap_only, banned);
    if (cut.storages().empty()) return {};
    const auto may_copy = [&](int storage, size_t maker, const Kernel& copy, size_t position) {
      const KernelSchedule of_copy = plan_alone(it.program, machine, copy);
      const bool may = sums_alike(it, maker, of_copy) && serves_bits(it, copy, of_copy) &&
                       !reads_overwritten(it.program, cut, copy, position);
      if (!may) banned.insert(storage);
      return may;
    };
    std::optional<Recompute::Result> result = cut.applied(may_copy);
    if (!result) continue;
    Planned next{std::move(result->program), {}};
    for (const size_t origin : result->origins) next.schedule.kernels.push_back(it.schedule.kernels[origin]);
    return next;
  }
}

void check_sizes(const Kernels& program, const MemoryLimit& limit) {
  for (const std::string& symbol : program.symbols)
    expect(limit.sizes.contains(symbol),
           "[compile] a memory limit is for known sizes: dimension '{}' has none, want it in specialise or "
           "memory_sizes",
           symbol);
}

}  // namespace

Kernels rematerialise(Kernels program, const Machine& machine, const MemoryLimit& limit) {
  check_sizes(program, limit);
  int64_t least = INT64_MAX;
  Schedule without_copies = schedule_bits(program, machine, limit.threads);
  Planned now{std::move(program), std::move(without_copies)};
  const size_t most_kernels = most_growth * now.program.kernels.size();
  for (int turn = 0; turn < most_turns && now.program.kernels.size() <= most_kernels; ++turn) {
    Peak peak = peak_of(now, limit.sizes);
    // What copies inherit is nearly what they get.
    if (peak.bytes <= limit.bytes || peak.bytes < least) {
      now = planned(std::move(now.program), machine, limit);
      peak = peak_of(now, limit.sizes);
    }
    if (peak.bytes <= limit.bytes) return std::move(now.program);
    least = std::min(least, peak.bytes);
    std::optional<Planned> next = lowered(now, machine, limit.sizes, peak.kernel, true);
    if (!next) next = lowered(now, machine, limit.sizes, peak.kernel, false);
    if (!next) break;
    now = std::move(*next);
  }
  fail("[compile] intermediate values do not fit into the memory limit: got {} bytes, want at least {}",
       limit.bytes, least);
}

}  // namespace crease
