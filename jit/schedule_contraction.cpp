#include "jit/schedule_contraction.h"

#include <algorithm>
#include <ranges>
#include <utility>

#include "jit/address.h"

namespace crease {
namespace {

constexpr double least_depth = 8;            // turns of the innermost loop of a sum over several
constexpr int64_t most_packed_depth = 4096;  // products of such a sum, for which a panel is packed

struct Factor {
  int instruction;
  Address address;
  Extent stride(int loop) const { return address.stride(loop); }
  bool has(int loop) const { return !address.stride(loop).is(0); }
};

bool has_single_strides(const Address& address, const KernelSchedule& plan) {
  const auto once = [&](const ScheduledLoop& loop) { return address.has_stride(loop.loop); };
  return std::ranges::all_of(plan.outer, once) && std::ranges::all_of(plan.inner, once);
}

/// Instructions that run once for each element of the result.
int epilogue_cost(const Kernel& kernel) {
  const std::vector<int> phase = phases(kernel);
  return static_cast<int>(std::ranges::count_if(phase, [](int p) { return p > 0; })) - 1;
}

/// The loops of the sum, that over k innermost: of those with turns enough to hide what each turn of a loop
/// round them costs, or else of all that have the most, the one that goes through memory in the least steps.
std::vector<ScheduledLoop> sum_loops(const KernelSchedule& plan, const Factor& a, const Factor& b) {
  std::vector<ScheduledLoop> loops = plan.inner;
  const auto turns = [](const ScheduledLoop& loop) { return std::min(estimate(loop.extent), least_depth); };
  const auto step = [&](const ScheduledLoop& loop) {
    return estimate(a.stride(loop.loop)) + estimate(b.stride(loop.loop));
  };
  // The last of equal ones, which stays where it is.
  const auto best = std::ranges::min_element(loops | std::views::reverse, {}, [&](const ScheduledLoop& loop) {
                      return std::pair(-turns(loop), step(loop));
                    }).base();
  std::rotate(best - 1, best, loops.end());
  return loops;
}

/// Whether a sum over several loops is a product that pays: one operand lies along its vectors, or, where
/// that may be packed, as much as a panel has of it stays in a cache.
bool sums_round_k(const ContractionFacts& facts, bool packed) {
  const Extent depth = depth_of(facts);
  const bool in_place = facts.b_column.is(1) || facts.a_row.is(1);
  const bool small = depth.is_constant() && depth.factor <= most_packed_depth;
  return !facts.rounded && estimate(facts.k) >= least_depth && (in_place || (packed && small));
}

const ScheduledLoop* greatest_row(const KernelSchedule& plan, const Factor& a, const Factor& b) {
  const ScheduledLoop* best = nullptr;
  for (const ScheduledLoop& loop : plan.outer)
    if (a.has(loop.loop) && !b.has(loop.loop) &&
        (best == nullptr || estimate(loop.extent) > estimate(best->extent)))
      best = &loop;
  return best;
}

}  // namespace

bool schedule_contraction(const Kernel& kernel, const std::vector<Buffer>& buffers, const Machine& machine,
                          bool packed, KernelSchedule& plan) {
  if (!is_contraction(kernel) || plan.inner.empty()) return false;
  const Reduction& sum = kernel.reductions[0];
  const Instruction& product = kernel.code[static_cast<size_t>(sum.value)];
  const auto factor = [&](size_t i) {
    const int instruction = read_of_factor(kernel, product.operands[i]);
    const Instruction& read = kernel.code[static_cast<size_t>(instruction)];
    return Factor{instruction,
                  address_of(read.place, memory_shape(buffers[static_cast<size_t>(read.buffer)]))};
  };
  Factor a = factor(0), b = factor(1);
  const Store& store = kernel.stores[0];
  const Address result = address_of(store.place, memory_shape(buffers[static_cast<size_t>(store.buffer)]));
  for (const Address* address : std::initializer_list<const Address*>{&a.address, &b.address, &result})
    if (!has_single_strides(*address, plan)) return false;
  const auto fits = [&](const ScheduledLoop& loop) {
    // A single turn is no vector; its stride says nothing.
    const bool single = plan.inner.size() > 1 && loop.extent.is(1);
    return !single && result.stride(loop.loop).is(1) && a.has(loop.loop) != b.has(loop.loop);
  };
  // Where several loops do, as in a product with one result, one along which the operand lies in memory.
  auto column = std::ranges::find_if(plan.outer, [&](const ScheduledLoop& loop) {
    return fits(loop) && (a.stride(loop.loop).is(1) || b.stride(loop.loop).is(1));
  });
  if (column == plan.outer.end()) column = std::ranges::find_if(plan.outer, fits);
  if (column == plan.outer.end()) return false;
  if (a.has(column->loop)) std::swap(a, b);
  const ScheduledLoop* row = greatest_row(plan, a, b);
  if (row == nullptr) return false;

  const Instruction& left = kernel.code[static_cast<size_t>(product.operands[0])];
  const std::vector<ScheduledLoop> sums = sum_loops(plan, a, b);
  const ScheduledLoop& depth = sums.back();
  ContractionFacts facts{.type = sum.type,
                         .m = row->extent,
                         .n = column->extent,
                         .k = depth.extent,
                         .a_row = a.stride(row->loop),
                         .a_column = a.stride(depth.loop),
                         .b_row = b.stride(depth.loop),
                         .b_column = b.stride(column->loop),
                         .epilogue_cost = epilogue_cost(kernel),
                         .rounded = left.kind == InstructionKind::Round,
                         .parts = left.kind == InstructionKind::Split ? static_cast<int>(left.constant) : 0};
  std::vector<int> around;
  for (size_t i = 0; i + 1 < sums.size(); ++i) {
    around.push_back(sums[i].loop);
    facts.around.push_back({sums[i].extent, a.stride(sums[i].loop), b.stride(sums[i].loop)});
  }
  if (!around.empty() && !sums_round_k(facts, packed)) return false;
  plan.contraction = ContractionSchedule{.facts = facts,
                                         .plan = plan_contraction(facts, machine),
                                         .row_loop = row->loop,
                                         .column_loop = column->loop,
                                         .depth_loop = depth.loop,
                                         .a = a.instruction,
                                         .b = b.instruction,
                                         .around_loops = around};
  plan.vector_loop = column->loop;
  plan.lanes = machine.lanes(size_of(sum.type));
  std::erase_if(plan.outer, [&](const ScheduledLoop& loop) {
    return loop.loop == plan.contraction->row_loop || loop.loop == plan.contraction->column_loop;
  });
  return true;
}

}  // namespace crease
