// The linear pieces of a network with two inputs as a picture: each activation region a polygon with exact
// corners, each affine map a colour, so that an edge between two colours is a fold.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "graph/analysis/regions/explore.h"
#include "graph/graph.h"

namespace crease {

struct FoldCell {
  std::vector<std::array<double, 2>> corners;  // in order around it
  size_t map = 0;                              // cells with equal maps have equal numbers
};

struct FoldPicture {
  double half = 2;                // both inputs from -half to half
  std::vector<FoldCell> cells;    // they tile the square
  std::vector<std::string> maps;  // "y[0] = 0.5 x[0] - 2 x[1] + 1", numbers rounded
  int64_t activation_regions = 0, linear_regions = 0;
};

/// None unless the inputs have two elements together and the network is piecewise linear with at most
/// `cell_limit` pieces in the square, found with at most `work_limit` (ExploreLimits::work). Cost: that of
/// regions, about 1 ms a cell.
std::optional<FoldPicture> fold_picture(const Graph& graph, double half = 2, int64_t cell_limit = 600,
                                        int64_t work_limit = 5 * kSecondOfWork);

/// The same, and why there is none where one could be looked for: of inputs with two elements together.
struct ExplainedFolds {
  std::optional<FoldPicture> picture;
  std::string reason = {};
};
ExplainedFolds fold_picture_explained(const Graph& graph, double half = 2, int64_t cell_limit = 600,
                                      int64_t work_limit = 5 * kSecondOfWork);

/// SVG of `size` by `size` pixels, that names each map where the pointer rests; the second input grows
/// upwards.
std::string to_svg(const FoldPicture& picture, int size = 480);
/// {"half": 2, "cells": [{"corners": [[0, 0.5], ...], "map": 3}], "maps": ["..."], "activation_regions": 13,
/// "linear_regions": 13}.
std::string to_json(const FoldPicture& picture);

}  // namespace crease
