#include "frontends/cli/training.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>
#include <set>

#include "frontends/cli/choices.h"
#include "frontends/cli/networks.h"
#include "frontends/cli/saving.h"
#include "frontends/cli/terminal.h"
#include "frontends/file.h"
#include "frontends/losses.h"
#include "frontends/safetensors/json_cursor.h"
#include "frontends/training/train_log.h"
#include "graph/error.h"
#include "jit/machine_limits.h"

namespace crease::cli {
namespace {

bool is_text(const std::string& name) { return invalid_utf8(name) == std::string::npos; }

/// Names by which columns are found again: all of them or none.
std::vector<std::string> names_to_keep(const std::vector<std::string>& names) {
  const bool distinct = std::set(names.begin(), names.end()).size() == names.size();
  return distinct && std::ranges::all_of(names, is_text) ? names : std::vector<std::string>{};
}

/// Classes without names are called by their numbers.
std::vector<std::string> class_names(const Dataset& data) {
  std::vector<std::string> names = data.class_names;
  for (auto k = std::ssize(names); k < data.classes; ++k) names.push_back(std::to_string(k));
  return names;
}

Model make_model(const TrainingSettings& settings, const LoadedData& data, const Graph& network,
                 const Checkpoint& checkpoint, const std::optional<EpochMetrics>& last,
                 const std::map<std::string, double>& earlier) {
  const std::string& label = data.split.train.label_name;
  Model model{.network = best_network(network, checkpoint)};
  model.info = {.data = settings.data,
                .trained_on = data.trained_on,
                .features = names_to_keep(data.split.train.feature_names),
                .label = is_text(label) ? label : "",
                .classes = class_names(data.split.train),
                .standardisation = data.standardisation,
                .targets = data.targets,
                .training = settings.as_options()};
  if (!last) {
    model.info.metrics = earlier;
    return model;
  }
  model.info.metrics["train loss"] = last->loss;
  if (last->accuracy) model.info.metrics["train accuracy"] = *last->accuracy;
  if (last->validation_loss) model.info.metrics["validation loss"] = *last->validation_loss;
  if (last->validation_accuracy) model.info.metrics["validation accuracy"] = *last->validation_accuracy;
  if (last->test_loss) model.info.metrics["test loss"] = *last->test_loss;
  if (last->test_accuracy) model.info.metrics["test accuracy"] = *last->test_accuracy;
  return model;
}

/// Saves after the first epoch, then when the last time is a second ago: flushing to the disk takes longer
/// than a small epoch.
class Saver {
 public:
  Saver(std::optional<std::filesystem::path> folder, Attempts& saves)
      : folder_(std::move(folder)), saves_(&saves) {}

  template <class MakeModel>
  void operator()(const Checkpoint& checkpoint, MakeModel make_model_now) {
    const auto now = std::chrono::steady_clock::now();
    if (!folder_ || (saved_ && now - *saved_ < std::chrono::seconds(1))) return;
    (*saves_)([&] { save(*folder_, make_model_now(), checkpoint); });
    saved_ = std::chrono::steady_clock::now();
  }

