// Images shifted and mirrored at random, anew for each epoch.
#pragma once

#include <cstdint>

#include "graph/tensor.h"

namespace crease {

struct AugmentOptions {
  /// Shape of one sample, row-major; samples may be stored flat.
  int64_t channels = 1, height = 28, width = 28;
  /// Moves by up to so many pixels in each direction; what comes in at the border is 0.
  int64_t shift = 0;
  /// Mirrors half of the images left to right.
  bool flip = false;
};

/// The images of a batch, each moved and mirrored as seed, epoch and its position in the epoch say: the same
/// in every run, whatever the batch size. `first` is the position of the batch's first image in the epoch.
/// Errors: Error if a sample has not channels * height * width values, or shift is not in [0, height and
/// width).
Tensor augment(const Tensor& images, const AugmentOptions& options, uint64_t seed, int64_t epoch,
               int64_t first);

}  // namespace crease
