#include "jit/schedule_rows.h"

#include <algorithm>
#include <bit>

namespace crease {
namespace {

/// Whether the turns of both loops have single strides, and those of one run on from those of the other.
bool runs_on(const Address& address, const ScheduledLoop& around, const ScheduledLoop& row) {
  return address.has_stride(around.loop) && address.has_stride(row.loop) &&
         address.runs_on(around.loop, row.loop, row.extent);
}

bool reads_rows(const Address& address, const ScheduledLoop& around, const ScheduledLoop& row) {
  if (!address.has_stride(around.loop) || !address.has_stride(row.loop) || !address.values.empty())
    return false;
  const Extent across = address.stride(around.loop), along = address.stride(row.loop);
  return (along.is(0) && across.is(1)) || ((along.is(1) || along.is(2)) && across.is_constant());
}

/// Whether rows of this loop are several to a vector, with nothing taken up before.
bool is_short(const ScheduledLoop& row, const KernelSchedule& plan, int lanes) {
  const Extent& extent = row.extent;
  return extent.is_constant() && extent.factor > 1 && extent.factor < lanes &&
         std::has_single_bit(static_cast<uint64_t>(extent.factor)) &&
         std::ranges::find(plan.absorbed_by, row.loop) == plan.absorbed_by.end();
}

/// Whether a loop took up another one before, and the value of one of the two is used as a number: of three
/// loops in one, only the row's own would be known.
bool needs_three_digits(int loop, const KernelSchedule& plan, uint64_t numbers) {
  uint64_t taken = 0;
  for (size_t other = 0; other < plan.absorbed_by.size(); ++other)
    if (plan.absorbed_by[other] == loop) taken |= uint64_t{1} << other;
  return taken != 0 && (numbers & (taken | uint64_t{1} << loop)) != 0;
}

bool fit(const Kernel& kernel, const std::vector<Buffer>& buffers, const ScheduledLoop& around,
         const ScheduledLoop& row) {
  const auto address = [&](const Place& place, int buffer) {
    return address_of(place, memory_shape(buffers[static_cast<size_t>(buffer)]));
  };
  const auto read_fits = [&](const Instruction& it) {
    if (it.kind != InstructionKind::Read) return true;
    const Address from = address(it.place, it.buffer);
    const bool plain = it.operands.empty() && !buffers[static_cast<size_t>(it.buffer)].bits;
    return runs_on(from, around, row) || (plain && reads_rows(from, around, row));
  };
  return std::ranges::all_of(kernel.code, read_fits) &&
         std::ranges::all_of(kernel.stores, [&](const Store& store) {
           return runs_on(address(store.place, store.buffer), around, row);
         });
}

}  // namespace

std::optional<KernelSchedule> join_rows(const Kernel& kernel, const std::vector<Buffer>& buffers,
                                        uint64_t numbers, KernelSchedule plan, int lanes) {
  if (plan.outer.size() < 2) return std::nullopt;
  const ScheduledLoop row = plan.outer.back(), around = plan.outer[plan.outer.size() - 2];
  if (!is_short(row, plan, lanes) || needs_three_digits(around.loop, plan, numbers) ||
      !fit(kernel, buffers, around, row))
    return std::nullopt;
  plan.outer.pop_back();
  plan.outer.back() = {row.loop, around.extent * row.extent};
  plan.absorbed_by[static_cast<size_t>(around.loop)] = row.loop;
  std::ranges::replace(plan.absorbed_by, around.loop, row.loop);
  plan.vector_loop = row.loop;
  plan.rows_loop = around.loop;
  plan.lanes = lanes;
  return plan;
}

int pieces_of(const Address& address, const Kernel& kernel, const KernelSchedule& plan) {
  const Extent& extent = kernel.loops[static_cast<size_t>(plan.vector_loop)].extent;
  if (address.stride(plan.vector_loop).is(0) || address.runs_on(plan.rows_loop, plan.vector_loop, extent))
    return 1;
  return plan.lanes / static_cast<int>(extent.factor);
}

}  // namespace crease
