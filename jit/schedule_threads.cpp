#include "jit/schedule_threads.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <set>
#include <vector>

namespace crease {
namespace {

// Measured: a region of a spinning pool costs 0.5 us; lines written by another core arrive at 6 GB/s.
constexpr double cycles_per_second = 3e9;
constexpr double region_seconds = 0.5e-6;
constexpr double exchange_bytes_per_second = 6e9;
// What every thread reads of a large operand comes to each core by itself, and must leave the others' caches
// when it is next written: with 10 rows W3's step took 5.0 ms instead of 1.8 with its forward products split.
constexpr double shared_bytes_per_second = 8e9;
// One core, to and from what lies beyond its second cache: pooling of 17 MB on Emerald Rapids.
constexpr double far_bytes_per_second = 12e9;
constexpr double least_step_seconds = 0.3e-3;
constexpr double least_gain = 1.2;
constexpr double infinity = std::numeric_limits<double>::infinity();

/// A way to share a kernel, and what that costs besides the threads' time.
struct Choice {
  KernelSplit split;
  double seconds = 0;  // in which each thread reads what all of them need
};

double pieces(const KernelSplit& split) { return estimate(split.extent) / static_cast<double>(split.step); }

/// A loop of one turn has nothing to share, and what lies outside of it each thread would do.
bool is_shared(const KernelSplit& split) { return !split.extent.is(1) && !split.extent.is(0); }

/// Time in which each thread reads what all of them need, where it is too large for a second cache.
double shared_seconds(const Extent& rows, const Extent& columns, Type type, const Machine& machine) {
  const double bytes = estimate(rows) * estimate(columns) * static_cast<double>(size_of(type));
  return bytes > static_cast<double>(machine.l2_bytes) ? bytes / shared_bytes_per_second : 0;
}

Choice split_rows(const KernelSchedule& plan, const Machine& machine) {
  const ContractionFacts& facts = plan.contraction->facts;
  return {.split = split_of(*plan.contraction, false, machine),
          .seconds = shared_seconds(depth_of(facts), facts.n, facts.type, machine)};
}

/// Whether the program never changes what an instruction of the kernel reads.
bool reads_what_stays(const Kernels& program, const Kernel& kernel, int instruction) {
  const int read = storage_of(program, kernel.code[static_cast<size_t>(instruction)].buffer);
  const BufferKind kind = program.buffers[static_cast<size_t>(read)].kind;
  const auto is_next = [&](const Buffer& it) { return it.kind == BufferKind::Next && it.source == read; };
  return kind == BufferKind::Input || kind == BufferKind::Constant ||
         (kind == BufferKind::Parameter && std::ranges::none_of(program.buffers, is_next));
}

/// By columns each thread has a part of B to itself, in its own caches from step to step, unless others write
/// it: what few rows need, as in inference.
std::optional<Choice> split_columns(const Kernels& program, const Kernel& kernel, const KernelSchedule& plan,
                                    const Machine& machine) {
  const ContractionFacts& facts = plan.contraction->facts;
  const ContractionPlan& tile = plan.contraction->plan;
  if (facts.rounded || tile.tile_parts > 0 || stores_bits(kernel, program.buffers) ||
      !reads_what_stays(program, kernel, plan.contraction->b))
    return {};
  return Choice{.split = split_of(*plan.contraction, true, machine),
                .seconds = shared_seconds(facts.m, depth_of(facts), facts.type, machine)};
}

std::vector<Choice> choices_of(const Kernels& program, const Kernel& kernel, const KernelSchedule& plan,
                               const Machine& machine) {
  if (is_scatter(kernel)) return {};
  if (plan.contraction && plan.outer.empty()) {
    std::vector<Choice> choices;
    if (plan.contraction->plan.stream_rows == 0) choices.push_back(split_rows(plan, machine));
    if (const auto columns = split_columns(program, kernel, plan, machine)) choices.push_back(*columns);
    return choices;
  }
  if (plan.outer.empty()) return {};
  KernelSplit split{.extent = plan.outer[0].extent};
  if (plan.outer[0].loop == plan.vector_loop) split.step = plan.lanes;
  if (const int turns = plan.turns_of(plan.outer[0].loop); turns > 1) split.step = turns;
  return {Choice{split}};
}

/// Whether some kernel reads the buffer, or it outlives the step: a result is for the caller alone, and the
/// same thread writes its part again in the next step.
bool is_needed_later(const Kernels& program, int buffer) {
  if (program.buffers[static_cast<size_t>(buffer)].kind != BufferKind::Result) return true;
  const auto reads = [&](const Instruction& it) {
    return it.kind == InstructionKind::Read && storage_of(program, it.buffer) == buffer;
  };
  return std::ranges::any_of(program.kernels,
                             [&](const Kernel& kernel) { return std::ranges::any_of(kernel.code, reads); });
}

/// Bytes that one core writes and another may read out of its second cache, which holds no more than its own
/// size of them.
double bytes_exchanged(const Kernels& program, const Kernel& kernel, int threads, const Machine& machine) {
  double bytes = 0;
  for (const Store& store : kernel.stores)
    if (is_needed_later(program, store.buffer))
      bytes += estimate(bytes_of(program.buffers[static_cast<size_t>(store.buffer)]));
  return (threads - 1) * std::min(bytes / threads, static_cast<double>(machine.l2_bytes));
}

/// Time to read and write once what is too large for a second cache; lookups touch a part that is not known.
double memory_seconds(const Kernels& program, const Kernel& kernel, const Machine& machine) {
  const std::vector<bool> wanted = needed(kernel);
  std::set<int> buffers;
  for (size_t i = 0; i < kernel.code.size(); ++i) {
    const Instruction& it = kernel.code[i];
    const bool direct = std::ranges::all_of(it.place, [](const Position& p) { return p.value < 0; });
    if (it.kind == InstructionKind::Read && wanted[i] && direct) buffers.insert(base_of(program, it.buffer));
  }
  for (const Store& store : kernel.stores) buffers.insert(base_of(program, store.buffer));
  double bytes = 0;
  for (const int buffer : buffers) {
    const double all = estimate(bytes_of(program.buffers[static_cast<size_t>(buffer)]));
    if (all > static_cast<double>(machine.l2_bytes)) bytes += all;
  }
  return bytes / far_bytes_per_second;
}

}  // namespace

void split_kernels(const Kernels& program, const Machine& machine, Threads threads, Schedule& schedule) {
  std::vector<double> seconds;
  double all = 0;
  for (size_t k = 0; k < schedule.kernels.size(); ++k) {
    const Kernel& kernel = program.kernels[k];
    seconds.push_back(
        std::max(estimated_cycles(kernel, program.buffers, schedule.kernels[k], machine) / cycles_per_second,
                 memory_seconds(program, kernel, machine)));
    all += seconds.back();
  }
  if (all < least_step_seconds && !threads.split_all) return;
  for (size_t k = 0; k < schedule.kernels.size(); ++k) {
    const Kernel& kernel = program.kernels[k];
    KernelSchedule& plan = schedule.kernels[k];
    const double exchange =
        bytes_exchanged(program, kernel, threads.count, machine) / exchange_bytes_per_second;
    double least = threads.split_all ? infinity : seconds[k] / least_gain;
    for (const auto& [split, shared] : choices_of(program, kernel, plan, machine)) {
      if (!is_shared(split) || (pieces(split) < threads.count && !threads.split_all)) continue;
      const double parts = std::clamp(pieces(split), 1.0, static_cast<double>(threads.count));
      const double time = std::max(seconds[k] / parts, shared) + region_seconds + exchange;
      if (time >= least) continue;
      least = time;
      plan.threads = threads.count;
      plan.split = split;
    }
  }
}

}  // namespace crease
