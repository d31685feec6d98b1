// What the rescaling group leaves alone in training. If the loss does not change along a direction E of the
// group (theta_p -> e^(t E_p) theta_p), then
//   Noether:    sum_p E_p theta_p dL/dtheta_p = 0 at every point: a free test of every backward pass;
//   conserved:  Q = 1/2 sum_p E_p theta_p^2 stays constant under gradient flow, and a step of plain gradient
//               descent at rate eta changes it by exactly eta^2/2 sum_p E_p (dL/dtheta_p)^2.
// Level: structure; the numbers are of the present parameters. Sources: Du, Hu, Lee 2018 (arXiv 1806.00900);
// Kunin et al. 2021 (arXiv 2012.04728).
#pragma once

#include <string>
#include <vector>

#include "graph/analysis/finding.h"
#include "graph/analysis/scaling.h"
#include "graph/named_tensors.h"

namespace crease {

/// By coordinate of the group: a sum of signed terms, and the sum of their magnitudes, which says how exact a
/// computed 0 can be.
struct SignedSum {
  double sum = 0;
  double magnitude = 0;
};

/// Q for each coordinate.
std::vector<SignedSum> conserved_quantities(const Graph& graph, const ScalingGroup& group);

/// The Noether sums. `gradients`: by parameter, those of a loss that depends on the parameters through the
/// outputs that the group leaves alone; parameters without an entry count as 0. Errors: Error for a gradient
/// of another size than its parameter.
std::vector<SignedSum> noether_sums(const Graph& graph, const ScalingGroup& group,
                                    const NamedTensors& gradients);

/// What one step of plain gradient descent at rate 1 adds to each Q: times the squared rate for others.
std::vector<SignedSum> conserved_drift(const Graph& graph, const ScalingGroup& group,
                                       const NamedTensors& gradients);

/// The greatest |sum| / magnitude.
double worst(const std::vector<SignedSum>& sums);

}  // namespace crease
