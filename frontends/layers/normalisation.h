// Normalisation: subtract a mean, divide by a deviation, then a learned scale and shift.
#pragma once

#include "frontends/data/standardise.h"
#include "frontends/layers.h"

namespace crease {

struct BatchNormOptions {
  double epsilon = 1e-5;
  double momentum = 0.1;  // share of the new batch in the running moments
  int axis = 1;           // of the channels
  bool affine = true;     // learned scale and shift
};

/// y = (x - mean) / sqrt(variance + epsilon) scale + shift, one each a channel. Training: mean and (biased)
/// variance of the batch over all other axes; after the step running <- (1 - momentum) running + momentum
/// batch, the variance with n - 1; they stay where a channel has one value or none, of which there is no
/// variance. A last batch of a few samples makes rough steps: prefer a batch size that divides the data, or
/// leaves a rest of some dozens. Evaluation: the running moments. Parameters "weight", "bias"; state
/// "running_mean" (0 at first), "running_variance" (1). Shapes: x [n, c, ...] -> the same. Source: Ioffe and
/// Szegedy 2015. Errors: Error unless x is floating with `channels` along the axis, or a second use in
/// training mode.
Layer batch_norm(int64_t channels, const BatchNormOptions& options = {},
                 std::source_location where = std::source_location::current());

struct NormOptions {
  double epsilon = 1e-5;
  bool affine = true;
};

/// Mean and biased variance over the last axes, whose sizes these are; weight and bias of those sizes.
/// Shapes: x [..., sizes] -> the same. Source: Ba, Kiros, Hinton 2016.
Layer layer_norm(const std::vector<int64_t>& sizes, const NormOptions& options = {},
                 std::source_location where = std::source_location::current());

/// Mean and biased variance of each sample over groups of neighbouring channels; weight and bias one a
/// channel. Shapes: x [n, channels, ...] -> the same. Source: Wu and He 2018.
Layer group_norm(int64_t groups, int64_t channels, const NormOptions& options = {},
                 std::source_location where = std::source_location::current());

/// x deviation + mean, the inverse of standardise: as the last layer it lets a network compute what is small
/// and even, and answer in the units of its targets. Constants, which no optimizer changes.
/// Shapes: x [..., k] of k measured columns -> the same. Errors: Error for another k.
Layer unstandardise(const Standardisation& by, std::source_location where = std::source_location::current());

}  // namespace crease
