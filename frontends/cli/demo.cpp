// crease demo: a network from data to report, and what is left of it without activations.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "frontends/cli/commands.h"
#include "frontends/cli/drawing.h"
#include "frontends/cli/networks.h"
#include "frontends/cli/training.h"
#include "frontends/file.h"
#include "frontends/report.h"
#include "graph/error.h"

namespace crease::cli {
namespace {

struct Arguments {
  std::string output = "run-output";
  int64_t epochs = 20;
  bool interpret = false;
};

struct Trained {
  Model model;
  double test_accuracy = 0;
};

/// Nothing if the user interrupted.
std::optional<Trained> train_network(const TrainingSettings& settings, const LoadedData& data,
                                     const std::string& title) {
  fmt::print("{}\n", title);
  TrainingOutcome outcome =
      run_training(settings, data, make_networks(settings, data.split.train, data.targets), {});
  if (outcome.result.stopped) return {};
  const double accuracy = outcome.result.epochs.back().test_accuracy.value_or(0);
  fmt::print("test accuracy {:.2f} % on {} digits that training never saw\n\n", 100 * accuracy,
             data.split.test.size());
  return Trained{.model = std::move(outcome.model), .test_accuracy = accuracy};
}

/// One JSON object with both reports.
std::string join_json(const Report& rectified, const Report& linear) {
  return nlohmann::ordered_json{{"with activations", nlohmann::ordered_json::parse(to_json(rectified))},
                                {"without activations", nlohmann::ordered_json::parse(to_json(linear))}}
      .dump(2);
}

void write_results(const std::filesystem::path& folder, const Model& model, const Report& rectified,
                   const Report& linear) {
  save_model(folder / "model", model);
  write_file_atomically(folder / "report.txt", to_text(rectified, 0) + "\n\n" + to_text(linear, 0) + "\n");
  write_file_atomically(folder / "report.json", join_json(rectified, linear) + "\n");
  write_file_atomically(folder / "report.html", to_html(rectified));
  const std::filesystem::path drawing = draw(folder, to_dot(rectified));
  const std::string place = std::filesystem::absolute(folder).lexically_normal().string();
  fmt::print("written to {}: report.txt, report.html, report.json, {}, model\n", place,
             drawing.filename().string());
  if (drawing.extension() == ".dot") fmt::print("(no drawing as .svg: Graphviz's program dot is missing)\n");
}

int run(const Arguments& arguments) {
  const std::filesystem::path folder = arguments.output;
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  expect(!problem, "[demo] cannot make the folder {}: {}", folder.string(), problem.message());

  TrainingSettings settings{
      .epochs = arguments.epochs, .learning_rate = 0.003, .interpret = arguments.interpret};
  const LoadedData data = load_data(settings.data);
  const auto rectified = train_network(
      settings, data, "Training 64 -> 64 -> 10 with relu on handwritten digits of 8 x 8 pixels");
  if (!rectified) return 130;
  settings.activation = "identity";
  const auto linear = train_network(settings, data, "Training the same network without activations");
  if (!linear) return 130;

  const Report first = analyze(rectified->model.network, {.title = "64-64-10 with relu"});
  const Report second = analyze(linear->model.network, {.title = "64-64-10 without activations"});
  fmt::print("{}\n\n{}\n\n", to_text(first), to_text(second));
  write_results(folder, rectified->model, first, second);
  return 0;
}

}  // namespace

void add_demo(CLI::App& application, Action& action) {
  CLI::App& command = *application.add_subcommand(
      "demo", "Train on the embedded digits, report on the network, and on the same one without activations");
  const auto arguments = std::make_shared<Arguments>();
  command
      .add_option("--output", arguments->output,
                  "Folder for report.txt, report.html, report.json, graph.svg and the model")
      ->capture_default_str();
  command.add_option("--epochs", arguments->epochs, "How often all samples are seen")->capture_default_str();
  command.add_flag("--interpret", arguments->interpret,
                   "Run in the interpreter, without machine code (slow)");
  command.footer("Example:\n  crease demo --output my-first-run");
  command.callback([&action, arguments] { action = [arguments] { return run(*arguments); }; });
}

}  // namespace crease::cli
