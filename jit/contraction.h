// How a matrix product C[m, n] = sum_k A[m, k] B[k, n] is cut into register tiles. Facts in, plan out; no
// LLVM.
#pragma once

#include <vector>

#include "jit/extent.h"
#include "jit/machine.h"

namespace crease {

/// A loop of a sum: its turns, and elements from one to the next in A and in B.
struct SumLoop {
  Extent turns, a, b;
};

/// A product as lowering sees it. Strides are in elements; an extent or stride may have names. n is the
/// direction of unit stride in the result.
struct ContractionFacts {
  Type type = Type::f32;  // f32 or f64
  Extent m, n, k;
  Extent a_row, a_column;  // from A[m, k] to A[m + 1, k], A[m, k + 1]
  Extent b_row, b_column;  // from B[k, n] to B[k + 1, n], B[k, n + 1]
  /// Sums go on over these loops, outermost first, round that over k: time and batch of a matrix whose
  /// elements lie time by time beside one that lies sample by sample. Not of rounded operands.
  std::vector<SumLoop> around = {};
  int epilogue_cost = 0;  // instructions of the epilogue for one vector
  bool rounded = false;   // both operands to bfloat16; f32 only
  int parts = 0;          // bfloat16 numbers that each operand may be the sum of, 0: none; f32 only
  bool prologue = false;  // elements change as they are loaded: nothing is packed or transposed
};

/// Register tile, and what is packed into scratch memory first.
struct ContractionPlan {
  int tile_rows = 1;
  int tile_vectors = 1;
  bool pack_a = false;
  bool pack_b = false;
  /// The scalars of a block of rows are packed tile by tile, behind the panel: neighbours for each k, they
  /// lie so far apart from one k to the next that a block of them has few of the second cache's places.
  bool pack_scalars = false;
  /// Instead of packing: tiles of one vector turn their operand round in registers, where it lies along a
  /// known k.
  bool squares = false;
  /// Vectors run along m inside the product; the tile is turned round before the epilogue.
  bool transposed = false;
  /// Rows of the result taken at once, so that their part of A stays in the second cache while B streams by.
  /// A multiple of tile_rows; 0: all.
  int64_t row_block = 0;
  /// Of rounded operands, which are both packed: two neighbours along k in 32 bits, multiplied at once.
  bool pairs = false;
  /// Of rounded operands: elements from one packed row of A to the next; 0: as many as there are along k.
  int64_t a_stride = 0;
  /// Rows that the vector operand is asked for before they are multiplied: it comes from beyond the first or
  /// the second cache, in pieces as wide as the tile that no processor foresees. 0: none.
  int ahead = 0;
  /// The same of the other operand, whose elements for one k are neighbours: each k is a line of its own.
  int scalars_ahead = 0;
  /// Whether what the epilogue reads and writes is asked for before a tile's products: it is beyond the first
  /// cache, and there are products enough to hide its way.
  bool ask_for_result = false;
  /// Both operands are packed as so many bfloat16 numbers an element for the tile registers of the processor,
  /// by blocks of rows and panels as wide as a tile of the plan: 1, 2 or 3. 0: vectors.
  int tile_parts = 0;
  /// In tile registers: how much of k is packed at once, a multiple of 32. All of a known k; where it is not
  /// known and longer, A is packed again for each panel, and sums wait in scratch memory.
  int64_t depth_block = 0;
  /// Instead of tiles: B, which no cache holds, is read from its first element to its last, so many rows
  /// beside each other, and the sums of all columns wait in scratch memory. 0: tiles.
  int stream_rows = 0;
  /// Scratch memory of one thread, in elements of the type: one packed panel, k times the panel's width, and
  /// a block of packed scalars; of
  /// rounded operands that twice, and a block of rows of A; of a streamed B the sums, in whole vectors. In
  /// tile registers: a panel, a block of rows of A, and the sums of one tile of the plan, or, if k is not
  /// known, of all the block's rows.
  Extent scratch = {0, {}};
  bool operator==(const ContractionPlan&) const = default;
};

/// Rows of a tile whose scalars for one k the first cache holds beside each other: those that lie a multiple
/// of a large power of two apart compete for the same places. 64: any number.
int64_t most_tile_rows(const Extent& row_stride, Type type);
/// Products of one sum.
Extent depth_of(const ContractionFacts& facts);
/// The size that models take for an extent: 64 where named dimensions decide.
int64_t assumed_size(const Extent& extent);
constexpr int64_t ceil_divide(int64_t a, int64_t b) { return (a + b - 1) / b; }
/// Rows of A that are packed at once, a multiple of tile_rows: blocks of equal size that stay in the second
/// cache, or, where that would be fewer than 256 rows, stream from the third one.
int64_t packed_rows(const Extent& rows, int64_t row_bytes, int64_t tile_rows, const Machine& machine);

/// How many chains of multiply-adds an element is the sum of, in vector registers: four where k is known and
/// from 12 to 16 without loops round it, n known and at most 16, and nothing is rounded, else one. A few rows
/// of so small a layer wait for little but their chains; with more columns there is enough to do meanwhile.
/// No plan, width, number of rows or range of a thread changes the bits.
int chain_count(const ContractionFacts& facts);
/// Where in k a chain begins, each of which takes a part in order; the end of k for the one behind the last.
constexpr int64_t chain_begin(int64_t k, int chains, int chain) { return k * chain / chains; }
/// The plan for a product on a machine: the cheapest by a model of a tile's cycles, k * max(multiply-adds /
/// units, loads, latency, dispatch) + epilogue; unknown extents count as 64.
ContractionPlan plan_contraction(const ContractionFacts& facts, const Machine& machine);
/// Whether registers hold a factor for each row of A and each of so many rows of a streamed B.
bool holds_factors(int64_t rows, int64_t stream_rows, const Machine& machine);
/// Whether the machine multiplies vectors of bfloat16 pairs and adds them to f32 sums.
bool multiplies_bf16(const Machine& machine);
/// Cycles of the whole product under a plan, by the same model.
double estimated_cycles(const ContractionFacts& facts, const ContractionPlan& plan, const Machine& machine);
/// "tile 14x2, b packed".
std::string to_string(const ContractionPlan& plan);

}  // namespace crease
