// What training says about itself, as text. Nothing here writes to a stream; whoever has one prints the
// lines.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "autodiff/census.h"
#include "graph/analysis/sparsity.h"

namespace crease {

/// The state of training between two steps. Averages are over the samples of the epoch so far, taken while
/// the parameters changed.
struct TrainProgress {
  int64_t epoch = 1;  // counted from 1
  int64_t epochs = 1;
  int64_t step = 0;  // steps of this epoch that are done
  int64_t steps = 1;
  double loss = 0;
  std::optional<double> accuracy = {};  // share of 1; none for regression
  double samples_per_second = 0;
  double seconds_left = 0;  // of all epochs
};

/// One epoch that is done. Test figures are those of the parameters at its end.
struct EpochMetrics {
  int64_t epoch = 1;
  int64_t epochs = 1;
  double loss = 0;
  std::optional<double> accuracy = {};
  std::optional<double> validation_loss = {};
  std::optional<double> validation_accuracy = {};
  std::optional<double> test_loss = {};
  std::optional<double> test_accuracy = {};
  double seconds = 0;
  double samples_per_second = 0;
  std::optional<double> noether = {};  // the worst sum of the Noether test, as a share of its terms
  /// How far the quantities that gradient flow conserves have come since training began, at most, as a share
  /// of their terms. Where noether is asked for.
  std::optional<double> conserved_drift = {};
  /// Zeros behind the activations in this epoch's steps, while the parameters changed.
  std::optional<Sparsity> sparsity = {};
  /// Of all steps of the epoch, by node; empty without TrainOptions::census.
  std::vector<KinkCounts> kinks = {};
};

/// "epoch 3/20 [=====>    ]  61 %  loss 0.1234  accuracy 96.21 %  51234 samples/s  12 s left".
std::string progress_line(const TrainProgress& progress);
/// "epoch  3/20  loss 0.1234  accuracy 96.21 %  test loss 0.1567  test accuracy 95.28 %  51234 samples/s  0.8
/// s".
std::string epoch_line(const EpochMetrics& metrics);
/// "zeros 48.2 % (51.0, 45.3 by layer), 3 of 128 units off on all samples, 0.27 of all paths fully active".
std::string sparsity_line(const Sparsity& sparsity);
/// "Noether sums up to 3e-07 of their terms; conserved quantities moved by up to 0.012 of theirs".
std::string symmetry_line(const EpochMetrics& metrics);
/// The metrics as one line of JSON: {"epoch": 3, "loss": 0.1234, "accuracy": 0.9621, ...}; what was not
/// measured is left out. The census of kinks: "kinks": [{"node": "relu:0", "operation": "relu", "line":
/// "main.cpp:12", "elements": 76800, "hits": 3, "ties": 0, "jumps": 0, "live": 2}, ...].
std::string json_line(const EpochMetrics& metrics);
/// "8 s", "2 min 5 s", "1 h 3 min".
std::string duration(double seconds);

}  // namespace crease
