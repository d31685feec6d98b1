#include "frontends/cli/training.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <cmath>
#include <cstdio>

#include "frontends/cli/terminal.h"
#include "frontends/models.h"
#include "frontends/training/train_log.h"
#include "graph/error.h"

namespace crease::cli {
namespace {

Model make_model(const TrainingSettings& settings, const LoadedData& data, const Graph& network,
                 const Checkpoint& checkpoint, const std::optional<EpochMetrics>& last) {
  Model model{.network = best_network(network, checkpoint)};
  model.info = {.data = settings.data,
                .classes = data.split.train.class_names,
                .standardisation = data.standardisation,
                .training = settings.as_options()};
  if (!last) return model;
  model.info.metrics["train loss"] = last->loss;
  if (last->accuracy) model.info.metrics["train accuracy"] = *last->accuracy;
  if (last->validation_loss) model.info.metrics["validation loss"] = *last->validation_loss;
  if (last->validation_accuracy) model.info.metrics["validation accuracy"] = *last->validation_accuracy;
  if (last->test_loss) model.info.metrics["test loss"] = *last->test_loss;
  if (last->test_accuracy) model.info.metrics["test accuracy"] = *last->test_accuracy;
  return model;
}

void save(const std::filesystem::path& folder, const Model& model, const Checkpoint& checkpoint) {
  save_model(folder, model);
  save_checkpoint(folder, checkpoint);
}

/// Saves after the first epoch, then when the last time is a second ago: flushing to the disk takes longer
/// than a small epoch.
class Saver {
 public:
  explicit Saver(std::optional<std::filesystem::path> folder) : folder_(std::move(folder)) {}

  template <class MakeModel>
  void operator()(const Checkpoint& checkpoint, MakeModel make_model_now) {
    const auto now = std::chrono::steady_clock::now();
    if (!folder_ || (saved_ && now - *saved_ < std::chrono::seconds(1))) return;
    save(*folder_, make_model_now(), checkpoint);
    saved_ = std::chrono::steady_clock::now();
  }

