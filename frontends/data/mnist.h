// MNIST and the sets that share its files.
#pragma once

#include <filesystem>

#include "frontends/data/dataset.h"

namespace crease {

/// MNIST, or any set in the same four files such as Fashion-MNIST, from `folder`: train-images-idx3-ubyte,
/// train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, each plain or with .gz.
/// x [n, 784] is pixels / 255, 10 classes. Called after the folder.
/// Errors: Error naming what the folder lacks, those of read_idx, and for files that do not fit each other.
Split mnist(const std::filesystem::path& folder);

}  // namespace crease
