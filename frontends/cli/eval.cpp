// crease eval: how well a saved network does.
#include <fmt/format.h>

#include <memory>
#include <optional>

#include "frontends/cli/commands.h"
#include "frontends/cli/data_source.h"
#include "frontends/cli/model_file.h"
#include "frontends/model.h"
#include "frontends/trainer.h"
#include "frontends/training/certified.h"
#include "frontends/training/confusion.h"
#include "frontends/training/regression.h"
#include "graph/error.h"

namespace crease::cli {
namespace {

struct Arguments {
  std::string model, data, part = "test";
  bool interpret = false, confusion = false;
  std::optional<double> within;
};

Dataset part_of(const Model& model, const std::string& source, const std::string& part) {
  if (part == "all") return load_whole(source, model, true);
  Split split = load_data(source, &model).split;
  return std::move(part == "train" ? split.train : split.test);
}

int run(const Arguments& arguments) {
  const Model model = open_model(arguments.model);
  const std::string source = arguments.data.empty() ? model.info.data : arguments.data;
  expect(!source.empty(), "[eval] the model in '{}' does not name the data that it was made for: give --data",
         arguments.model);
  const Dataset part = part_of(model, source, arguments.part);
  const RunnerOptions options{.compile = {}, .interpret = arguments.interpret};
  TrainOptions measured{.run = options};
  if (model.info.targets) measured.loss = mse_in_deviations(*model.info.targets);
  const Evaluation found = evaluate_on(model.network, part, measured);
  fmt::print("{}{}: {} samples, loss {:.6g}", arguments.part == "all" ? "" : arguments.part + " part of ",
             source, found.samples, found.loss);
  if (found.accuracy) fmt::print(", accuracy {:.2f} %", 100 * *found.accuracy);
  fmt::print("\n");
  if (part.classes == 0) fmt::print("{}\n", to_string(regression_fit(model.network, part, options)));
  if (arguments.confusion)
    fmt::print("\n{}\n", to_string(confusion(model.network, part, options), part.class_names));
  if (arguments.within) {
    const Certified certified = certified_accuracy(model.network, part, *arguments.within);
    fmt::print("within {:g} of each input: {} of {} samples are proved to keep their true class ({:.2f} %)\n",
               *arguments.within, certified.proved, certified.samples,
               100 * static_cast<double>(certified.proved) / static_cast<double>(certified.samples));
  }
  return 0;
}

}  // namespace

void add_eval(CLI::App& application, Action& action) {
  CLI::App& command = *application.add_subcommand("eval", "Measure a saved network on data");
  const auto arguments = std::make_shared<Arguments>();
  command.add_option("model", arguments->model, model_help)->required();
  command.add_option("--data", arguments->data, std::string(data_help) + ". Default: what it was trained on");
  command
      .add_option("--part", arguments->part,
                  "test or train, where data in one piece are split 80/20 as in training; or all")
      ->check(CLI::IsMember({"test", "train", "all"}))
      ->capture_default_str();
  command.add_flag("--confusion", arguments->confusion,
                   "Show which class (row) is taken for which (column), with recall and precision");
  command.add_option(
      "--within", arguments->within,
      "Prove which samples keep their class while every input moves by at most this (of data as "
      "the network gets them, standardised or not)");
  command.add_flag("--interpret", arguments->interpret,
                   "Run in the interpreter, without machine code (slow)");
  command.footer("Example:\n  crease eval my-model --data mnist:data/mnist");
  command.callback([&action, arguments] { action = [arguments] { return run(*arguments); }; });
}

}  // namespace crease::cli
