// Features and targets brought to mean 0 and standard deviation 1, measured on the training part only.
#pragma once

#include "frontends/data/dataset.h"

namespace crease {

/// What was measured, to be saved with a model and applied to all that it is given later.
struct Standardisation {
  Tensor mean;       ///< f32 [features]
  Tensor deviation;  ///< f32 [features], that of the population; 1 where a feature is constant
};

/// Mean and deviation of each feature; sums in f64.
/// Errors: those of validate.
Standardisation measure(const Dataset& train);

/// The same of the numbers that are to be predicted, y f32 [n] or [n, k]: for a network's last layer
/// (unstandardise) and its loss (mse_in_deviations). Errors: those of validate; Error for classes.
Standardisation measure_targets(const Dataset& train);

/// (x - mean) / deviation for each feature of x, f32 [n, ...]; a constant feature becomes 0.
/// Errors: Error if the number of features differs.
Tensor standardise(const Tensor& x, const Standardisation& by);

/// All parts, by what was measured on the training part.
Split standardise(const Split& data);

}  // namespace crease
