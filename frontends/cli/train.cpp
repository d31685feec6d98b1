// crease train: from data to a saved network.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <system_error>

#include "frontends/cli/choices.h"
#include "frontends/cli/commands.h"
#include "frontends/cli/networks.h"
#include "frontends/cli/training.h"
#include "frontends/cli/training_folder.h"
#include "frontends/cli/usage.h"
#include "frontends/file.h"
#include "frontends/training/regression.h"
#include "graph/error.h"
#include "graph/precision.h"
#include "jit/machine_level.h"

namespace crease::cli {
namespace {

struct Arguments {
  TrainingSettings settings;
  std::string save, resume, log;
  bool overwrite = false;
  double checkpoint_seconds = 60;
  std::optional<int64_t> folds = {};
};

/// Options that a resumed training cannot change are refused, not passed over.
void expect_unchanged(const CLI::App& command, const std::map<std::string, std::string>& saved,
                      const std::vector<const char*>& names, const char* way_out) {
  for (const char* name : names) {
    const CLI::Option* option = command.get_option(name);
    if (option->count() == 0) continue;
    const auto found = saved.find(name);
    const std::string before = found == saved.end() ? "not given" : found->second;
    const std::string now = fmt::format("{}", fmt::join(option->results(), ","));
    expect(now == before, "[resume] {} is '{}' in the saved training: got '{}'; leave it out, or {}", name,
           before, now, way_out);
  }
}

/// Folds are trained to be tested, on all training samples, and not kept; their steps go unreported.
std::vector<Idle> idle() {
  return {{.options = {"--channels"}, .without = {"--model cnn"}},
          {.options = {"--pieces"}, .without = {"--activation maxout"}},
          {.options = {"--patience"}, .without = {"--validation"}},
          {.options = {"--checkpoint-seconds"}, .without = {"--save", "--resume"}},
          {.options = {"--overwrite"}, .without = {"--save", "--log"}},
          {.options = {"--threads", "--machine", "--memory-limit", "--profile", "--trace", "--name-code"},
           .beside = {"--interpret"}},
          {.options = {"--save", "--resume", "--log", "--checkpoint-seconds", "--validation", "--patience",
                       "--profile", "--trace", "--census", "--sparsity", "--sparsity-threshold"},
           .beside = {"--folds"}}};
}

/// Where to write, and how to run, is for the command line alone: a model may come from somebody else.
bool is_kept(const std::string& name) {
  constexpr std::array never = {"--save",  "--overwrite", "--resume", "--log",       "--checkpoint-seconds",
                                "--folds", "--profile",   "--trace",  "--name-code", "--interpret",
                                "--help"};
  return std::ranges::find(never, name) == never.end();
}

/// Options of the saved training stand where the command line says nothing.
void take_saved_options(CLI::App& command, const std::map<std::string, std::string>& saved,
                        const Checkpoint& checkpoint) {
  expect_unchanged(
      command, saved,
      {"--model", "--channels", "--hidden", "--activation", "--pieces", "--init", "--batch-norm"},
      "train another network anew");
  // They decide which samples of an epoch are done.
  if (checkpoint.steps_done > 0)
    expect_unchanged(command, saved, {"--batch", "--seed", "--data", "--validation"},
                     "let the epoch in which it was stopped end first");
  for (const auto& [name, value] : saved) {
    CLI::Option* option = command.get_option_no_throw(name);
    expect(option != nullptr && is_kept(name), "[resume] model.json has the unknown option '{}'", name);
    if (option->count() > 0) continue;
    try {
      option->run_callback_for_default()->default_val(value);
    } catch (const CLI::ParseError& problem) {
      fail("[resume] model.json: {}", problem.what());
    }
  }
}

/// A permission that is of no use here should not look like one that was used.
void tell_of_precision(const TrainingSettings& settings) {
  if (split_parts(parse_precision(settings.contractions)) == 0) return;
  const bool has_tiles = at_level(host_machine(), parse_machine_level(settings.machine)).tiles != Tiles::None;
  if (settings.interpret || !has_tiles)
    fmt::print("{}: {}; products are computed in f32\n", settings.contractions,
               settings.interpret ? "the interpreter has no matrix tiles"
                                  : "no matrix tiles (AMX) on this processor or level");
}

/// What is trained on, and what is predicted: whole numbers may be either.
void tell_of_data(const LoadedData& data) {
  const Dataset& train = data.split.train;
  fmt::print(
      "{} samples to train on, {} to test with{}, of {} features; predicts {}\n", train.size(),
      data.split.test.size(),
      data.split.validation.size() > 0 ? fmt::format(", {} to validate", data.split.validation.size()) : "",
      train.features(), train.classes > 0 ? fmt::format("one of {} classes", train.classes) : "a number");
  if (data.targets) fmt::print("losses are mean squares of errors, as shares of the number's variance\n");
}

void tell_of_test(const Graph& network, const Dataset& test, bool interpret) {
  const RunnerOptions options{.compile = {}, .interpret = interpret};
  if (test.classes > 0)
    fmt::print("test accuracy {:.2f} % of {} samples\n",
               100 * evaluate_on(network, test, {.run = options}).accuracy.value_or(0), test.size());
  else
    fmt::print("on {} test samples {}\n", test.size(), to_string(regression_fit(network, test, options)));
}

/// Few samples are one batch, unless a size was asked for.
int64_t default_batch(const Arguments& arguments, const Dataset& train) {
  const int64_t parts = arguments.folds.value_or(0);
  const int64_t least = parts > 1 ? train.size() - (train.size() + parts - 1) / parts : train.size();
  return std::clamp<int64_t>(least, 1, arguments.settings.batch);
}

/// What took hours to train is not replaced because a name was given twice.
void expect_no_files(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  std::error_code problem;
  if (!fs::is_directory(folder, problem) || fs::is_empty(folder, problem) || problem) return;
  const bool has_model = fs::exists(folder / "model.json", problem);
  const bool resumes = has_model && fs::exists(folder / "checkpoint.safetensors", problem);
  fail("[save] {} holds {} already: choose another name, {}or write into it with --overwrite",
       folder.string(), has_model ? "a model" : "files",
       resumes ? fmt::format("go on with crease train --resume '{}', ", folder.string()) : "");
}

/// Nor is a log.
void expect_no_lines(const std::filesystem::path& log) {
  std::error_code problem;
  const bool has_lines = std::filesystem::is_regular_file(log, problem) &&
                         std::filesystem::file_size(log, problem) > 0 && !problem;
  expect(!has_lines,
         "[log] {} holds lines already: choose another name, go on with --resume and the folder of that "
         "training, or begin it anew with --overwrite",
         log.string());
}

int run(CLI::App& command, Arguments& arguments) {
  const std::string place = arguments.save.empty() ? arguments.resume : arguments.save;
  FolderLock lock;
  if (!place.empty()) lock.take(place);
  std::optional<Model> saved;
  std::optional<Checkpoint> checkpoint;
  if (!arguments.resume.empty()) {
    saved = load_model(arguments.resume);
    checkpoint = load_checkpoint(arguments.resume);
    take_saved_options(command, saved->info.training, *checkpoint);
  }
  refuse_idle(command, idle());
  std::error_code absent;
  const bool goes_on = saved && std::filesystem::equivalent(place, arguments.resume, absent);
  if (!goes_on && !arguments.overwrite) expect_no_files(place);
  if (!saved && !arguments.overwrite && !arguments.log.empty()) expect_no_lines(arguments.log);
  const TrainingSettings& settings = arguments.settings;
  if (!settings.trace.empty()) expect_writable(settings.trace);
  const LoadedData data =
      load_data(settings.data, saved ? &*saved : nullptr, settings.validation, settings.seed);
  if (!saved && command.count("--batch") == 0)
    arguments.settings.batch = default_batch(arguments, data.split.train);
  tell_of_data(data);
  tell_of_precision(settings);
  if (arguments.folds) {
    run_folds(settings, data, *arguments.folds);
    return 0;
  }
  Networks networks = make_networks(settings, data.split.train, data.targets);
  if (saved) networks.network = saved->network;
  if (checkpoint && checkpoint->epochs_done >= settings.epochs) {
    fmt::print("nothing to do: {} of {} epochs are done; ask for more with --epochs\n",
               checkpoint->epochs_done, settings.epochs);
    return 0;
  }
  TrainingPlaces places{
      .goes_on = goes_on, .lock = &lock, .checkpoint_seconds = arguments.checkpoint_seconds};
  if (!place.empty()) places.folder = place;
  if (!arguments.log.empty()) places.log = arguments.log;
  if (saved) places.metrics = saved->info.metrics;

  const TrainingOutcome outcome = run_training(settings, data, networks, places, checkpoint);
  if (outcome.result.stopped) return 130;
  if (outcome.result.epochs.empty()) {
    fmt::print("nothing to do: patience had run out after {} epochs\n", checkpoint->epochs_done);
    return 0;
  }
  if (const auto& best = outcome.result.checkpoint.best)
    fmt::print("{}best of the validation part after epoch {}; its parameters are kept\n",
               outcome.result.ran_out_of_patience ? "no better for long enough; " : "", best->epoch);
  tell_of_test(outcome.model.network, data.split.test, settings.interpret);
  if (places.folder) fmt::print("saved to {}\n", places.folder->string());
  return 0;
}

void add_network_options(CLI::App& command, TrainingSettings& settings) {
  command.add_option("--data", settings.data, data_help)->capture_default_str();
  command
      .add_option("--model", settings.model,
                  "mlp, or cnn: 5x5 convolutions and 2x2 max pooling before the hidden layers")
      ->capture_default_str();
  add_sizes(command, "--channels", settings.channels, "Channels of a cnn's convolutions, such as 16,32");
  add_sizes(command, "--hidden", settings.hidden, "Sizes of the hidden layers, such as 256,256");
  command
      .add_option("--activation", settings.activation,
                  "Activation between the layers: a name of the catalogue, maxout, prelu or rrelu")
      ->capture_default_str();
  command.add_option("--pieces", settings.pieces, "Pieces of maxout")->capture_default_str();
  command.add_option("--init", settings.init, init_help)->capture_default_str();
  command.add_flag("--batch-norm", settings.batch_norm, "Batch normalisation before each activation");
  command.add_option("--dropout", settings.dropout, "Share of each hidden layer that a training step drops");
  command.add_option("--input-dropout", settings.input_dropout,
                     "The same for what the first linear layer reads");
}

void add_training_options(CLI::App& command, TrainingSettings& settings) {
  command.add_option("--epochs", settings.epochs, "How often all samples are seen")->capture_default_str();
  command.add_option("--batch", settings.batch, "Samples in a step")->capture_default_str();
  command.add_option("--optimizer", settings.optimizer, optimizer_help)->capture_default_str();
  command.add_option("--learning-rate", settings.learning_rate, "Default: that of the optimizer");
  command.add_option("--weight-decay", settings.weight_decay, "Default: that of the optimizer");
  command.add_option("--schedule", settings.schedule, schedule_help)->capture_default_str();
  command.add_option("--warm-up", settings.warm_up, "Epochs in which the learning rate rises from 0");
  command.add_option("--clip", settings.clip.norm, "Greatest norm of all gradients together; 0: any");
  command.add_option("--clip-value", settings.clip.value,
                     "Greatest magnitude of a gradient's element; 0: any");
  command.add_option(
      "--l1-activations", settings.l1_activations,
      "Factor of the sum of all hidden activations' magnitudes, added to the loss of a sample");
  command.add_option("--l1", settings.l1, "Factor of the sum of all weights' magnitudes");
  command.add_option("--l2", settings.l2, "Factor of the sum of all weights' squares");
  command.add_option("--label-smoothing", settings.label_smoothing,
                     "Share of each target that is spread over all classes");
  command.add_option("--seed", settings.seed, "Decides initial values and the order of samples")
      ->capture_default_str();
  command.add_option("--threads", settings.threads, "Threads of the compiled step")->capture_default_str();
  command.add_option("--machine", settings.machine, machine_help)->capture_default_str();
  command.add_option("--contractions", settings.contractions, contractions_help)->capture_default_str();
  command.add_option(
      "--memory-limit", settings.memory_limit,
      "Most memory for intermediate values of a step, such as 64M: some are then computed again "
      "instead of kept");
  command.add_flag("--profile", settings.profile,
                   "At the end, time, GFLOP/s, bytes and share of the machine's limit of each kernel");
  command.add_option("--trace", settings.trace,
                     "File for the last steps as a Chrome trace (chrome://tracing, Perfetto)");
  command.add_flag("--name-code", settings.name_code, "Tell perf and gdb the names of kernels");
  command.add_option("--tie", settings.tie, tie_help)->capture_default_str();
  command.add_flag(
      "--noether", settings.noether,
      "Hold every gradient against the rescalings of the network (slow): wrong ones end training");
  command.add_flag(
      "--sparsity", settings.sparsity,
      "After each epoch, the share of zeros behind the activations, by layer; counted by the step itself");
  command.add_option("--sparsity-threshold", settings.sparsity_threshold,
                     "Also count units of at most this size, of smooth activations too");
  command.add_flag("--census", settings.census,
                   "Count what sits on kinks, by layer and epoch, and where the gradient depends on --tie");
  command.add_flag("--interpret", settings.interpret, "Run in the interpreter, without machine code (slow)");
}

void add_data_options(CLI::App& command, TrainingSettings& settings) {
  command.add_option(
      "--validation", settings.validation,
      "Share of the training samples kept apart; the parameters that do best on them are kept");
  command.add_option("--patience", settings.patience,
                     "End when the validation loss has been no better for so many epochs");
  command.add_option("--shift", settings.shift, "Move images by up to so many pixels, anew each epoch");
  command.add_flag("--flip", settings.flip, "Mirror half of the images, anew each epoch");
}

}  // namespace

void add_train(CLI::App& application, Action& action) {
  CLI::App& command = *application.add_subcommand("train", "Train a network on data");
  const auto arguments = std::make_shared<Arguments>();
  TrainingSettings& settings = arguments->settings;
  add_network_options(command, settings);
  add_training_options(command, settings);
  add_data_options(command, settings);
  command.add_option("--folds", arguments->folds,
                     "Train and test on so many folds of the training samples instead; nothing is saved");
  command.add_option("--log", arguments->log,
                     "File for one line of JSON an epoch; new, empty, or that of a training to go on with");
  command
      .add_option("--checkpoint-seconds", arguments->checkpoint_seconds,
                  "Time between checkpoints within an epoch")
      ->capture_default_str();
  command.add_option("--save", arguments->save,
                     "Folder for the network, saved while it is trained; new or empty");
  command.add_flag(
      "--overwrite", arguments->overwrite,
      "Save into a folder that holds files: a model there is replaced, other files stay; begin the "
      "file of --log anew");
  command.add_option("--resume", arguments->resume,
                     "Folder of a training to go on with; its options are kept, but for those that only say\n"
                     "how it is watched and run: give --log (the file goes on), --checkpoint-seconds,\n"
                     "--profile, --trace, --name-code and --interpret again");
  command.footer(
      "Examples:\n  crease train --data mnist:data/mnist --hidden 256,256 --epochs 5 --save my-model\n"
      "  crease train --resume my-model --epochs 10");
  command.callback([&command, &action, arguments] {
    action = [&command, arguments] { return run(command, *arguments); };
  });
}

}  // namespace crease::cli