 private:
  std::optional<std::filesystem::path> folder_;
  Attempts* saves_;
  std::optional<std::chrono::steady_clock::time_point> saved_;
};

/// What is added to the loss; empty: nothing.
Penalty penalty_of(const TrainingSettings& settings) {
  std::vector<Penalty> penalties;
  if (settings.l1_activations != 0)
    penalties.push_back(l1_on_activations(activation_operation(settings), settings.l1_activations));
  if (settings.l1 != 0) penalties.push_back(l1_on_weights(settings.l1));
  if (settings.l2 != 0) penalties.push_back(l2_on_weights(settings.l2));
  return penalties.empty() ? Penalty() : sum_of(std::move(penalties));
}

/// What settings say of a training; places, display and stop are the caller's.
TrainOptions train_options(const TrainingSettings& settings, const Split& data,
                           const std::optional<Standardisation>& targets) {
  TrainOptions options;
  options.epochs = settings.epochs;
  options.batch = settings.batch;
  options.seed = settings.seed;
  options.optimizer = make_optimizer(settings.optimizer, settings.learning_rate, settings.weight_decay);
  if (settings.schedule != "constant" || settings.warm_up != 0)
    options.schedule = make_schedule(settings.schedule, settings.warm_up);
  options.clip = settings.clip;
  options.penalty = penalty_of(settings);
  if (targets) options.loss = mse_in_deviations(*targets);
  if (settings.label_smoothing != 0) {
    expect(data.train.classes > 0, "[train] label smoothing wants classes: '{}' has numbers", settings.data);
    options.training_loss = [smoothing = settings.label_smoothing](const Value& logits, const Value& label) {
      return softmax_cross_entropy(logits, label, {.label_smoothing = smoothing});
    };
  }
  Slopes slopes = parse_slopes(settings.tie);
  options.tie = slopes.tie;
  options.table = std::move(slopes.table);
  options.patience = settings.patience;
  options.noether = settings.noether;
  if (settings.sparsity || settings.sparsity_threshold)
    options.sparsity = SparsityOptions{.threshold = settings.sparsity_threshold.value_or(0)};
  options.run.compile.threads = settings.threads;
  if (!settings.memory_limit.empty()) options.run.compile.memory_limit = parse_bytes(settings.memory_limit);
  options.run.compile.profile = settings.profile || !settings.trace.empty();
  options.run.compile.name_code = settings.name_code;
  options.run.compile.contraction = parse_precision(settings.contractions);
  options.run.compile.level = parse_machine_level(settings.machine);
  options.run.interpret = settings.interpret;
  options.census = settings.census;
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

/// Where the time of the training step went: a table on the screen, and a trace where one is wanted.
void tell_profile(const TrainingSettings& settings, const Program& step) {
  if (!settings.trace.empty()) write_file_atomically(settings.trace, step.trace());
  if (!settings.profile) return;
  const MachineLimits limits = measure_limits(host_machine());
  fmt::print("{}", to_string(step.profile(), limits.flops, limits.bandwidth));
  fmt::print("limits: {:.1f} GFLOP/s and {:.1f} GB/s of one core, measured now\n", limits.flops / 1e9,
             limits.bandwidth / 1e9);
}

void tell_interrupted(const std::filesystem::path& folder, const Checkpoint& checkpoint,
                      const TrainingPlaces& places) {
  fmt::print(
      "interrupted after {} epochs and {} steps; saved to {}\ngo on with: crease train --resume '{}'{}\n",
      checkpoint.epochs_done, checkpoint.steps_done, folder.string(), folder.string(),
      places.log ? fmt::format(" --log '{}'", places.log->string()) : "");
}

}  // namespace

std::map<std::string, std::string> TrainingSettings::as_options() const {
  std::map<std::string, std::string> options{{"--data", data},
                                             {"--model", model},
                                             {"--channels", fmt::format("{}", fmt::join(channels, ","))},
                                             {"--hidden", fmt::format("{}", fmt::join(hidden, ","))},
                                             {"--activation", activation},
                                             {"--pieces", std::to_string(pieces)},
                                             {"--init", init},
                                             {"--epochs", std::to_string(epochs)},
                                             {"--batch", std::to_string(batch)},
                                             {"--optimizer", optimizer},
                                             {"--schedule", schedule},
                                             {"--seed", std::to_string(seed)},
                                             {"--threads", std::to_string(threads)},
                                             {"--tie", tie}};
  const auto add_number = [&](const char* name, double value) {
    if (value != 0) options[name] = fmt::format("{}", value);
  };
  add_number("--validation", validation);
  add_number("--dropout", dropout);
  add_number("--input-dropout", input_dropout);
  add_number("--warm-up", warm_up);
  add_number("--clip", clip.norm);
  add_number("--clip-value", clip.value);
  add_number("--l1-activations", l1_activations);
  add_number("--l1", l1);
  add_number("--l2", l2);
  add_number("--label-smoothing", label_smoothing);
  if (patience) options["--patience"] = std::to_string(*patience);
  if (!memory_limit.empty()) options["--memory-limit"] = memory_limit;
  if (machine != "native") options["--machine"] = machine;
  if (contractions != "f32") options["--contractions"] = contractions;
  if (shift != 0) options["--shift"] = std::to_string(shift);
  if (census) options["--census"] = "true";
  if (flip) options["--flip"] = "true";
  if (noether) options["--noether"] = "true";
  if (sparsity) options["--sparsity"] = "true";
  if (sparsity_threshold) options["--sparsity-threshold"] = fmt::format("{}", *sparsity_threshold);
  if (batch_norm) options["--batch-norm"] = "true";
  if (learning_rate) options["--learning-rate"] = fmt::format("{}", *learning_rate);
  if (weight_decay) options["--weight-decay"] = fmt::format("{}", *weight_decay);
  return options;
}

TrainingOutcome run_training(const TrainingSettings& settings, const LoadedData& data,
                             const Networks& networks, const TrainingPlaces& places,
                             const std::optional<Checkpoint>& resume) {
  const Graph& network = networks.network;
  ProgressDisplay display;
  std::optional<StopRequest> stop_request;
  const std::optional<std::filesystem::path>& folder = places.folder;
  std::optional<EpochMetrics> kept;  // of the epoch whose parameters the model has
  const auto model_at = [&](const Checkpoint& checkpoint) {
    return make_model(settings, data, network, checkpoint, kept, places.metrics);
  };
  std::optional<TrainLog> log;
  Attempts saves(display), lines(display);
  Saver saver(folder, saves);
  TrainOptions options = train_options(settings, data.split, data.targets);
  options.training_network = networks.training;
  options.resume = resume;
  // A place that cannot be written is an error now, not after the first epoch; a training that is refused
  // before it starts leaves what is there alone. Until then, while it compiles, a signal ends the process:
  // there is nothing to save.
  options.on_start = [&] {
    stop_request.emplace();
    if (folder) begin_folder(*folder, model_at(resume.value_or(Checkpoint{})), places.goes_on, places.lock);
    if (places.log) log.emplace(*places.log, resume ? resume->epochs_done : 0);
  };
  options.on_progress = [&](const TrainProgress& progress) { display.show(progress); };
  options.should_stop = &StopRequest::came;
  options.checkpoint_seconds = places.checkpoint_seconds;
  if (folder)
    options.on_checkpoint = [&](const Checkpoint& checkpoint) {
      saves([&] { save_checkpoint(*folder, checkpoint); });
    };
  options.on_epoch = [&](const EpochMetrics& metrics, const Checkpoint& checkpoint) {
    if (!checkpoint.best || checkpoint.best->epoch == metrics.epoch) kept = metrics;
    display.show(metrics);
    if (!metrics.kinks.empty()) {
      display.end();
      fmt::print("{}", to_string(metrics.kinks));
    }
    if (log) lines([&] { log->write(metrics); });
    saver(checkpoint, [&] { return model_at(checkpoint); });
    return true;
  };

  std::exception_ptr untold;  // why the profile could not be told: what was trained is saved first
  if (options.run.compile.profile)
    options.on_end = [&](const Program& step) {
      display.end();
      try {
        tell_profile(settings, step);
      } catch (const Error&) {
        untold = std::current_exception();
      }
    };

  TrainingOutcome outcome;
  try {
    outcome.result = train(network, data.split, options);
  } catch (...) {
    display.end();
    throw;
  }
  display.end();
  outcome.model = model_at(outcome.result.checkpoint);
  const bool stopped = outcome.result.stopped;
  if (folder || stopped) {
    const std::filesystem::path place = folder.value_or("crease-interrupted");
    save_or_rescue(place, outcome.model, outcome.result.checkpoint);
    if (stopped) tell_interrupted(place, outcome.result.checkpoint, places);
  }
  if (untold) std::rethrow_exception(untold);
  return outcome;
}

void run_folds(const TrainingSettings& settings, const LoadedData& data, int64_t k) {
  std::vector<double> figures;
  const std::vector<Split> parts = folds(data.split.train, k, settings.seed);
  const bool classes = data.split.train.classes > 0;
  for (const Split& fold : parts) {
    // Measured anew on what this fold is trained on: figures of all samples would tell it of its test part.
    const Split part = data.standardisation ? standardise(fold) : fold;
    const auto targets = data.targets ? std::optional(measure_targets(part.train)) : std::nullopt;
    TrainOptions options = train_options(settings, part, targets);
    Networks networks = make_networks(settings, part.train, targets);
    options.training_network = std::move(networks.training);
    const TrainResult result = train(networks.network, part, options);
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
