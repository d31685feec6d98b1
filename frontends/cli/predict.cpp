// crease predict: what a saved network says of each sample.
#include <fmt/format.h>

#include <memory>

#include "frontends/cli/commands.h"
#include "frontends/cli/data_source.h"
#include "frontends/cli/model_file.h"
#include "frontends/file.h"
#include "frontends/losses.h"
#include "frontends/model.h"
#include "frontends/training/objective.h"
#include "frontends/training/predict.h"
#include "graph/error.h"

namespace crease::cli {
namespace {

struct Arguments {
  std::string model, data, output;
  bool probabilities = false, interpret = false;
};

/// A cell of a table. Source: RFC 4180; blanks round it are kept.
std::string cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos && !text.starts_with(' ') && !text.ends_with(' '))
    return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + '"';
}

/// The same network, whose logits are shares of 1.
Graph with_softmax(const Graph& network) {
  Graph result = network;
  const Output output = result.outputs().front();
  result.clear_outputs();
  result.output(output.name, softmax(result.value(output.node)));
  return result;
}

/// "prediction" and the classes; for numbers "prediction", or "output0", "output1", ...
std::string header(const std::vector<std::string>& classes, int64_t width) {
  std::string line = classes.empty() && width > 1 ? "" : "prediction";
  for (int64_t k = 0; k < width && (width > 1 || !classes.empty()); ++k) {
    if (!line.empty()) line += ',';
    line += classes.empty() ? fmt::format("output{}", k) : cell(classes[static_cast<size_t>(k)]);
  }
  return line + '\n';
}

/// A line for each sample: the class it is taken for, if there are classes, and the network's numbers.
std::string table(const Tensor& outputs, const std::vector<std::string>& classes) {
  const int64_t samples = outputs.sizes().front(), width = outputs.count() / samples;
  const std::vector<int64_t> best = classes.empty() ? std::vector<int64_t>{} : decisions(outputs);
  std::string text = header(classes, width);
  for (int64_t i = 0; i < samples; ++i) {
    if (!classes.empty()) text += cell(classes[static_cast<size_t>(best[static_cast<size_t>(i)])]) + ',';
    for (int64_t k = 0; k < width; ++k) {
      const double value = outputs.at(i * width + k);
      text += k == 0 ? "" : ",";
      text += outputs.type() == Type::f32 ? fmt::format("{}", static_cast<float>(value))
                                          : fmt::format("{}", value);
    }
    text += '\n';
  }
  return text;
}

int run(const Arguments& arguments) {
  const Model model = open_model(arguments.model);
  const std::vector<std::string>& classes = model.info.classes;
  const Dataset data = load_whole(arguments.data, model, false);
  input_for(model.network, data.x);  // one output, too
  const Shape& shape = model.network.node(model.network.outputs().front().node).shape;
  expect(shape.size() <= 2, "[predict] one line a sample: got a network with outputs {}, want [batch, n]",
         to_string(shape));
  expect(classes.empty() || shape.back() == Dim(std::ssize(classes)),
         "[predict] the network has outputs {}, but model.json names {} classes", to_string(shape),
         classes.size());
  expect(!arguments.probabilities || !classes.empty(),
         "[predict] --probabilities: this network predicts a number, not classes");
  const Tensor outputs = predict(arguments.probabilities ? with_softmax(model.network) : model.network,
                                 data.x, {.compile = {}, .interpret = arguments.interpret});
  const std::string text = table(outputs, classes);
  if (arguments.output.empty())
    fmt::print("{}", text);
  else
    write_file_atomically(arguments.output, text);
  return 0;
}

}  // namespace

void add_predict(CLI::App& application, Action& action) {
  CLI::App& command =
      *application.add_subcommand("predict", "Print what a saved network says of each sample, as a table");
  const auto arguments = std::make_shared<Arguments>();
  command.add_option("model", arguments->model, model_help)->required();
  command
      .add_option("--data", arguments->data,
                  std::string(data_help) +
                      ". All samples in the order of the files; what is to be predicted may be missing")
      ->required();
  command.add_option("--output", arguments->output, "File for the table. Default: the screen");
  command.add_flag("--probabilities", arguments->probabilities,
                   "Softmax of the outputs, for classes, instead of the outputs");
  command.add_flag("--interpret", arguments->interpret,
                   "Run in the interpreter, without machine code (slow)");
  command.footer("Example:\n  crease predict my-model --data csv:new.csv --output predictions.csv");
  command.callback([&action, arguments] { action = [arguments] { return run(*arguments); }; });
}

}  // namespace crease::cli
