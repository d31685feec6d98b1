// crease train: from data to a saved network.
#include <fmt/format.h>

#include <memory>

#include "frontends/cli/commands.h"
#include "frontends/cli/training.h"
#include "graph/error.h"

namespace crease::cli {
namespace {

struct Arguments {
  TrainingSettings settings;
  std::string save, resume, log;
  double checkpoint_seconds = 60;
  int64_t folds = 0;
};

/// Options of the saved training stand where the command line says nothing.
void take_saved_options(CLI::App& command, const std::map<std::string, std::string>& saved) {
  for (const auto& [name, value] : saved) {
    CLI::Option* option = command.get_option_no_throw(name);
    expect(option != nullptr, "[resume] model.json has the unknown option '{}'", name);
    if (option->count() > 0) continue;
    option->add_result(value);
    option->run_callback();
  }
}

int run(CLI::App& command, Arguments& arguments) {
  std::optional<Model> saved;
  std::optional<Checkpoint> checkpoint;
  if (!arguments.resume.empty()) {
    saved = load_model(arguments.resume);
    checkpoint = load_checkpoint(arguments.resume);
    take_saved_options(command, saved->info.training);
  }
  const TrainingSettings& settings = arguments.settings;
  const LoadedData data = load_data(settings.data, saved ? saved->info.standardisation : std::nullopt,
                                    settings.validation, settings.seed);
  if (arguments.folds != 0) {
    run_folds(settings, data, arguments.folds);
    return 0;
  }
  const Graph network = saved ? saved->network : make_network(settings, data.split.train);
  if (checkpoint && checkpoint->epochs_done >= settings.epochs) {
    fmt::print("nothing to do: {} of {} epochs are done; ask for more with --epochs\n",
               checkpoint->epochs_done, settings.epochs);
    return 0;
  }
  const std::string place = arguments.save.empty() ? arguments.resume : arguments.save;
  TrainingPlaces places{.checkpoint_seconds = arguments.checkpoint_seconds};
  if (!place.empty()) places.folder = place;
  if (!arguments.log.empty()) places.log = arguments.log;

  const TrainingOutcome outcome = run_training(settings, data, network, places, checkpoint);
  if (outcome.result.stopped) return 130;
  if (outcome.result.epochs.empty()) {
    fmt::print("nothing to do: patience had run out after {} epochs\n", checkpoint->epochs_done);
    return 0;
  }
  if (const auto& best = outcome.result.checkpoint.best)
    fmt::print("{}best of the validation part after epoch {}; its parameters are kept\n",
               outcome.result.ran_out_of_patience ? "no better for long enough; " : "", best->epoch);
  const Evaluation test = evaluate_on(outcome.model.network, data.split.test,
                                      {.run = {.compile = {}, .interpret = settings.interpret}});
  if (test.accuracy) {
    fmt::print("test accuracy {:.2f} % of {} samples\n", 100 * *test.accuracy, test.samples);
  } else {
    fmt::print("test loss {:.6g} on {} samples\n", test.loss, test.samples);
  }
  if (places.folder) fmt::print("saved to {}\n", places.folder->string());
  return 0;
}

}  // namespace

void add_train(CLI::App& application, Action& action) {
  CLI::App& command = *application.add_subcommand("train", "Train a network on data");
  const auto arguments = std::make_shared<Arguments>();
  TrainingSettings& settings = arguments->settings;
  command.add_option("--data", settings.data, data_help)->capture_default_str();
  command.add_option("--hidden", settings.hidden, "Sizes of the hidden layers, such as 256,256")
      ->delimiter(',')
      ->capture_default_str();
  command.add_option("--activation", settings.activation, "Activation between the layers, by its name")
      ->capture_default_str();
  command.add_option("--epochs", settings.epochs, "How often all samples are seen")->capture_default_str();
  command.add_option("--batch", settings.batch, "Samples in a step")->capture_default_str();
  command.add_option("--optimizer", settings.optimizer, "sgd, momentum or adam")->capture_default_str();
  command.add_option("--learning-rate", settings.learning_rate, "Default: sgd 0.1, momentum 0.1, adam 0.001");
  command.add_option("--seed", settings.seed, "Decides initial values and the order of samples")
      ->capture_default_str();
  command.add_option("--threads", settings.threads, "Threads of the compiled step")->capture_default_str();
  command.add_option("--tie", settings.tie, "Slope used at a kink: left, right, mid, value(S), min_norm")
      ->capture_default_str();
  command.add_option(
      "--validation", settings.validation,
      "Share of the training samples kept apart; the parameters that do best on them are kept");
  command.add_option("--patience", settings.patience,
                     "End when the validation loss has been no better for so many epochs");
  command.add_option("--shift", settings.shift, "Move images by up to so many pixels, anew each epoch");
  command.add_flag("--flip", settings.flip, "Mirror half of the images, anew each epoch");
  command.add_option("--folds", arguments->folds,
                     "Train and test on so many folds of the training samples instead; nothing is saved");
  command.add_option("--log", arguments->log, "File for one line of JSON an epoch");
  command
      .add_option("--checkpoint-seconds", arguments->checkpoint_seconds,
                  "Time between checkpoints within an epoch")
      ->capture_default_str();
  command.add_flag("--interpret", settings.interpret, "Run in the interpreter, without machine code (slow)");
  command.add_option("--save", arguments->save, "Folder for the network, saved while it is trained");
  command.add_option("--resume", arguments->resume,
                     "Folder of a training to go on with; its options are kept");
  command.footer(
      "Examples:\n  crease train --data mnist:data/mnist --hidden 256,256 --epochs 5 --save my-model\n"
      "  crease train --resume my-model --epochs 10");
  command.callback([&command, &action, arguments] {
    action = [&command, arguments] { return run(command, *arguments); };
  });
}

}  // namespace crease::cli
