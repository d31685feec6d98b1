// Sums of weight times interval, rounded outward by the processor. Compiled with -frounding-math.
#pragma once

#include "graph/analysis/bounds/loop_nest.h"

namespace crease {

/// Ends of many sums. The lower ones are kept negated, so that rounding up is outward for both.
struct DirectedSums {
  std::vector<double> negated_low;
  std::vector<double> high;
};

/// Adds weight[a1] * [low, high][a2] to element a0 of the sums, for all points of a nest whose accesses are
/// result, weight and interval. No weights: all are 1. All numbers must be finite.
void add_products(const LoopNest& nest, const double* weights, const double* low, const double* high,
                  DirectedSums& sums);

/// Adds a[a1] * b[a2] to element a0 of the sums, rounded upwards, for numbers that are finite and not
/// negative.
void add_products_up(const LoopNest& nest, const double* a, const double* b, double* sums);

}  // namespace crease
