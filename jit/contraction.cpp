#include "jit/contraction.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "graph/error.h"
#include "jit/contraction_packing.h"
#include "jit/contraction_tiles.h"

namespace crease {
namespace {

/// The product as the register tiles see it: `rows` are spread over registers, `columns` over vector lanes.
struct Model {
  const Machine& machine;
  int64_t rows, columns, depth;
  int lanes;
  int epilogue_cost;
  int chains;  // of multiply-adds for each sum
  bool squares;
  bool far;                  // the operand of the columns is beyond the second cache
  int most_rows = 64;        // of a tile
  bool pairs = false;        // of bfloat16
  double panel_latency = 0;  // cycles lost for each k of each panel of B
  bool result_is_far;        // beyond the second cache, and few products to hide that each row waits

  Model(const ContractionFacts& facts, const Machine& on, bool transposed, bool in_squares = false)
      : machine(on),
        rows(std::max<int64_t>(1, assumed_size(transposed ? facts.n : facts.m))),
        columns(std::max<int64_t>(1, assumed_size(transposed ? facts.m : facts.n))),
        depth(assumed_size(depth_of(facts))),
        lanes(on.lanes(size_of(facts.type))),
        epilogue_cost(facts.epilogue_cost),
        chains(chain_count(facts)),
        squares(in_squares),
        far(columns * depth * size_of(facts.type) > on.l2_bytes),
        result_is_far(depth <= 64 && rows * columns * size_of(facts.type) > on.l2_bytes) {
    const bool packed = transposed ? !facts.a_row.is(1) : !facts.b_column.is(1);
    // A row-major B beyond the second cache comes in pieces as wide as the tile, each from a page of its own.
    const int64_t bytes = size_of(facts.type);
    if (far && !packed && !facts.prologue) {
      const auto beyond = static_cast<double>(columns * depth * bytes - on.l2_bytes);
      const bool in_part = has_two_wide_units(on) && beyond < static_cast<double>(on.l2_bytes);
      const double once = in_part ? 12 * beyond / static_cast<double>(on.l2_bytes) : 12;
      panel_latency =
          rows * depth * bytes > on.l2_bytes * 3 / 8 ? 2 * once : once;  // again by blocks of rows
    }
    most_rows = static_cast<int>(most_tile_rows(transposed ? facts.b_column : facts.a_row, facts.type));
  }

  bool in_first_cache(int64_t vectors) const {
    return depth * vectors * machine.vector_bits / 8 <= machine.l1_bytes / 2;
  }

  /// Cycles of one register tile, with its epilogue.
  double tile(int64_t tile_rows, int64_t vectors) const {
    const double latency = 4.0 / chains;  // of a multiply-add, Intel and AMD
    const auto products = static_cast<double>(tile_rows * vectors);
    double arithmetic = products / machine.fma_per_cycle;
    // Two load ports; where two half units make one vector unit, a full vector takes both.
    const double vector_load = machine.vector_bits == 512 && machine.fma_per_cycle == 1 ? 1.0 : 0.5;
    const double loads = static_cast<double>(vectors) * vector_load + 0.5 * static_cast<double>(tile_rows);
    const double dispatch = (products + static_cast<double>(vectors + tile_rows) + 3) / 6;
    // Products of pairs hide loads less well. Measured on Zen 4: 16 x 1 takes 23 cycles, 8 x 2 19, 8 x 3 26.
    if (pairs) arithmetic += 0.35 * static_cast<double>(vectors + tile_rows);
    // A panel that the first cache cannot hold comes from the second one, not quite hidden.
    const double refill = in_first_cache(vectors) ? 0 : 0.15 * static_cast<double>(vectors);
    // The shuffles of a square, log2(lanes) for each k, hide behind the multiply-adds for the most part; of
    // two units one is theirs as well. Measured on Emerald Rapids: 6.6 cycles for 4 rows, 10.7 for 12.
    if (squares)
      arithmetic = has_two_wide_units(machine) ? std::max(arithmetic + 2, latency) + 2.7
                                               : std::max(arithmetic, latency) + 1.5;
    const double result_lines = result_is_far ? 6.0 * static_cast<double>(tile_rows) : 0;
    // Chains are added up; those that registers have no room for wait in memory.
    const double waiting = std::max(0.0, chains * products - machine.vector_registers);
    const double chained = (chains - 1) * products / machine.fma_per_cycle + waiting;
    const double epilogue = 12 + (1.25 + 0.5 * epilogue_cost) * products + chained + result_lines;
    return static_cast<double>(depth) * (std::max({arithmetic, loads, latency, dispatch}) + refill) +
           epilogue;
  }

