// Layers that draw random numbers in training: counter-based, so that equal seeds and steps give equal
// numbers on every machine and after a resume. Each has the state "counter", which a training step increases.
#pragma once

#include "frontends/layers.h"

namespace crease {

/// Training: each element is 0 with probability `rate`, else divided by 1 - rate, so that means stay.
/// Evaluation: x. Shapes: any. Errors: Error unless 0 <= rate < 1. Source: Srivastava et al. 2014, in the
/// inverted form.
Layer dropout(double rate, std::source_location where = std::source_location::current());

/// Training: each element is 0 with probability `rate`, others stay as they are: the noise of denoising
/// auto-encoders. Evaluation: x. Shapes: any. Errors: Error unless 0 <= rate < 1. Source: Vincent et al.
/// 2008, section 2.3.
Layer masking_noise(double rate, std::source_location where = std::source_location::current());

struct RandomisedReluOptions {
  double low = 1.0 / 8;
  double high = 1.0 / 3;
};
/// max(x, 0) + a min(x, 0). Training: a uniform in [low, high) for each element; evaluation: the mean of
/// both. Range all reals for positive slopes, kink at 0, no saturation. Errors: Error unless low <= high,
/// both finite. Source: Xu, Wang, Chen, Li 2015 (RReLU), equation 1.
Layer randomised_relu(const RandomisedReluOptions& options = {},
                      std::source_location where = std::source_location::current());

struct ParametricReluOptions {
  double initial = 0.25;
  int axis = 1;  // of the channels
};
/// max(x, 0) + a min(x, 0), a learned for each channel (parameter "slope"). Kink at 0 in x, none in a.
/// Source: He, Zhang, Ren, Sun 2015 (PReLU), equation 1.
Layer parametric_relu(int64_t channels, const ParametricReluOptions& options = {},
                      std::source_location where = std::source_location::current());

}  // namespace crease
