#include "jit/schedule_threads.h"

#include <algorithm>

namespace crease {
namespace {

// Measured: a region of a spinning pool costs 0.5 us; lines written by another core arrive at 6 GB/s.
constexpr double cycles_per_second = 3e9;
constexpr double region_seconds = 0.5e-6;
constexpr double exchange_bytes_per_second = 6e9;
// What every thread reads of a large operand comes to each core by itself, and must leave the others' caches
// when it is next written: with 10 rows W3's step took 5.0 ms instead of 1.8 with its forward products split.
constexpr double shared_bytes_per_second = 8e9;
constexpr double least_step_seconds = 0.3e-3;
constexpr double least_gain = 1.2;

/// Finds what may be split; false if nothing.
bool find_split(const Kernel& kernel, const Machine& machine, KernelSchedule& plan) {
  if (is_scatter(kernel)) return false;
  if (plan.contraction && plan.outer.empty()) {
    const ContractionPlan& tile = plan.contraction->plan;
    plan.split_extent = plan.contraction->facts.m;
    plan.split_step = tile.transposed
                          ? tile.tile_vectors * machine.lanes(size_of(plan.contraction->facts.type))
                          : tile.tile_rows;
    return true;
  }
  if (plan.outer.empty()) return false;
  plan.split_extent = plan.outer[0].extent;
  if (plan.outer[0].loop == plan.vector_loop) plan.split_step = plan.lanes;
  if (const int turns = plan.turns_of(plan.outer[0].loop); turns > 1) plan.split_step = turns;
  return true;
}

double bytes_written(const Kernels& program, const Kernel& kernel) {
  double bytes = 0;
  for (const Store& store : kernel.stores) {
    const Buffer& buffer = program.buffers[static_cast<size_t>(store.buffer)];
    bytes += estimate(bytes_of(buffer));
  }
  return bytes;
}

/// Time in which each thread reads what all of them need: the second operand of a product whose rows are
/// split, where it is too large for a second cache.
double shared_seconds(const KernelSchedule& plan, const Machine& machine) {
  if (!plan.contraction || !plan.outer.empty()) return 0;
  const ContractionFacts& facts = plan.contraction->facts;
  const double bytes = estimate(facts.k) * estimate(facts.n) * size_of(facts.type);
  return bytes > static_cast<double>(machine.l2_bytes) ? bytes / shared_bytes_per_second : 0;
}

}  // namespace

void split_kernels(const Kernels& program, const Machine& machine, Threads threads, Schedule& schedule) {
  std::vector<double> seconds;
  double all = 0;
  for (size_t k = 0; k < schedule.kernels.size(); ++k) {
    seconds.push_back(estimated_cycles(program.kernels[k], program.buffers, schedule.kernels[k], machine) /
                      cycles_per_second);
    all += seconds.back();
  }
  if (all < least_step_seconds && !threads.split_all) return;
  for (size_t k = 0; k < schedule.kernels.size(); ++k) {
    KernelSchedule& plan = schedule.kernels[k];
    if (!find_split(program.kernels[k], machine, plan)) continue;
    if (threads.split_all) plan.threads = threads.count;
    const double others = 1 - 1.0 / threads.count;
    const double split = std::max(seconds[k] / threads.count, shared_seconds(plan, machine)) +
                         region_seconds +
                         others * bytes_written(program, program.kernels[k]) / exchange_bytes_per_second;
    const double pieces = estimate(plan.split_extent) / static_cast<double>(plan.split_step);
    if (pieces >= threads.count && seconds[k] > least_gain * split) plan.threads = threads.count;
  }
}

}  // namespace crease
