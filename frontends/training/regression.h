// How near a network's numbers come to those that they predict.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "frontends/data/dataset.h"
#include "frontends/training/runner.h"

namespace crease {

/// Of one column of the targets.
struct ColumnFit {
  double rmse = 0;  ///< root of the mean square error, in the column's units
  /// R^2 = 1 - (sum of squared errors) / (sum of squared differences of the targets from their mean): 1 is
  /// perfect, 0 is no better than the mean. None where all targets are equal.
  std::optional<double> r_squared = {};
};

/// What a network, with one output [batch] or [batch, k], makes of numbers y [n] or [n, k]; sums in f64.
/// Errors: Error for classes, and as make_objective.
std::vector<ColumnFit> regression_fit(const Graph& network, const Dataset& data,
                                      const RunnerOptions& options = {});

/// "root mean square error 41234.5, R2 0.874", or a line for each of several columns.
std::string to_string(const std::vector<ColumnFit>& columns);

}  // namespace crease
