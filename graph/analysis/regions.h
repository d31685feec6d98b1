// The linear pieces of a piecewise linear network: how many there are, and what follows from having them all:
// convexity, monotonicity, range and Lipschitz constant without a gap.
//
// Three numbers, which differ and must not be mixed: activation regions (full-dimensional cells in which
// every max, min and comparison decides one way), linear regions (maximal unions of them, connected through
// facets, with one affine map), distinct affine maps. Method: cells are cut exactly, in rational arithmetic
// (regions/explore.h). Level: values, or box. Where there are too many inputs or cells: regions along a
// segment, and an upper bound from the widths alone, which always holds.
// Sources: Montufar et al. 2014; Serra, Tjandraatmadja, Ramalingam 2018 (the bound); Stargalla, Hertrich,
// Reichman 2025 (that definitions differ; counting is hard).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "graph/analysis/finding.h"
#include "graph/analysis/regions/explore.h"
#include "graph/piecewise.h"

namespace crease {

using RegionBox = std::vector<std::pair<Rational, Rational>>;

/// One element of one output, over all cells.
struct PieceFacts {
  RationalRange range;                     // of the pieces: where it jumps, creases may lie outside
  std::optional<bool> convex, concave;     // none: it jumps
  std::vector<Monotone> monotone = {};     // by input element: Constant, Nondecreasing, Nonincreasing, None
  std::optional<Rational> lipschitz = {};  // for the greatest change of an input element; none: it jumps
};

struct Regions {
  bool complete = false;
  std::string reason;          // where it is not
  bool out_of_budget = false;  // limits stopped it: there are at least so many activation regions
  int64_t activation_regions = 0, linear_regions = 0, distinct_affine_maps = 0;
  std::vector<PieceFacts> outputs;  // elements of all outputs, in order
  std::vector<AffineCell> cells;    // with the affine functions of the output nodes
};

struct RegionOptions {
  RegionBox box = {};  // empty: all of the space
  int64_t cell_limit = 3000;
  /// As ExploreLimits::work, for finding the cells; as much again for what follows from them.
  int64_t work_limit = int64_t{1} << 40;
  size_t input_limit = 4;  // elements of all inputs together
};

/// Everything about the outputs of a graph. Errors: Error for a box of another dimension.
Regions regions(const Graph& graph, const RegionOptions& options = {});
/// Greatest Lipschitz constant of the outputs in the maximum norm; none where one jumps.
std::optional<Rational> lipschitz(const Regions& regions);

/// The activation regions that a segment between two points of the input passes.
struct SegmentRegions {
  int64_t count = 0;  // exactly, or at least so many
  bool complete = false;
  std::string reason;          // where it is not
  bool out_of_budget = false;  // limits stopped it
  int64_t work = 0;            // operations on rationals
};
/// Limits: a network that is iterated, as x -> 2 x - floor(2 x), has more regions than can be counted.
SegmentRegions segment_regions(const Graph& graph, const Point& from, const Point& to,
                               const ExploreLimits& limits);
/// How many regions a segment between two points of the input passes, exactly; none where the network is not
/// piecewise linear, has more than 2^18 loop points, or where there are more than some seconds can count.
std::optional<int64_t> regions_along(const Graph& graph, const Point& from, const Point& to);

/// An upper bound of the number of activation regions, from widths alone: for all parameter values.
struct RegionBound {
  std::vector<int64_t> widths;  // input elements, then units with a kink, layer by layer
  bool chain = false;           // each layer reads only the one before
  Rational montufar;            // product over layers of sum_{j <= d} C(n, j), d = least width before
  Rational serra;               // sharper, for chains of what is flat on one side; else the same
};
/// None if an activation is not piecewise linear or has more than one kink.
std::optional<RegionBound> region_bound(const Graph& graph);

/// The affine map of the outputs at a point, and how far it holds.
struct LocalMap {
  std::vector<AffineFunction> outputs;  // elements of all outputs, in order
  size_t faces = 0;                     // conditions that hold it in place
  std::optional<size_t> nearest;        // the face that is nearest in the Euclidean norm
  AffineFunction face;                  // it, >= 0 at the point
  Rational squared_distance;            // to it
  bool on_crease = false;               // the point lies on a face
};
/// None where the network is not piecewise linear. Cost: loop points * input elements.
std::optional<LocalMap> local_map(const Graph& graph, const Point& at);

/// One finding, id "regions", of all of the space or of a box. Nothing for networks that are affine or not
/// piecewise linear. `cells`: count up to so many; 0: about as many as a second allows.
std::vector<Finding> region_findings(const Graph& graph, int64_t cells = 0, const RegionBox& box = {});

}  // namespace crease
