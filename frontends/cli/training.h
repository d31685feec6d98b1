// What `crease train` and `crease demo` share: options by name, and a training that is drawn, saved and
// interrupted.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "frontends/cli/data_source.h"
#include "frontends/cli/training_folder.h"
#include "frontends/model.h"
#include "frontends/trainer.h"

namespace crease::cli {

/// The options of a training, as on the command line.
struct TrainingSettings {
  std::string data = "digits";
  std::string model = "mlp";
  std::vector<int64_t> channels = {16, 32};  // of a cnn's convolutions
  std::vector<int64_t> hidden = {64};
  std::string activation = "relu";
  int64_t pieces = 2;  // of maxout
  std::string init = "he_normal";
  bool batch_norm = false;
  double dropout = 0;        // of hidden layers
  double input_dropout = 0;  // of what the first linear layer reads
  int64_t epochs = 20;
  int64_t batch = 32;
  std::string optimizer = "adam";
  std::optional<double> learning_rate = {};  // none: that of the optimizer
  std::optional<double> weight_decay = {};   // none: that of the optimizer
  std::string schedule = "constant";
  double warm_up = 0;  // epochs
  GradientClip clip = {};
  double l1_activations = 0;  // factors of penalties
  double l1 = 0, l2 = 0;      // on weights
  double label_smoothing = 0;
  uint64_t seed = 0;
  int threads = 1;
  std::string machine = "native";    // what code may use of the processor
  std::string contractions = "f32";  // precision of matrix products
  std::string tie = "left";
  bool interpret = false;
  std::string memory_limit;  // "64M"; empty: none
  bool profile = false;      // time every kernel
  bool name_code = false;    // for perf and gdb
  std::string trace;         // file for a Chrome trace; empty: none
  bool census = false;
  double validation = 0;                 // share of the training part
  std::optional<int64_t> patience = {};  // epochs without a better validation loss
  int64_t shift = 0;                     // pixels, of images
  bool flip = false;
  bool noether = false;
  bool sparsity = false;                          // count units that are off
  std::optional<double> sparsity_threshold = {};  // off: at most this in size, 0 if not given

  /// By option name, as written on the command line; what a resumed training starts from.
  std::map<std::string, std::string> as_options() const;
};

/// What came of a training.
struct TrainingOutcome {
  Model model;
  TrainResult result;
};

/// Where a training leaves what it made.
struct TrainingPlaces {
  std::optional<std::filesystem::path> folder = {};  // model and checkpoint
  bool goes_on = false;                              // the folder has the checkpoint that is resumed
  std::optional<std::filesystem::path> log = {};     // one line of JSON an epoch
  FolderLock* lock = nullptr;                        // of the folder, taken when training begins
  double checkpoint_seconds = 60;                    // between checkpoints within an epoch
  /// Of the model that is resumed: they stand until an epoch has new ones.
  std::map<std::string, double> metrics = {};
};

/// A network as it is used, and as it is trained where that differs: dropout, batch normalisation, RReLU.
struct Networks {
  Graph network;
  std::optional<Graph> training;
};

/// Trains and draws progress. With a folder, model and checkpoint are saved there after epochs, at most once
/// a second, within epochs, and at the end. When the user interrupts after the first step began, the step is
/// finished and both are saved, without a folder to `crease-interrupted`. A save that fails on the way is
/// told and does not end the training; one that fails at the end: see save_or_rescue.
TrainingOutcome run_training(const TrainingSettings& settings, const LoadedData& data,
                             const Networks& networks, const TrainingPlaces& places,
                             const std::optional<Checkpoint>& resume = {});

/// Trains and tests on k folds of the training part and prints each result, their mean and deviation. Nothing
/// is saved, so a signal ends the process.
void run_folds(const TrainingSettings& settings, const LoadedData& data, int64_t k);

}  // namespace crease::cli
