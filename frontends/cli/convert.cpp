// crease convert: networks of other frameworks as folders of crease, and the other way round.
#include <fmt/format.h>

#include <charconv>
#include <memory>

#include "frontends/cli/commands.h"
#include "frontends/cli/model_file.h"
#include "frontends/onnx.h"
#include "graph/analysis/cost.h"
#include "graph/error.h"

namespace crease::cli {
namespace {

struct Arguments {
  std::string from, to;
  std::vector<std::string> sizes, outputs, classes;
  bool as_exported = false;

  /// Whether nothing is asked of how an ONNX file is read.
  bool is_plain() const { return sizes.empty() && outputs.empty() && !as_exported; }
};

/// {"batch", 32} of "batch=32".
std::pair<std::string, int64_t> size_of(const std::string& text) {
  const size_t sign = text.find('=');
  const char* end = text.data() + text.size();
  int64_t size = 0;
  const bool reads = sign != std::string::npos && sign > 0 &&
                     std::from_chars(text.data() + sign + 1, end, size).ptr == end && size > 0;
  expect(reads, "[convert] --size: got '{}', want NAME=NUMBER", text);
  return {text.substr(0, sign), size};
}

Model read(const Arguments& arguments) {
  OnnxOptions options{.outputs = arguments.outputs};
  if (arguments.sizes.empty() && !arguments.as_exported) return open_model(arguments.from, options);
  for (const std::string& text : arguments.sizes) options.sizes.insert(size_of(text));
  return {.network = read_onnx(arguments.from, options)};
}

/// Names of classes belong to an output of as many numbers.
void expect_classes(const Model& model) {
  const Graph& network = model.network;
  const auto count = std::ssize(model.info.classes);
  expect(network.outputs().size() == 1, "[convert] --classes: the network has {} outputs",
         network.outputs().size());
  const Shape& shape = network.node(network.outputs().front().node).shape;
  expect(!shape.empty() && shape.back() == Dim(count), "[convert] --classes: {} names for outputs {}", count,
         to_string(shape));
}

void print(const Graph& network) {
  const auto line = [&](const char* what, const std::string& name, NodeId id) {
    const Node& node = network.node(id);
    fmt::print("{} {} {}{}\n", what, name, to_string(node.type), to_string(node.shape));
  };
  for (const NodeId id : network.inputs()) line("input", network.node(id).name, id);
  for (const Output& output : network.outputs()) line("output", output.name, output.node);
  fmt::print("{} nodes, {} parameters\n", network.size(), parameter_count(network));
}

/// What was done to the samples is no part of the network.
void print_preparation(const ModelInfo& info) {
  if (info.standardisation)
    fmt::print("its samples are standardised: (x - mean) / deviation, both in model.json\n");
}

int run(const Arguments& arguments) {
  const bool writes = is_onnx(arguments.to);
  expect(is_onnx(arguments.from) || writes,
         "[convert] '{}' to '{}': want an ONNX file, NAME.onnx, on one side", arguments.from, arguments.to);
  expect(is_onnx(arguments.from) || arguments.is_plain(),
         "[convert] --size, --outputs and --as-exported are for the reading of an ONNX file");
  expect_free(arguments.to);
  Model model = read(arguments);
  if (!arguments.classes.empty()) {
    model.info.classes = arguments.classes;
    expect_classes(model);
  }
  if (writes) {
    write_onnx(arguments.to, model.network);
    print_preparation(model.info);
  } else {
    save_new_model(arguments.to, model);
  }
  print(model.network);
  fmt::print("saved to {}\n", arguments.to);
  return 0;
}

}  // namespace

void add_convert(CLI::App& application, Action& action) {
  CLI::App& command = *application.add_subcommand(
      "convert", "Make a folder of an ONNX file, which other frameworks write, or the other way round");
  const auto arguments = std::make_shared<Arguments>();
  command.add_option("from", arguments->from, model_help)->required();
  command
      .add_option("-o,--output", arguments->to, "Folder to make, or ONNX file (NAME.onnx); it must not exist")
      ->required();
  command
      .add_option("--size", arguments->sizes,
                  "NAME=NUMBER: the size of a dimension that the file names only; may be repeated")
      ->take_all();
  command.add_flag("--as-exported", arguments->as_exported,
                   "Keep the number of samples that the network was exported for");
  command
      .add_option("--outputs", arguments->outputs,
                  "Outputs to keep, or values inside of the network; default: all outputs")
      ->delimiter(',');
  command.add_option("--classes", arguments->classes, "Names of the classes in the order of the outputs")
      ->delimiter(',');
  command.footer(
      "Other commands read ONNX files as well; a folder keeps what was chosen here.\n"
      "Examples:\n  crease convert model.onnx -o my-model\n  crease convert my-model -o model.onnx\n  crease "
      "convert translator.onnx -o my-model "
      "--size "
      "sequence=64\n  crease convert flowers.onnx -o my-model --outputs probabilities --classes "
      "setosa,versicolor,virginica");
  command.callback([&action, arguments] { action = [arguments] { return run(*arguments); }; });
}

}  // namespace crease::cli
