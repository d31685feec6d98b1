// Training: epochs over shuffled batches, with metrics, callbacks, a stop that loses nothing, and a diagnosis
// where numbers stop being finite. Equal seeds give equal results, also over a stop and a resume.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "frontends/data/dataset.h"
#include "frontends/model.h"
#include "frontends/optimizers.h"
#include "frontends/progress.h"
#include "frontends/schedules.h"
#include "frontends/training/objective.h"
#include "frontends/training/penalty.h"
#include "frontends/training/runner.h"
#include "graph/graph.h"

namespace crease {

struct TrainOptions {
  /// In all: a resumed training makes those that are left.
  int64_t epochs = 10;
  int64_t batch = 64;
  uint64_t seed = 0;
  Optimizer optimizer = sgd();
  /// Factor of the optimizer's learning rate before each step; empty: 1. What it may look back on are the
  /// losses on the validation part, else the test part, else in training.
  Schedule schedule = {};
  GradientClip clip = {};
  /// The network as it is trained, where that differs: built with Mode::Training, of the same parameters and
  /// perhaps with state. The network given first is then the one that is measured. Empty: that one itself,
  /// which drops nothing and leaves its running moments as they are.
  std::optional<Graph> training_network = {};
  /// Empty: softmax_cross_entropy for integer targets, mse for floating ones.
  LossFunction loss = {};
  /// Minimised in its place, where given: label smoothing, class weights. Measured is `loss`.
  LossFunction training_loss = {};
  /// Added to the mean loss in training, and in the training loss that is reported; test and validation are
  /// measured without it. Made on the network as it is trained.
  Penalty penalty = {};
  /// Count the units that are off, as EpochMetrics::sparsity, by nodes of the training step itself.
  std::optional<SparsityOptions> sparsity = {};
  /// Rule at kinks, or rules by operation where it is empty: see TrainStepOptions.
  std::optional<Tie> tie = {};
  std::optional<TieTable> table = {};
  /// Counts kinks in every step: EpochMetrics::kinks.
  bool census = false;
  RunnerOptions run = {};
  /// Ends training when the validation loss has not been below its best by `improvement` for so many epochs.
  std::optional<int64_t> patience = {};
  double improvement = 0;
  /// What is done to each batch of training before it is used, given the epoch and the position of its first
  /// sample (see augment); on a thread of its own, ahead of the steps. Must give equal batches for equal
  /// arguments.
  std::function<Batch(Batch batch, int64_t epoch, int64_t first)> prepare = {};
  /// Debugging: before each step the gradient is computed once more and held against the rescalings that
  /// leave the network's output alone (NoetherTest), its products in f32. Ends training with an Error where
  /// they disagree.
  bool noether = false;
  /// Where to go on from, with the same optimizer; at the learning rate that it and the schedule have now.
  std::optional<Checkpoint> resume = {};

  /// Called once when everything is checked and compiled, before the first step: the time to replace files of
  /// an earlier training.
  std::function<void()> on_start = {};
  /// Called after each epoch; false ends training.
  std::function<bool(const EpochMetrics& metrics, const Checkpoint& checkpoint)> on_epoch = {};
  /// Called between steps, so many seconds apart, with what is needed to go on from there.
  std::function<void(const Checkpoint& checkpoint)> on_checkpoint = {};
  double checkpoint_seconds = 60;
  /// Called now and then between steps, at most ten times a second.
  std::function<void(const TrainProgress& progress)> on_progress = {};
  /// Called once at the end with the training step as it was compiled, for its profile; not in the
  /// interpreter.
  std::function<void(const Program& step)> on_end = {};
  /// Asked after each step; true ends training there.
  std::function<bool()> should_stop = {};
};

struct TrainResult {
  /// Epochs that this call completed; none where the checkpoint to go on from had done all of them.
  std::vector<EpochMetrics> epochs = {};
  Checkpoint checkpoint = {};
  /// Whether should_stop or on_epoch ended it early.
  bool stopped = false;
  /// Whether patience ended it.
  bool ran_out_of_patience = false;
};

/// Trains a network, a graph with one input [batch, ...] and one output, on the training part of the data and
/// measures it after each epoch on the test part and on the validation part, where there are such. The last
/// batch of an epoch may be smaller. Errors: Error for options out of range, sparsity of a network without
/// such units, patience without validation data, a checkpoint of another network or optimizer, data that does
/// not fit the network, a label that is no class, a value in the data that is not finite; a gradient that
/// fails the Noether test, where it is asked for; and, naming the first node and its source line, when the
/// loss or a parameter stops being finite.
TrainResult train(const Graph& network, const Split& data, const TrainOptions& options = {});

/// The network with the parameters of a checkpoint; those that the network lacks are the optimizer's. A
/// parameter that the checkpoint lacks keeps its value.
Graph trained_network(const Graph& network, const Checkpoint& checkpoint);

/// The same with the parameters that did best on validation data, where there are such.
Graph best_network(const Graph& network, const Checkpoint& checkpoint);

/// How well a network does.
struct Evaluation {
  double loss = 0;
  std::optional<double> accuracy = {};  // share of 1; none for floating targets
  int64_t samples = 0;
};

/// Mean loss and accuracy of a network on data. Errors: as train.
Evaluation evaluate_on(const Graph& network, const Dataset& data, const TrainOptions& options = {});

}  // namespace crease
