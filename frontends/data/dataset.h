// Samples in memory: what the readers give and the trainer takes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "frontends/data/batches.h"
#include "graph/tensor.h"

namespace crease {

/// Samples and what is to be predicted of each.
struct Dataset {
  Tensor x = {};  ///< f32 [n, ...], the readers give [n, features]; or i32 [n, length], tokens
  Tensor y = {};  ///< i32 [n] or [n, length], labels in [0, classes); or f32 [n] or [n, k], numbers to be
                  ///< predicted; or without dimensions: not known, which a reader may be asked for
  int64_t classes = 0;  ///< 0: regression
  std::string name = {};
  std::vector<std::string> feature_names = {};  ///< one for each feature, or none
  std::vector<std::string> class_names = {};    ///< one for each class, or none
  std::string label_name = {};                  ///< of what is to be predicted, or empty

  /// Number of samples, n.
  int64_t size() const;
  /// Values in one sample.
  int64_t features() const;
  /// Numbers to predict of one sample: k of y [n, k], else 1.
  int64_t targets() const;
  /// One epoch in batches of `size` samples.
  /// Errors: Error if the batch does not fit (see Batches) or a label is out of range (names the row).
  Batches batches(int64_t size, const BatchOptions& options = {}) const;
};

/// What a network is trained on and what it is judged by.
struct Split {
  Dataset train, test;
  /// What decides when to stop and which parameters are best; without samples: nothing does.
  Dataset validation = {};
  /// Batches of the training part.
  Batches batches(int64_t size, const BatchOptions& options = {}) const {
    return train.batches(size, options);
  }
};

/// Checks everything that Dataset promises; worth a call on data that did not come from a reader.
/// Errors: Error naming row (from 0) and column for a number that is not finite or a label out of range;
/// Error for types, shapes and names that do not fit each other.
void validate(const Dataset& data);
/// The same for the samples alone, whatever is to be predicted of them.
void validate_samples(const Dataset& data);

/// The given rows, in the given order. Errors: Error if a row does not exist.
Dataset select(const Dataset& data, std::span<const int64_t> rows);

/// A random part of `test_share` for testing, the rest for training; both keep the order of rows. Of each
/// class the same share is drawn (rounded to whole samples). Errors: Error unless 0 < test_share < 1 and both
/// parts get a sample; those of validate for labels.
Split split(const Dataset& data, double test_share = 0.2, uint64_t seed = 0);

/// The same with a random share of the training part, drawn as by split, kept for validation.
/// Errors: as split.
Split with_validation(const Split& data, double share, uint64_t seed = 0);

/// k splits of the data: the rows are dealt into k parts, class by class, and each part is tested on once.
/// Errors: Error unless 2 <= k <= number of samples; those of validate for labels.
std::vector<Split> folds(const Dataset& data, int64_t k, uint64_t seed = 0);

}  // namespace crease
