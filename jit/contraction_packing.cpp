#include "jit/contraction_packing.h"

#include <algorithm>
#include <numeric>

namespace crease {
namespace {

/// Whether the rows of B lie so far apart, a power of two, that a panel cannot stay in the second cache.
/// Measured on Zen 4: 2048 x 2048 goes from 65 to 84 % of the peak when packed, 2000 x 2000 from 93 to 88 %,
/// and 1024 x 1024 has 87 % in place. On Emerald Rapids 1024 x 1024 goes from 32 to 88 %.
bool collides(const ContractionFacts& facts, const Machine& machine) {
  const Extent& stride = facts.b_row;
  const int64_t colliding = has_two_wide_units(machine) ? 4096 : 8192;
  return stride.is_constant() && stride.factor * size_of(facts.type) % colliding == 0 &&
         assumed_size(depth_of(facts)) >= 1024 && assumed_size(facts.m) >= 256;
}

}  // namespace

bool has_two_wide_units(const Machine& machine) {
  return machine.vector_bits == 512 && machine.fma_per_cycle >= 2;
}

int64_t bytes_of(const Extent& rows, const Extent& columns, Type type) {
  return assumed_size(rows) * assumed_size(columns) * size_of(type);
}

int64_t block_of_rows(const ContractionFacts& facts, const ContractionPlan& plan, const Machine& machine) {
  const Extent depth = depth_of(facts);
  if (plan.transposed || plan.pack_b || plan.squares || !depth.is_constant()) return 0;
  if (bytes_of(depth, facts.n, facts.type) > 4 * machine.l2_bytes) return 0;
  if (facts.m.is_constant() && bytes_of(facts.m, depth, facts.type) <= machine.l2_bytes * 3 / 8) return 0;
  const int64_t row_bytes = std::max<int64_t>(1, depth.factor * size_of(facts.type));
  const int64_t most = std::max<int64_t>(machine.l2_bytes * 3 / 8 / row_bytes, 4L * plan.tile_rows);
  const int64_t blocks = facts.m.is_constant() ? ceil_divide(facts.m.factor, most) : 1;
  const int64_t rows = facts.m.is_constant() ? ceil_divide(facts.m.factor, blocks) : most;
  return ceil_divide(rows, plan.tile_rows) * plan.tile_rows;
}

void choose_packing(const ContractionFacts& facts, const Machine& machine, ContractionPlan& plan) {
  if (facts.prologue || plan.squares) return;
  plan.pack_a = plan.transposed && !facts.a_row.is(1);
  plan.pack_b = !plan.transposed && (!facts.b_column.is(1) || collides(facts, machine));
  if (!plan.pack_a && !plan.pack_b) return;
  plan.scratch = depth_of(facts);
  plan.scratch.factor *= static_cast<int64_t>(plan.tile_vectors) * machine.lanes(size_of(facts.type));
}

void choose_scalars(const ContractionFacts& facts, const Machine& machine, ContractionPlan& plan) {
  constexpr int64_t enough_columns = 128, long_sum = 1024, ways = 16;
  const Extent &next = plan.transposed ? facts.b_column : facts.a_row,
               &along = plan.transposed ? facts.b_row : facts.a_column;
  const Extent &rows = plan.transposed ? facts.n : facts.m, &columns = plan.transposed ? facts.m : facts.n;
  const Extent depth = depth_of(facts);
  if (facts.prologue || plan.squares || !next.is(1) || !along.is_constant() || !depth.is_constant()) return;
  if (!rows.is_constant() || assumed_size(columns) < enough_columns || depth.factor < long_sum) return;
  const int64_t bytes = size_of(facts.type), room = machine.l2_bytes * 3 / 8;
  if (rows.factor * depth.factor * bytes <= (facts.around.empty() ? machine.l2_bytes / 2 : room)) return;
  int64_t apart = std::gcd(along.factor * bytes, machine.l2_bytes / ways);
  for (const SumLoop& loop : facts.around) {
    const Extent& step = plan.transposed ? loop.b : loop.a;
    if (step.is_constant()) apart = std::gcd(apart, step.factor * bytes);
  }
  const int64_t most = std::max<int64_t>(room / (depth.factor * bytes), 4L * plan.tile_rows);
  const int64_t block = ceil_divide(rows.factor, ceil_divide(rows.factor, most));
  if (block * bytes >= apart) return;
  plan.pack_scalars = true;
  plan.row_block = ceil_divide(block, plan.tile_rows) * plan.tile_rows;
  plan.scratch.factor += plan.row_block * depth.factor;
}

int64_t most_tile_rows(const Extent& row_stride, Type type) {
  // The sets of the first cache repeat every 4096 bytes, and have 8 places or more each. Two of them are left
  // to the vectors and the result.
  constexpr int64_t any = 64;
  const int64_t bytes = row_stride.factor * size_of(type);
  if (!row_stride.is_constant() || bytes % 64 != 0 || bytes == 0) return any;
  return std::min(any, int64_t{6} * 4096 / std::gcd(bytes, int64_t{4096}));
}

int64_t packed_rows(const Extent& rows, int64_t row_bytes, int64_t tile_rows, const Machine& machine) {
  const int64_t near = machine.l2_bytes * 3 / 8 / row_bytes, far = machine.l2_bytes * 4 / row_bytes;
  const int64_t all = std::max<int64_t>(1, assumed_size(rows));
  const int64_t enough = rows.is_constant() ? std::min<int64_t>(all, 256) : 256;
  const int64_t most = std::max(near < enough ? far : near, 4 * tile_rows);
  const int64_t blocks = rows.is_constant() ? ceil_divide(all, most) : 1;
  return ceil_divide(rows.is_constant() ? ceil_divide(all, blocks) : most, tile_rows) * tile_rows;
}

}  // namespace crease
