// Boxes by the columns of the table that a model was trained on, in the table's own numbers.
#pragma once

#include <string>
#include <vector>

#include "frontends/model.h"
#include "graph/analysis/bounds/node_bounds.h"
#include "graph/rational.h"

namespace crease {

/// Where one column is, before anything is done to its numbers.
struct ColumnRange {
  std::string column;
  Rational low, high;
};

/// The box of the model's input: the ranges, standardised as its samples are, and `others`, numbers as the
/// network gets them, for every other column.
/// Numerics: ends are f32 numbers, rounded outward: the box holds the real numbers (x - mean) / deviation of
/// the ranges, and what `standardise` makes of them in f32.
/// Errors: Error for a column that the model does not have or that is named twice, low > high, a model
/// without names of columns, and one whose names or standardisation do not fit its input.
InputBox column_box(const Model& model, const std::vector<ColumnRange>& ranges, const Interval& others = {});

}  // namespace crease
