// Which samples keep their class, proved, however they are moved a little.
#pragma once

#include "frontends/data/dataset.h"
#include "graph/graph.h"
#include "jit/bounds_program.h"

namespace crease {

/// Counts of samples.
struct Certified {
  int64_t samples = 0;
  int64_t right = 0;            // of the true class where they are
  int64_t proved = 0;           // of the true class everywhere in their boxes
  std::vector<bool> kept = {};  // by sample: whether it is proved
};

/// For each sample the box of all inputs that differ by at most `within` in every number. Proved is that the
/// output of the true class is greater than every other there, for the real-valued function of the
/// parameters: the differences of outputs are bounded by compiled lines and intervals in f64, rounded
/// outward. Errors: Error for data without classes, a network that is not its size, or `within` negative or
/// not finite; those of BoundsProgram. Source: Gowal et al. 2018 (margins by intervals); Zhang et al. 2020
/// (by lines, intervals on the way).
Certified certified_accuracy(const Graph& network, const Dataset& data, double within,
                             LineUse lines = LineUse::Wanted);

}  // namespace crease
