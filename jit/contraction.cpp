#include "jit/contraction.h"

#include <fmt/format.h>

#include <algorithm>

namespace crease {
namespace {

constexpr int64_t typical_extent = 64;

int64_t known(const Extent& extent) { return extent.is_constant() ? extent.factor : typical_extent; }
int64_t ceil_divide(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// The product as the register tiles see it: `rows` are spread over registers, `columns` over vector lanes.
struct Model {
  const Machine& machine;
  int64_t rows, columns, depth;
  int lanes;
  int epilogue_cost;

  Model(const ContractionFacts& facts, const Machine& on, bool transposed)
      : machine(on),
        rows(std::max<int64_t>(1, known(transposed ? facts.n : facts.m))),
        columns(std::max<int64_t>(1, known(transposed ? facts.m : facts.n))),
        depth(known(facts.k)),
        lanes(on.lanes(size_of(facts.type))),
        epilogue_cost(facts.epilogue_cost) {}

  /// Cycles of one register tile, with its epilogue.
  double tile(int64_t tile_rows, int64_t vectors) const {
    constexpr double latency = 4;  // of a multiply-add, Intel and AMD
    const double products = static_cast<double>(tile_rows * vectors);
    const double arithmetic = products / machine.fma_per_cycle;
    // Two load ports; where two half units make one vector unit, a full vector takes both.
    const double vector_load = machine.vector_bits == 512 && machine.fma_per_cycle == 1 ? 1.0 : 0.5;
    const double loads = static_cast<double>(vectors) * vector_load + 0.5 * static_cast<double>(tile_rows);
    const double dispatch = (products + static_cast<double>(vectors + tile_rows) + 3) / 6;
    const double epilogue = 12 + (1.25 + 0.5 * epilogue_cost) * products;
    return static_cast<double>(depth) * std::max({arithmetic, loads, latency, dispatch}) + epilogue;
  }

  double column_of_tiles(int64_t tile_rows, int64_t vectors) const {
    const double full = static_cast<double>(rows / tile_rows) * tile(tile_rows, vectors);
    return rows % tile_rows == 0 ? full : full + tile(rows % tile_rows, vectors);
  }

  double cycles(int64_t tile_rows, int64_t vectors) const {
    const int64_t all = ceil_divide(columns, lanes);
    double result = static_cast<double>(all / vectors) * column_of_tiles(tile_rows, vectors);
    if (all % vectors != 0) result += column_of_tiles(tile_rows, all % vectors);
    // Each further variant of the tile costs compile time and code cache.
    const int variants = (rows % tile_rows != 0 ? 2 : 1) * (all % vectors != 0 ? 2 : 1);
    return result * (1 + 0.01 * (variants - 1));
  }
};

bool fits_registers(const Machine& machine, int rows, int vectors) {
  // Sums, the vectors of B, and a broadcast of A; with 32 registers one more stays free for the epilogue.
  const int needed = rows * vectors + vectors + (vectors > 1 || machine.vector_registers < 32 ? 1 : 0);
  return needed <= machine.vector_registers - (machine.vector_registers == 32 ? 1 : 0);
}

/// The cheapest register tile.
ContractionPlan best_tile(const Model& model) {
  const int64_t all = ceil_divide(model.columns, model.lanes);
  const int most_vectors = static_cast<int>(std::min<int64_t>(model.rows == 1 ? 12 : 4, all));
  ContractionPlan best;
  double least = model.cycles(1, 1);
  for (int vectors = 1; vectors <= most_vectors; ++vectors) {
    for (int rows = 1; rows <= model.rows && fits_registers(model.machine, rows, vectors); ++rows) {
      const double cycles = model.cycles(rows, vectors);
      if (cycles >= least) continue;
      least = cycles;
      best.tile_rows = rows;
      best.tile_vectors = vectors;
    }
  }
  return best;
}

/// Rows whose part of A takes half of the second cache.
int64_t block_of_rows(const ContractionFacts& facts, const ContractionPlan& plan, const Machine& machine) {
  if (plan.transposed || !facts.k.is_constant()) return 0;
  const int64_t row_bytes = std::max<int64_t>(1, facts.k.factor * size_of(facts.type));
  const int64_t block = machine.l2_bytes / 2 / row_bytes / plan.tile_rows * plan.tile_rows;
  if (facts.m.is_constant() && block >= facts.m.factor) return 0;
  return std::max<int64_t>(block, 4L * plan.tile_rows);
}

/// Whether a panel of B, though its rows are contiguous, is worth copying: it is read by many tiles, and its
/// rows lie on as many pages of a matrix too large for the second cache.
bool is_scattered(const ContractionFacts& facts, const Machine& machine) {
  const int64_t bytes = size_of(facts.type);
  if (!facts.b_row.is_constant() || !facts.k.is_constant() || facts.b_row.factor * bytes < 2048) return false;
  return known(facts.m) >= 96 && facts.k.factor * facts.b_row.factor * bytes > machine.l2_bytes / 2;
}

void choose_packing(const ContractionFacts& facts, const Machine& machine, ContractionPlan& plan) {
  if (facts.prologue) return;
  plan.pack_a = plan.transposed && !facts.a_row.is(1);
  plan.pack_b = !plan.transposed && (!facts.b_column.is(1) || is_scattered(facts, machine));
  if (!plan.pack_a && !plan.pack_b) return;
  plan.scratch = facts.k;
  plan.scratch.factor *= static_cast<int64_t>(plan.tile_vectors) * machine.lanes(size_of(facts.type));
}

ContractionPlan plan_of(const ContractionFacts& facts, const Machine& machine, bool transposed) {
  ContractionPlan plan = best_tile(Model(facts, machine, transposed));
  plan.transposed = transposed;
  plan.row_block = block_of_rows(facts, plan, machine);
  choose_packing(facts, machine, plan);
  return plan;
}

}  // namespace

double estimated_cycles(const ContractionFacts& facts, const ContractionPlan& plan, const Machine& machine) {
  const double lanes = machine.lanes(size_of(facts.type));
  const Model model(facts, machine, plan.transposed);
  double cycles = model.cycles(plan.tile_rows, plan.tile_vectors);
  // An element is packed in about 10 / lanes cycles, and turned round in as many before the epilogue.
  const double panel = static_cast<double>(model.depth) * static_cast<double>(model.columns);
  const auto blocks = static_cast<double>(plan.row_block == 0 ? 1 : ceil_divide(model.rows, plan.row_block));
  if (plan.pack_a || plan.pack_b) cycles += blocks * panel * 10 / lanes;
  if (plan.transposed) cycles += static_cast<double>(model.rows * model.columns) * 10 / lanes;
  return cycles;
}

ContractionPlan plan_contraction(const ContractionFacts& facts, const Machine& machine) {
  const ContractionPlan direct = plan_of(facts, machine, false);
  if (facts.prologue || !facts.n.is_constant()) return direct;
  const ContractionPlan turned = plan_of(facts, machine, true);
  return estimated_cycles(facts, turned, machine) < 0.9 * estimated_cycles(facts, direct, machine) ? turned
                                                                                                   : direct;
}

std::string to_string(const ContractionPlan& plan) {
  std::string text = fmt::format("tile {}x{}", plan.tile_rows, plan.tile_vectors);
  if (plan.transposed) text += ", transposed";
  if (plan.pack_a) text += ", a packed";
  if (plan.pack_b) text += ", b packed";
  if (plan.row_block != 0) text += fmt::format(", blocks of {} rows", plan.row_block);
  return text;
}

}  // namespace crease
