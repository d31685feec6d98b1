// The data set that is always there: no file, no network.
#pragma once

#include "frontends/data/dataset.h"

namespace crease {

/// The 1797 handwritten digits of 8x8 pixels of the UCI repository, embedded in the library: x [1797, 64] in
/// [0, 1], 10 classes. For a training and a test part: split(digits()).
/// Source: Alpaydin, Kaynak 1998, as scikit-learn distributes them (frontends/embedded/ORIGIN.md).
Dataset digits();

}  // namespace crease
