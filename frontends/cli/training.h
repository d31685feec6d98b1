// What `crease train` and `crease demo` share: options by name, and a training that is drawn, saved and
// interrupted.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "frontends/cli/data_source.h"
#include "frontends/model.h"
#include "frontends/trainer.h"

namespace crease::cli {

/// The options of a training, as on the command line.
struct TrainingSettings {
  std::string data = "digits";
  std::vector<int64_t> hidden = {64};
  std::string activation = "relu";
  int64_t epochs = 20;
  int64_t batch = 32;
  std::string optimizer = "adam";
  std::optional<double> learning_rate = {};  // none: that of the optimizer
  uint64_t seed = 0;
  int threads = 1;
  std::string tie = "left";
  bool interpret = false;
  double validation = 0;                 // share of the training part
  std::optional<int64_t> patience = {};  // epochs without a better validation loss
  int64_t shift = 0;                     // pixels, of images
  bool flip = false;

  /// By option name, as written on the command line; what a resumed training starts from.
  std::map<std::string, std::string> as_options() const;
};

/// Errors: Error for an unknown optimizer or a learning rate that it refuses.
Optimizer make_optimizer(const std::string& name, std::optional<double> learning_rate);

/// An untrained network for this data: linear layers of the hidden sizes with the activation between them.
Graph make_network(const TrainingSettings& settings, const Dataset& data);

/// What came of a training.
struct TrainingOutcome {
  Model model;
  TrainResult result;
};

/// Where a training leaves what it made.
struct TrainingPlaces {
  std::optional<std::filesystem::path> folder = {};  // model and checkpoint
  std::optional<std::filesystem::path> log = {};     // one line of JSON an epoch
  double checkpoint_seconds = 60;                    // between checkpoints within an epoch
};

/// Trains and draws progress. With a folder, model and checkpoint are saved there after epochs, at most once
/// a second, within epochs, and at the end. When the user interrupts, the step is finished and both are
/// saved, without a folder to `crease-interrupted`.
TrainingOutcome run_training(const TrainingSettings& settings, const LoadedData& data, const Graph& network,
                             const TrainingPlaces& places, const std::optional<Checkpoint>& resume = {});

/// Trains and tests on k folds of the training part and prints each result, their mean and deviation.
void run_folds(const TrainingSettings& settings, const LoadedData& data, int64_t k);

}  // namespace crease::cli