 private:
  std::optional<std::filesystem::path> folder_;
  std::optional<std::chrono::steady_clock::time_point> saved_;
};

/// What settings say of a training; places, display and stop are the caller's.
TrainOptions train_options(const TrainingSettings& settings, const Split& data) {
  TrainOptions options;
  options.epochs = settings.epochs;
  options.batch = settings.batch;
  options.seed = settings.seed;
  options.optimizer = make_optimizer(settings.optimizer, settings.learning_rate);
  options.tie = parse_tie(settings.tie);
  options.patience = settings.patience;
  options.run.compile.threads = settings.threads;
  options.run.interpret = settings.interpret;
  if (settings.shift == 0 && !settings.flip) return options;
  AugmentOptions change = image_shape(settings.data, data.train.features());
  change.shift = settings.shift;
  change.flip = settings.flip;
  options.prepare = [change, seed = settings.seed](Batch batch, int64_t epoch, int64_t first) {
    batch.x = augment(batch.x, change, seed, epoch, first);
    return batch;
  };
  return options;
}

void tell_interrupted(const std::filesystem::path& folder, const Checkpoint& checkpoint) {
  fmt::print(
      "interrupted after {} epochs and {} steps; saved to {}\ngo on with: crease train --resume '{}'\n",
      checkpoint.epochs_done, checkpoint.steps_done, folder.string(), folder.string());
}

}  // namespace

std::map<std::string, std::string> TrainingSettings::as_options() const {
  std::map<std::string, std::string> options{{"--data", data},
                                             {"--hidden", fmt::format("{}", fmt::join(hidden, ","))},
                                             {"--activation", activation},
                                             {"--epochs", std::to_string(epochs)},
                                             {"--batch", std::to_string(batch)},
                                             {"--optimizer", optimizer},
                                             {"--seed", std::to_string(seed)},
                                             {"--threads", std::to_string(threads)},
                                             {"--tie", tie}};
  if (validation != 0) options["--validation"] = fmt::format("{}", validation);
  if (patience) options["--patience"] = std::to_string(*patience);
  if (shift != 0) options["--shift"] = std::to_string(shift);
  if (flip) options["--flip"] = "true";
  if (learning_rate) options["--learning-rate"] = fmt::format("{}", *learning_rate);
  return options;
}

Optimizer make_optimizer(const std::string& name, std::optional<double> learning_rate) {
  if (name == "sgd") return sgd({.learning_rate = learning_rate.value_or(SgdOptions{}.learning_rate)});
  if (name == "momentum")
    return momentum({.learning_rate = learning_rate.value_or(MomentumOptions{}.learning_rate)});
  if (name == "adam") return adam({.learning_rate = learning_rate.value_or(AdamOptions{}.learning_rate)});
  fail("[optimizer] unknown name '{}': want sgd, momentum or adam", name);
}

Graph make_network(const TrainingSettings& settings, const Dataset& data) {
  std::vector<int64_t> sizes{data.features()};
  sizes.insert(sizes.end(), settings.hidden.begin(), settings.hidden.end());
  const int64_t numbers = data.y.sizes().size() == 2 ? data.y.sizes()[1] : 1;
  sizes.push_back(data.classes > 0 ? data.classes : numbers);
  const Layer layers = mlp(sizes, activation_named(settings.activation)).seeded(settings.seed);
  return network(layers, data.features());
}

TrainingOutcome run_training(const TrainingSettings& settings, const LoadedData& data, const Graph& network,
                             const TrainingPlaces& places, const std::optional<Checkpoint>& resume) {
  ProgressDisplay display;
  const StopRequest stop_request;
  const std::optional<std::filesystem::path>& folder = places.folder;
  std::optional<EpochMetrics> kept;  // of the epoch whose parameters the model has
  // A folder that cannot be written is an error now, not after the first epoch.
  if (folder && !resume) save_model(*folder, make_model(settings, data, network, {}, {}));
  std::optional<TrainLog> log;
  if (places.log) log.emplace(*places.log, resume ? resume->epochs_done : 0);
  Saver saver(folder);
  TrainOptions options = train_options(settings, data.split);
  options.resume = resume;
  options.on_progress = [&](const TrainProgress& progress) { display.show(progress); };
  options.should_stop = &StopRequest::came;
  options.checkpoint_seconds = places.checkpoint_seconds;
  if (folder)
    options.on_checkpoint = [&](const Checkpoint& checkpoint) { save_checkpoint(*folder, checkpoint); };
  options.on_epoch = [&](const EpochMetrics& metrics, const Checkpoint& checkpoint) {
    if (!checkpoint.best || checkpoint.best->epoch == metrics.epoch) kept = metrics;
    display.show(metrics);
    if (log) log->write(metrics);
    saver(checkpoint, [&] { return make_model(settings, data, network, checkpoint, kept); });
    return true;
  };

  TrainingOutcome outcome;
  try {
    outcome.result = train(network, data.split, options);
  } catch (...) {
    display.end();
    throw;
  }
  display.end();
  outcome.model = make_model(settings, data, network, outcome.result.checkpoint, kept);
  const bool stopped = outcome.result.stopped;
  if (!folder && !stopped) return outcome;
  const std::filesystem::path place = folder.value_or("crease-interrupted");
  save(place, outcome.model, outcome.result.checkpoint);
  if (stopped) tell_interrupted(place, outcome.result.checkpoint);
  return outcome;
}

void run_folds(const TrainingSettings& settings, const LoadedData& data, int64_t k) {
  const StopRequest stop_request;
  std::vector<double> figures;
  const std::vector<Split> parts = folds(data.split.train, k, settings.seed);
  const bool classes = data.split.train.classes > 0;
  for (const Split& part : parts) {
    TrainOptions options = train_options(settings, part);
    options.should_stop = &StopRequest::came;
    const TrainResult result = train(make_network(settings, part.train), part, options);
    expect(!result.stopped, "[train] interrupted in fold {} of {}; folds are not saved", figures.size() + 1,
           k);
    const EpochMetrics& last = result.epochs.back();
    figures.push_back(classes ? 100 * last.test_accuracy.value_or(0) : last.test_loss.value_or(0));
    fmt::print("fold {}/{}  loss {:.4f}  {} {:.{}f}{}\n", figures.size(), k, last.loss,
               classes ? "test accuracy" : "test loss", figures.back(), classes ? 2 : 4, classes ? " %" : "");
    std::fflush(stdout);
  }
  double mean = 0, square = 0;
  for (const double figure : figures) mean += figure / static_cast<double>(k);
  for (const double figure : figures) square += (figure - mean) * (figure - mean);
  fmt::print("{} folds: {} {:.{}f}{}, standard deviation {:.{}f}\n", k,
             classes ? "test accuracy" : "test loss", mean, classes ? 2 : 4, classes ? " %" : "",
             std::sqrt(square / static_cast<double>(k - 1)), classes ? 2 : 4);
}

}  // namespace crease::cli
