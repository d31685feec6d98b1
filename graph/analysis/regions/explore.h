// Cuts a part of input space into cells on which a network is affine, exactly.
//
// Walks the network once for every cell: elements are affine functions of the inputs; where a max, min or
// comparison takes both signs of its difference inside the cell, the cell is cut in two and both parts go on
// from there. What is left is one cell for each full-dimensional activation pattern: each way in which the
// max, min, select and comparisons of the network can decide.
#pragma once

#include <map>
#include <string>

#include "graph/analysis/regions/cell.h"
#include "graph/graph.h"

namespace crease {

/// One cell with the affine functions that the wanted nodes are in it.
struct AffineCell {
  Cell cell;
  /// How each comparison decides in it, and which operand of each maximum over several wins. Cells that
  /// differ only in which of the losers of a maximum is greater have one pattern: together they are one
  /// activation region.
  std::string pattern;
  std::map<NodeId, std::vector<AffineFunction>> values;  // of the wanted nodes, by element of one sample
};

struct Exploration {
  std::vector<AffineCell> cells;  // where it is not complete: those found so far
  bool complete = false;
  std::string reason;          // where it is not: "more than 3000 cells", "tanh %3 is not piecewise linear"
  bool out_of_budget = false;  // the cells are some of them, and there are more
  int64_t work = 0;            // as ExploreLimits::work
};

/// "more than 6000000 operations on rational numbers".
std::string too_long(int64_t work_limit);

/// How many different patterns cells have.
int64_t pattern_count(const std::vector<AffineCell>& cells);

/// The inputs of a network as affine functions on a start cell.
struct InputSpace {
  Cell start;
  std::map<NodeId, std::vector<AffineFunction>> inputs;
};
/// Elements of all inputs together, in one sample.
size_t input_elements(const Graph& graph);
/// All inputs of a graph as coordinates, in order: all of space, or a box with one side an element.
/// Errors: Error if the box has another number of sides than the inputs have elements.
InputSpace input_space(const Graph& graph, const std::vector<std::pair<Rational, Rational>>& box = {});
/// The segment between two points, each an element for each coordinate: one dimension, from 0 to 1.
InputSpace segment(const Graph& graph, const Point& from, const Point& to);

/// What a report can afford.
inline constexpr int64_t kSecondOfWork = 6'000'000;

struct ExploreLimits {
  int64_t cells = 3000;
  int64_t points = int64_t{1} << 20;  // loop points of the network
  int64_t work = int64_t{1} << 40;    // operations on rationals, roughly: 0.15 us each
};

/// Cost: cells * loop points * dimension operations on rationals, and linear programs where a cell is neither
/// a segment nor a polygon.
Exploration explore(const Graph& graph, const InputSpace& space, std::span<const NodeId> wanted,
                    const ExploreLimits& limits = {});

}  // namespace crease
