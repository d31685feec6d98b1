// The Noether test of a training: the gradient is orthogonal to every direction in which the network can be
// rescaled. A debug option: it computes each gradient twice.
#pragma once

#include <string>

#include "autodiff/reverse.h"
#include "frontends/training/objective.h"
#include "frontends/training/runner.h"
#include "graph/analysis/conserved.h"
#include "graph/named_tensors.h"

namespace crease {

class NoetherTest {
 public:
  /// Of the objective's mean loss, without penalties: they may depend on the scale of weights. Errors: Error
  /// where no rescaling of the network is found.
  NoetherTest(const Objective& objective, const GradOptions& rules, const RunnerOptions& run);

  /// The greatest Noether sum as a share of its terms, at these parameters and this batch. Rounding
  /// gives about 1e-6 in f32.
  double operator()(const NamedTensors& parameters, const Bindings& batch);

  /// How far the conserved quantities are from where they were at the first call of the test: the greatest
  /// change, as a share of the terms then and now. Gradient flow has 0; a step of gradient descent at rate
  /// eta adds eta^2/2 sum E_p g_p^2, momentum and penalties more.
  double drift(const NamedTensors& parameters);

 private:
  static Graph gradients(const Objective& objective, const GradOptions& rules);
  void take(const NamedTensors& parameters);

  Graph network_;  // with the output that the group leaves alone
  ScalingGroup group_;
  Runner runner_;
  std::vector<SignedSum> start_;  // conserved quantities
};

/// More than this is no rounding.
inline constexpr double noether_tolerance = 1e-3;

}  // namespace crease
