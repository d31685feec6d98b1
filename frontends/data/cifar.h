// CIFAR-10 in its binary version.
// Source: https://www.cs.toronto.edu/~kriz/cifar.html; Krizhevsky, "Learning multiple layers of features from
// tiny images", 2009.
#pragma once

#include <filesystem>

#include "frontends/data/dataset.h"

namespace crease {

/// CIFAR-10 from the files of a folder, each plain or with .gz: every data_batch_*.bin is trained on (one to
/// five of them), every test_batch*.bin tested on; class names from batches.meta.txt where it is there.
/// x [n, 3072] is pixels / 255: 1024 red, then green, then blue, row by row, so reshape to [n, 3, 32, 32] for
/// convolutions. Errors: Error naming what the folder lacks, and file and byte for a file that is no whole
/// number of records of 3073 bytes or a label above 9.
Split cifar10(const std::filesystem::path& folder);

}  // namespace crease