  double column_of_tiles(int64_t tile_rows, int64_t vectors) const {
    const int64_t tiles = rows / tile_rows, rest = rows % tile_rows;
    // Tiles that ask for a panel's lines wait for each of them a little. Fitted to A B of 10, 32 and 128 x
    // 1000 x 1000 by tiles of two to six vectors.
    const double waits = has_two_wide_units(machine) ? 0.25 + 0.2 * static_cast<double>(vectors) : 1;
    const double full = static_cast<double>(tiles) * tile(tile_rows, vectors) +
                        panel_latency * waits * static_cast<double>(depth);
    return rest == 0 ? full : full + tile(rest, vectors);
  }

  double cycles(int64_t tile_rows, int64_t vectors) const {
    const int64_t all = ceil_divide(columns, lanes), whole = all / vectors;
    double result = static_cast<double>(whole) * column_of_tiles(tile_rows, vectors);
    if (all % vectors != 0) result += column_of_tiles(tile_rows, all % vectors);
    // Each further variant of the tile costs code cache, and some milliseconds to compile: that many cycles
    // are what a small product may lose for a program that runs some thousand times.
    const int variants = (rows % tile_rows != 0 ? 2 : 1) * (all % vectors != 0 ? 2 : 1);
    return result * (1 + 0.01 * (variants - 1)) + 600.0 * (variants - 1);
  }
};

bool fits_registers(const Model& model, int rows, int vectors) {
  const int registers = model.machine.vector_registers;
  // Sums and a square of B, of which two lines are exchanged.
  if (model.squares) return vectors == 1 && rows + model.lanes + 2 <= registers;
  // Sums, the vectors of B, and a broadcast of A; with 32 registers one more stays free for the epilogue.
  const int needed = rows * vectors + vectors + (vectors > 1 || registers < 32 ? 1 : 0);
  return needed <= registers - (registers == 32 ? 1 : 0);
}

/// The cheapest register tile.
ContractionPlan best_tile(const Model& model) {
  const int64_t all = ceil_divide(model.columns, model.lanes);
  const bool wide = model.result_is_far || (model.panel_latency > 0 && model.rows <= 160);
  const int widest = model.rows == 1 ? 12 : (wide ? 6 : 4);
  const int most_vectors = static_cast<int>(std::min<int64_t>(widest, all));
  ContractionPlan best;
  double least = model.cycles(1, 1);
  for (int vectors = 1; vectors <= most_vectors; ++vectors) {
    const int most_rows = static_cast<int>(std::min<int64_t>(model.rows, model.most_rows));
    for (int rows = 1; rows <= most_rows && fits_registers(model, rows, vectors); ++rows) {
      const double cycles = model.cycles(rows, vectors);
      if (cycles >= least) continue;
      least = cycles;
      best.tile_rows = rows;
      best.tile_vectors = vectors;
    }
  }
  return best;
}

/// Rows ahead of a panel in place: enough to cover the way from the third cache, about 400 cycles. Two wide
/// units ask sooner, and for panels of the second cache as well: A B of 10, 32 and 128 x 1000 x 1000 reaches
/// 59, 79 and 91 % with 8 rows ahead, 58, 76 and 89 with 32 to 64.
int rows_ahead(const Model& model, const ContractionPlan& plan) {
  if (plan.pack_a || plan.pack_b || (plan.squares && model.chains > 1)) return 0;
  const int cycles =
      std::max(1, static_cast<int>(plan.tile_rows * plan.tile_vectors / model.machine.fma_per_cycle));
  const bool in_pieces = plan.squares ? model.far : model.panel_latency > 0;
  if (plan.squares || !has_two_wide_units(model.machine))
    return in_pieces ? std::clamp(900 / cycles, 8, 64) : 0;
  if (plan.tile_rows < 4 || model.in_first_cache(plan.tile_vectors)) return 0;
  return std::min(120 / cycles, 16);
}

/// Of scalars, each k of which is a line of its own, of a matrix that the first cache does not hold. Sums of
/// 32 products lose: a quarter of the lines that they ask for are not their own.
int scalars_ahead(const ContractionFacts& facts, const Machine& machine, const ContractionPlan& plan) {
  const Extent &next = plan.transposed ? facts.b_column : facts.a_row,
               &along = plan.transposed ? facts.b_row : facts.a_column;
  const Extent& rows = plan.transposed ? facts.n : facts.m;
  if (!has_two_wide_units(machine) || plan.squares || plan.pack_scalars || !next.is(1) || along.is(1))
    return 0;
  const Extent depth = depth_of(facts);
  const bool far = bytes_of(rows, depth, facts.type) > machine.l1_bytes;
  return far && assumed_size(depth) >= 96 ? 8 : 0;
}

/// Whether the operand that is read by vectors lies the other way round, along a known k.
bool can_turn(const ContractionFacts& facts, bool transposed) {
  const Extent &across = transposed ? facts.a_row : facts.b_column,
               &along = transposed ? facts.a_column : facts.b_row;
  return !facts.prologue && facts.around.empty() && facts.k.is_constant() && !across.is(1) && along.is(1);
}

ContractionPlan plan_of(const ContractionFacts& facts, const Machine& machine, bool transposed,
                        bool squares) {
  const Model model(facts, machine, transposed, squares);
  ContractionPlan plan = best_tile(model);
  plan.transposed = transposed;
  plan.squares = squares;
  choose_packing(facts, machine, plan);
  plan.row_block = block_of_rows(facts, plan, machine);
  choose_scalars(facts, machine, plan);
  plan.ahead = rows_ahead(model, plan);
  plan.scalars_ahead = scalars_ahead(facts, machine, plan);
  plan.ask_for_result = model.depth >= 32 && bytes_of(facts.m, facts.n, facts.type) >= 2 * machine.l1_bytes;
  return plan;
}

/// Whether few rows are multiplied with a matrix that lies row by row in memory and in no second cache.
/// Measured on Zen 4: of 1000 x 1000 (third cache) 1 to 3 rows gain 1.2 to 1.5 times and 4 lose; of 2000 x
/// 2000 (memory) 1 to 6 rows gain 2.2 times, 10 1.7, 16 1.4, and 24 nothing. Of a matrix of one vector, which
/// a tile reads from first to last as well, 1 row loses 1.8 times and 3 rows 2.6, up to 8 vectors 1.1 and
/// more; of 4 rows of B, fewer than are read at once, 1 row loses 2.9 times.
bool can_stream(const ContractionFacts& facts, const Machine& machine) {
  if (facts.prologue || !facts.around.empty() || !facts.m.is_constant() || !facts.n.is_constant() ||
      !facts.b_column.is(1))
    return false;
  if (bytes_of(facts.m, facts.n, facts.type) > machine.l2_bytes / 2) return false;  // the sums
  const int64_t lanes = machine.lanes(size_of(facts.type));
  if (facts.n.factor <= 8 * lanes || assumed_size(facts.k) < 32) return false;
  const int64_t bytes = bytes_of(facts.k, facts.n, facts.type);
  const int64_t most_rows = bytes > 8 * machine.l2_bytes ? 16 : 3;
  return facts.m.factor >= 1 && facts.m.factor <= most_rows && bytes > machine.l2_bytes;
}

/// Eight rows of B at once where registers hold the factors of all of them, else sixteen, whose factors come
/// from the first cache.
ContractionPlan plan_streamed(const ContractionFacts& facts, const Machine& machine) {
  const int64_t rows = facts.m.factor, lanes = machine.lanes(size_of(facts.type));
  ContractionPlan plan;
  plan.stream_rows = holds_factors(rows, 8, machine) ? 8 : 16;
  plan.scratch = {rows * ceil_divide(facts.n.factor, lanes) * lanes, {}};
  return plan;
}

ContractionPlan plan_of(const ContractionFacts& facts, const Machine& machine, bool transposed) {
  const ContractionPlan packed = plan_of(facts, machine, transposed, false);
  if (!can_turn(facts, transposed)) return packed;
  const ContractionPlan squares = plan_of(facts, machine, transposed, true);
  return estimated_cycles(facts, squares, machine) < estimated_cycles(facts, packed, machine) ? squares
                                                                                              : packed;
}

/// Both operands rounded and packed: A by blocks of rows, B by panels. In pairs where that is faster than
/// multiply-adds of rounded numbers in 32 bits.
ContractionPlan plan_rounded(const ContractionFacts& facts, const Machine& machine) {
  ensure(facts.type == Type::f32 && !facts.prologue, "[contraction] only f32 operands in place are rounded");
  const bool pairs = multiplies_bf16(machine) && machine.fast_pairs;
  ContractionFacts packed = facts;
  if (pairs && facts.k.is_constant()) packed.k.factor = ceil_divide(facts.k.factor, 2);
  // Rows of A an odd number of cache lines apart use all of the first cache's sets; of unknown length they
  // touch, which a stride of 0 says.
  const int64_t stride = packed.k.is_constant() ? ceil_divide(packed.k.factor, 16) * 16 : 0;
  const int64_t odd_stride = packed.k.is_constant() && stride % 32 == 0 ? stride + 16 : stride;
  packed.a_row = {facts.a_row.is(1) ? 1 : odd_stride, {}};
  packed.b_column = {1, {}};
  Model model(packed, machine, false);
  model.pairs = pairs;
  ContractionPlan plan = best_tile(model);
  plan.pack_a = plan.pack_b = true;
  plan.pairs = pairs;
  plan.a_stride = facts.a_row.is(1) ? 0 : odd_stride;
  plan.scalars_ahead = scalars_ahead(facts, machine, plan);
  // B is packed again for each block, which takes 20 / rows of the products' time. Measured on Zen 4: 512 x
  // 512 x 512 takes 5 % less in two blocks than in one, 2048 x 2048 x 2048 27 % less in two than in 22.
  const int64_t row_bytes = std::max<int64_t>(4, model.depth * 4);
  plan.row_block = packed_rows(facts.m, row_bytes, plan.tile_rows, machine);
  plan.scratch = packed.k;
  if (packed.k.is_constant()) plan.scratch.factor = std::max<int64_t>(1, odd_stride);
  plan.scratch.factor *= plan.row_block + 2L * plan.tile_vectors * machine.lanes(4);
  return plan;
}

double rounded_cycles(const ContractionFacts& facts, const ContractionPlan& plan, const Machine& machine) {
  ContractionFacts packed = facts;
  if (plan.pairs && facts.k.is_constant()) packed.k.factor = ceil_divide(facts.k.factor, 2);
  packed.b_column = {1, {}};
  Model model(packed, machine, false);
  model.pairs = plan.pairs;
  const auto blocks = static_cast<double>(ceil_divide(model.rows, plan.row_block));
  const double packs = static_cast<double>(model.rows) + blocks * static_cast<double>(model.columns);
  return model.cycles(plan.tile_rows, plan.tile_vectors) +
         packs * static_cast<double>(assumed_size(facts.k)) * 8 / machine.lanes(4);
}

/// In vector registers.
ContractionPlan plan_vectors(const ContractionFacts& facts, const Machine& machine) {
  if (facts.rounded) return plan_rounded(facts, machine);
  if (can_stream(facts, machine)) return plan_streamed(facts, machine);
  const ContractionPlan direct = plan_of(facts, machine, false);
  if (facts.prologue || !facts.n.is_constant()) return direct;
  const ContractionPlan turned = plan_of(facts, machine, true);
  // What turning the result round costs depends on its epilogue, that of a square does not.
  const double gain = direct.squares ? 1 : 0.9;
  return estimated_cycles(facts, turned, machine) < gain * estimated_cycles(facts, direct, machine) ? turned
                                                                                                    : direct;
}

}  // namespace

Extent depth_of(const ContractionFacts& facts) {
  Extent depth = facts.k;
  for (const SumLoop& loop : facts.around) depth = depth * loop.turns;
  return depth;
}

int64_t assumed_size(const Extent& extent) { return extent.is_constant() ? extent.factor : 64; }

bool holds_factors(int64_t rows, int64_t stream_rows, const Machine& machine) {
  return rows * stream_rows + rows + 2 <= machine.vector_registers;  // sums, and a vector of B
}

bool multiplies_bf16(const Machine& machine) {
  return machine.has("avx512bf16") && (machine.vector_bits == 512 || machine.has("avx512vl"));
}

double estimated_cycles(const ContractionFacts& facts, const ContractionPlan& plan, const Machine& machine) {
  if (plan.tile_parts > 0) return tiled_cycles(facts, plan, machine);
  if (facts.rounded) return rounded_cycles(facts, plan, machine);
  const double lanes = machine.lanes(size_of(facts.type));
  const Model model(facts, machine, plan.transposed, plan.squares);
  if (plan.stream_rows > 0) {
    constexpr double from_far = 8;  // cycles of a cache line
    const auto vectors = static_cast<double>(model.depth * ceil_divide(model.columns, model.lanes));
    return vectors * std::max(from_far, static_cast<double>(model.rows + 2));
  }
  double cycles = model.cycles(plan.tile_rows, plan.tile_vectors);
  // An element is packed in about 10 / lanes cycles, and turned round in half as many before the epilogue.
  const double panel = static_cast<double>(model.depth) * static_cast<double>(model.columns);
  const auto blocks = static_cast<double>(plan.row_block == 0 ? 1 : ceil_divide(model.rows, plan.row_block));
  if (plan.pack_a || plan.pack_b) cycles += blocks * panel * 10 / lanes;
  // Only whole squares are turned round.
  const auto whole = [&](int64_t count) { return std::ceil(static_cast<double>(count) / lanes) * lanes; };
  if (plan.transposed) cycles += whole(model.rows) * whole(model.columns) * 5 / lanes;
  return cycles;
}

int chain_count(const ContractionFacts& facts) {
  if (facts.rounded || !facts.around.empty() || !facts.k.is_constant() || !facts.n.is_constant()) return 1;
  return facts.k.factor >= 12 && facts.k.factor <= 16 && facts.n.factor <= 16 ? 4 : 1;
}

ContractionPlan plan_contraction(const ContractionFacts& facts, const Machine& machine) {
  const std::optional<ContractionPlan> tiles = plan_tiles(facts, machine);
  if (tiles && machine.tiles == Tiles::Emulated) return *tiles;
  const ContractionPlan vectors = plan_vectors(facts, machine);
  const auto cycles = [&](const ContractionPlan& plan) { return estimated_cycles(facts, plan, machine); };
  return tiles && cycles(*tiles) < cycles(vectors) ? *tiles : vectors;
}

std::string to_string(const ContractionPlan& plan) {
  if (plan.stream_rows > 0) return fmt::format("streamed by {} rows", plan.stream_rows);
  std::string text = fmt::format("tile {}x{}", plan.tile_rows, plan.tile_vectors);
  if (plan.pairs) text += ", bf16 pairs";
  if (plan.tile_parts > 0)
    text += fmt::format(", in tile registers, {} products of bf16", part_products(plan.tile_parts).size());
  if (plan.transposed) text += ", transposed";
  if (plan.pack_a) text += ", a packed";
  if (plan.pack_b) text += ", b packed";
  if (plan.pack_scalars) text += ", scalars packed";
  if (plan.squares) text += ", in squares";
  if (plan.row_block != 0) text += fmt::format(", blocks of {} rows", plan.row_block);
  if (plan.ask_for_result) text += ", result asked for";
  if (plan.ahead != 0) text += fmt::format(", {} rows ahead", plan.ahead);
  if (plan.scalars_ahead != 0) text += fmt::format(", scalars {} ahead", plan.scalars_ahead);
  return text;
}

}  // namespace crease
