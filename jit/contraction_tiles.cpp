#include "jit/contraction_tiles.h"

#include <algorithm>

#include "graph/error.h"

namespace crease {
namespace {

constexpr PartProduct of_one[] = {{0, 0}};
constexpr PartProduct of_two[] = {{0, 1}, {1, 0}, {0, 0}};
constexpr PartProduct of_three[] = {{0, 2}, {1, 1}, {2, 0}, {1, 0}, {0, 1}, {0, 0}};

/// Tiles of the sums beside each other: two, unless one holds all there is.
int64_t tiles_beside(const Extent& extent) {
  return extent.is_constant() && extent.factor <= tile_side ? 1 : 2;
}

/// Tiles to load for all products of one step along k: where a factor stays the same, it stays loaded.
int64_t loads_of(int parts, int64_t tiles_a, int64_t tiles_b) {
  int64_t loads = 0;
  PartProduct before{-1, -1};
  for (const PartProduct& product : part_products(parts)) {
    loads += (product.a != before.a ? tiles_a : 0) + (product.b != before.b ? tiles_b : 0);
    before = product;
  }
  return loads;
}

}  // namespace

std::span<const PartProduct> part_products(int parts) {
  ensure(parts >= 1 && parts <= 3, "[contraction] parts of an operand: got {}, want 1 to 3", parts);
  if (parts == 1) return of_one;
  if (parts == 2) return of_two;
  return of_three;
}

std::optional<ContractionPlan> plan_tiles(const ContractionFacts& facts, const Machine& machine) {
  const int parts = facts.rounded ? 1 : facts.parts;
  if (machine.tiles == Tiles::None || parts == 0 || facts.type != Type::f32 || facts.prologue ||
      !facts.around.empty())
    return {};
  const bool named = !facts.k.is_constant();
  if (!named && facts.k.factor < 1) return {};
  const int64_t rows = tiles_beside(facts.m) * tile_side, columns = tiles_beside(facts.n) * tile_side;
  // Of a dimension without a known size, so much is packed at once.
  constexpr int64_t named_depth = 1024, named_rows = 256;
  const int64_t depth = named ? named_depth : ceil_divide(facts.k.factor, tile_depth) * tile_depth;
  const int64_t line = depth / tile_depth * parts * tile_elements;  // of tiles along k
  ContractionPlan plan;
  plan.tile_parts = parts;
  plan.tile_rows = static_cast<int>(rows);
  plan.tile_vectors = static_cast<int>(columns / machine.lanes(size_of(Type::f32)));
  plan.pack_a = plan.pack_b = true;
  plan.row_block = packed_rows(facts.m, line * size_of(Type::f32) / tile_side, rows, machine);
  if (named) plan.row_block = std::min(plan.row_block, named_rows);
  plan.depth_block = depth;
  const int64_t sums = (named ? plan.row_block : rows) * columns;
  plan.scratch = {(plan.row_block + columns) / tile_side * line + sums, {}};
  return plan;
}

double tiled_cycles(const ContractionFacts& facts, const ContractionPlan& plan, const Machine& machine) {
  constexpr double product = 16, load = 12, latency = 100;  // of a tile; latency: from first load to store
  const int64_t lanes = machine.lanes(size_of(Type::f32));
  const int64_t m = assumed_size(facts.m), n = assumed_size(facts.n), k = assumed_size(facts.k);
  const int64_t high = plan.tile_rows / tile_side, wide = plan.tile_vectors * lanes / tile_side;
  const auto products = static_cast<double>(part_products(plan.tile_parts).size());
  const double step = std::max(products * static_cast<double>(high * wide) * product,
                               static_cast<double>(loads_of(plan.tile_parts, high, wide)) * load);
  const auto vectors = static_cast<double>(plan.tile_rows * plan.tile_vectors);
  const double square = static_cast<double>(ceil_divide(k, tile_depth)) * step + latency +
                        static_cast<double>(high * wide) * 2 * product +
                        vectors * (2.25 + 0.5 * facts.epilogue_cost);
  const int64_t squares = ceil_divide(m, plan.tile_rows) * ceil_divide(n, wide * tile_side);
  const int64_t blocks = ceil_divide(m, plan.row_block);
  const auto packed = static_cast<double>((m + blocks * n) * k);
  return static_cast<double>(squares) * square + packed * 8 * plan.tile_parts / static_cast<double>(lanes);
}

}  // namespace crease
