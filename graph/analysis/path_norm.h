// The path norm, and a bound of the Lipschitz constant: two sums over the paths from inputs to outputs, each
// found by one sweep.
//
// Path norm: the sum over all paths from inputs and biases to outputs of the product of the weights along the
// path, each to the power q. Defined for networks of affine operations, max, and activations that are
// positively homogeneous (relu, leaky relu, |x|): one sweep with |theta|^q for theta, ones for the inputs,
// sums for max. No rescaling of units changes it. Level: values; exact in rationals for small networks, else
// computed in double and rounded upwards at every step.
// Lipschitz bound: the same with biases as 0, max for max and the steepest slope of an activation; the
// greatest element of an output. |y(a) - y(b)| <= bound * |a - b| in the maximum norm. Level: values.
// Sources: Neyshabur, Tomioka, Srebro 2015; Gonon et al. 2023 (arXiv 2310.01225) for DAGs with max.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "graph/analysis/finding.h"
#include "graph/graph.h"
#include "graph/rational.h"

namespace crease {

struct PathOptions {
  int64_t exact_points = int64_t{1} << 16;  // loop points of a sample up to which numbers are rational
  int64_t point_limit = int64_t{1} << 25;   // beyond: nothing
};

/// Sums over paths, of one sample, all elements of all outputs together.
struct PathNorm {
  double l1 = 0;          // q = 1, not below the exact number
  double l2_squared = 0;  // q = 2
  std::optional<Rational> exact_l1, exact_l2_squared;
  std::string reason;  // where there is no norm: "tanh %3 is not positively homogeneous"; else empty
};
/// Cost: two sweeps over the loop points, each about 50 ns (exactly: 1 us).
PathNorm path_norm(const Graph& graph, const PathOptions& options = {});

struct LipschitzBound {
  double bound = 0;  // not below the exact number
  std::optional<Rational> exact;
  std::string reason;  // where there is none
};
LipschitzBound lipschitz_bound(const Graph& graph, const PathOptions& options = {});

/// One finding each, ids "path_norm" and "lipschitz"; unknown with the reason where there is none.
std::vector<Finding> path_norm_findings(const Graph& graph);
std::vector<Finding> lipschitz_findings(const Graph& graph);

}  // namespace crease
