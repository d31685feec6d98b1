// Which class is taken for which.
#pragma once

#include <string>
#include <vector>

#include "frontends/data/dataset.h"
#include "frontends/training/runner.h"

namespace crease {

/// Counts of samples by true class (rows) and predicted class (columns).
struct Confusion {
  int64_t classes = 0;
  std::vector<int64_t> counts;  // row-major

  int64_t at(int64_t truth, int64_t predicted) const {
    return counts[static_cast<size_t>(truth * classes + predicted)];
  }
  /// Share of rightly predicted samples; 0 without samples.
  double accuracy() const;
  /// Share of those predicted as a class that are of it; 0 where none are.
  double precision(int64_t of) const;
  /// Share of those of a class that are predicted as it; 0 where there are none.
  double recall(int64_t of) const;
};

/// What a network, with one output [batch, classes], makes of each sample; the greatest output decides, the
/// first one in a tie. Errors: Error for data without classes or of more than 4096, and as make_objective.
Confusion confusion(const Graph& network, const Dataset& data, const RunnerOptions& options = {});

/// A table with recall and precision, one line a class, headed by `names` (or numbers), with blanks for
/// control characters.
std::string to_string(const Confusion& confusion, const std::vector<std::string>& names = {});

}  // namespace crease
