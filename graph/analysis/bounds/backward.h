// The walk of linear bounds: from elements of a stage back to an earlier one, a block of them at a time.
#pragma once

#include <vector>

#include "graph/analysis/bounds/stages.h"

namespace crease {

/// Bounds stages of a network whose earlier stages have been finished.
class Backward {
 public:
  explicit Backward(const StagedNetwork& network);

  /// Multiply-adds for one row through this stage.
  double cost(int stage) const { return costs_[static_cast<size_t>(stage)]; }

  /// Intersects `bounds` with what intervals of the sources of an Affine or Product stage give.
  void forward(int stage, std::vector<Interval>& bounds) const;

  /// Must be called for every stage in order, once its bounds are final.
  void finish(int stage);

  /// Bounds of elements of a stage, all before it being finished, by lines down to stage `last` and intervals
  /// there. `place`, from 0 to 1, chooses among lines: see ScalarCurve::lines.
  std::vector<Interval> bounds(int stage, const std::vector<int32_t>& elements, int last, double place);

 private:
  class Block;
  const std::vector<Lines>& lines(int stage, double place);

  const StagedNetwork& network_;
  std::vector<double> costs_;
  std::vector<double> uses_;                 // most contributions that a coefficient of a stage collects
  std::vector<std::vector<double>> errors_;  // what a unit coefficient on an element may be wrong by
  std::vector<std::vector<std::pair<double, std::vector<Lines>>>> lines_;  // by stage and place
  double greatest_ = 1;  // finite magnitude of any element so far
};

}  // namespace crease
