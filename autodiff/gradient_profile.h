// How gradients change on their way from the outputs to the inputs: their size at each layer, and the gain
// that the sizes of the weights alone predict.
//
// Measured: the root mean square of d loss / d z over samples, z being what an activation reads; the loss is
// a sum of all outputs with random signs, so that the mean over them is the size of the Jacobian. Level:
// observed, never proved. Predicted: for independent weights of mean 0 and the second moment that they have,
// rms(z_l) = g rms(z_l+1) with g^2 = n_out mean(w^2) E[h'(z)^2], z normal with the variance that the layers
// before give. He's initialisation of relu layers of equal width has g = 1, Glorot's g^2 = 1/2.
// Sources: Glorot, Bengio 2010; He et al. 2015; Poole et al. 2016 for the variance of z.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "graph/analysis/finding.h"
#include "graph/evaluate.h"

namespace crease {

struct LayerGradient {
  std::string name;  // of the activation, or output
  NodeId z = -1;     // what it reads; of an output, what constant factors and terms are applied to
  double rms = 0;    // of d loss / d z, per element
  /// Of the step from the next layer to this one, where they form a chain; none for the last one.
  std::optional<double> predicted_gain;
};

struct GradientProfile {
  std::vector<LayerGradient> layers;  // activations in order, outputs last
  int64_t samples = 0;                // 0: not measured
  std::string reason;                 // why not

  /// rms at the first layer over rms at the last.
  double ratio() const;
  /// The geometric mean of the gains, towards the inputs.
  double gain() const;
  /// Of the predicted gains of all layers; none if one is missing.
  std::optional<double> predicted_gain() const;
};

struct ProfileOptions {
  uint64_t seed = 1;                       // of the signs
  int64_t point_limit = int64_t{1} << 26;  // loop points of all samples together; beyond, nothing is measured
};

/// Cost: one gradient in the interpreter for each element of `samples`, about 40 ns a loop point; the
/// prediction reads each weight once. Errors: those of evaluate.
GradientProfile gradient_profile(const Graph& graph, const std::vector<Bindings>& samples,
                                 const ProfileOptions& options = {});

/// Loop points of one gradient of one sample, about.
int64_t gradient_points(const Graph& graph);

/// `count` samples of standard normal inputs; none for graphs with inputs that are not floating, or with
/// several named dimensions.
std::vector<Bindings> normal_samples(const Graph& graph, int64_t count, uint64_t seed);

/// One finding, id "gradient_profile"; none for a graph without activations.
std::vector<Finding> gradient_findings(const GradientProfile& profile);

}  // namespace crease
