// Untrained networks by the options of the command line.
#pragma once

#include <optional>
#include <string>

#include "frontends/cli/training.h"
#include "frontends/data/dataset.h"
#include "frontends/data/standardise.h"

namespace crease::cli {

/// For data of this shape, with numbers to predict in the units of `targets`, where given. mlp: linear layers
/// of the hidden sizes, each followed by its activation. cnn: for each number of channels a convolution with
/// 5x5 taps, its activation and 2x2 max pooling, then an mlp. Errors: Error for an unknown name, a size that
/// is not positive, or a cnn of data that are no images.
Networks make_networks(const TrainingSettings& settings, const Dataset& data,
                       const std::optional<Standardisation>& targets);

/// The operation whose results are the hidden activations: "relu", "prelu", "maxout".
std::string activation_operation(const TrainingSettings& settings);

}  // namespace crease::cli
