#include "jit/schedule_pairs.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <set>

#include "jit/order.h"

namespace crease {
namespace {

/// Cycles that an update gains for each cache line that it finds in the second cache instead of the third.
/// Measured on Emerald Rapids: with 10 rows of 1000 x 1000 it takes 168 us instead of 258.
constexpr double gain_per_line = 4.5;

/// Whether ranges of a product's rows or columns may run one by one.
bool can_be_cut(const KernelSchedule& plan) {
  if (!plan.contraction || !plan.outer.empty() || plan.threads > 1) return false;
  const ContractionPlan& tile = plan.contraction->plan;
  return !plan.contraction->facts.rounded && tile.tile_parts == 0 && tile.stream_rows == 0;
}

class Pairing {
 public:
  Pairing(const Kernels& program, const Machine& machine, Schedule& schedule)
      : program_(program), machine_(machine), schedule_(schedule) {}

  void run() {
    for (size_t k = 0; k + 1 < program_.kernels.size(); ++k)
      if (pair(k)) ++k;
  }

 private:
  const Kernel& kernel(size_t k) const { return program_.kernels[k]; }
  KernelSchedule& plan(size_t k) const { return schedule_.kernels[k]; }
  const Buffer& buffer(int number) const { return program_.buffers[static_cast<size_t>(number)]; }

  bool pair(size_t k) {
    if (kernel(k).step_loop != kernel(k + 1).step_loop) return false;
    if (!can_be_cut(plan(k)) || !can_be_cut(plan(k + 1))) return false;
    const std::optional<int> next = next_value(k);
    if (!next || !are_independent(k)) return false;
    const std::optional<KernelSplit> first = rows_of(k, *next), second = rows_of(k + 1, *next);
    if (!first || !second || first->extent != second->extent || !first->extent.is_constant()) return false;
    const int64_t block = rows_at_once(k, buffer(*next).source, *first, *second);
    if (block == 0) return false;
    plan(k).split = *first;
    plan(k + 1).split = *second;
    plan(k).block = plan(k + 1).block = block;
    plan(k).leads_pair = true;
    return true;
  }

  /// The next value, written by the kernel behind k, of a parameter that k reads. None if there are several:
  /// as one may lie in its parameter's memory, k would read what has been overwritten.
  std::optional<int> next_value(size_t k) const {
    const std::set<int> reads = storages_read(program_, kernel(k));
    std::optional<int> found;
    for (const Store& store : kernel(k + 1).stores) {
      if (!reads.contains(buffer(store.buffer).source)) continue;
      if (found) return {};
      found = store.buffer;
    }
    return found;
  }

  /// Whether the second kernel needs nothing of the first, and puts nothing where the first reads: next
  /// values lie in the memory of their parameters (see next_value) or in their own, all else might lie where
  /// an operand did.
  bool are_independent(size_t k) const {
    const Kernel &first = kernel(k), &second = kernel(k + 1);
    const auto is_next = [&](const Store& it) { return buffer(it.buffer).kind == BufferKind::Next; };
    if (!std::ranges::all_of(second.stores, is_next) || plan(k + 1).scratch().second.factor != 0)
      return false;
    const std::set<int> written = storages_written(program_, first);
    return !intersect(written, storages_read(program_, second)) &&
           !intersect(written, storages_written(program_, second)) &&
           !intersect(storages_read(program_, first), storages_written(program_, second));
  }

  /// The ranges of kernel k that belong to ranges of the matrix's rows, where it touches each row, of the
  /// matrix and of its next value, in one turn of its rows or columns only.
  std::optional<KernelSplit> rows_of(size_t k, int next) const {
    const int matrix = buffer(next).source;
    std::set<int> loops;
    const auto see = [&](int touched, const Place& place) {
      const int storage = storage_of(program_, touched);
      if (storage == matrix || storage == next)
        loops.insert(touched == storage && !place.empty() ? plain_loop(place[0]) : -1);
    };
    for (const Instruction& it : kernel(k).code)
      if (it.kind == InstructionKind::Read) see(it.buffer, it.place);
    for (const Store& store : kernel(k).stores) see(store.buffer, store.place);
    if (loops.size() != 1) return {};
    const int loop = *loops.begin();
    const ContractionSchedule& product = *plan(k).contraction;
    const bool columns = loop == product.column_loop;
    if (loop < 0 || (!columns && loop != product.row_loop)) return {};
    if (std::ranges::count(plan(k).absorbed_by, loop) != 0) return {};
    if (columns && stores_bits(kernel(k), program_.buffers)) return {};
    return split_of(product, columns, machine_);
  }

  /// As many rows as half of the second cache holds, in whole steps of both kernels; 0 if that does not pay.
  int64_t rows_at_once(size_t k, int matrix, const KernelSplit& first, const KernelSplit& second) const {
    const Extent bytes = bytes_of(buffer(matrix));
    if (!bytes.is_constant() || bytes.factor <= machine_.l2_bytes) return 0;
    const int64_t rows = first.extent.factor, step = std::lcm(first.step, second.step);
    const int64_t most = machine_.l2_bytes / 2 / ceil_divide(bytes.factor, rows) / step;
    if (most == 0 || read_again(k, first) > machine_.l2_bytes / 2 ||
        read_again(k + 1, second) > machine_.l2_bytes / 2)
      return 0;
    const int64_t blocks = ceil_divide(ceil_divide(rows, step), most);
    const double gain = gain_per_line * static_cast<double>(bytes.factor) / 64;
    if (static_cast<double>(blocks - 1) * packing_cycles(k, matrix) > gain / 2) return 0;
    return ceil_divide(ceil_divide(rows, step), blocks) * step;
  }

  /// Bytes of the operand that each range of a kernel reads.
  int64_t read_again(size_t k, const KernelSplit& split) const {
    const ContractionFacts& facts = plan(k).contraction->facts;
    return assumed_size(depth_of(facts)) * assumed_size(split.columns ? facts.m : facts.n) *
           size_of(facts.type);
  }

  /// What each range packs again: the operand that is not the matrix.
  double packing_cycles(size_t k, int matrix) const {
    const auto& [facts, tile, row_loop, column_loop, depth_loop, a, b, around_loops] = *plan(k).contraction;
    const auto is_matrix = [&](int read) {
      return kernel(k).code[static_cast<size_t>(read)].buffer == matrix;
    };
    const bool again = (tile.pack_a && !is_matrix(a)) || (tile.pack_b && !is_matrix(b));
    const double elements = estimate(depth_of(facts)) * estimate(tile.pack_a ? facts.m : facts.n);
    return again ? elements * 10 / machine_.lanes(size_of(facts.type)) : 0;
  }

  const Kernels& program_;
  const Machine& machine_;
  Schedule& schedule_;
};

}  // namespace

void pair_kernels(const Kernels& program, const Machine& machine, Schedule& schedule) {
  Pairing(program, machine, schedule).run();
}

}  // namespace crease
