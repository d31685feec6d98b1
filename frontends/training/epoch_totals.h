// Sums over the samples of an epoch so far: what its metrics are made of.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "autodiff/census.h"
#include "graph/analysis/sparsity.h"
#include "graph/named_tensors.h"

namespace crease {

struct EpochTotals {
  double loss = 0;
  double correct = 0;
  int64_t samples = 0;
  Sparsity sparsity = {};  // of the layers with a probe
  std::vector<KinkCounts> kinks = {};
  Tensor earlier_kinks = Tensor(Type::i64, {0, 5});  // restored, until a census says of which nodes

  double mean_loss() const;
  double accuracy() const;
  /// Adds the census of a step.
  void add_kinks(const std::vector<KinkCounts>& step);

  /// All sums, exactly, by name: for a checkpoint within an epoch.
  NamedTensors saved() const;
  /// Goes on from sums that were saved; those of layers that are not counted now are passed over.
  void restore(const NamedTensors& sums);
};

}  // namespace crease
