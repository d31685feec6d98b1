// crease dump: every step between a network and its machine code, as text.
#include <fmt/format.h>

#include <memory>

#include "frontends/cli/choices.h"
#include "frontends/cli/commands.h"
#include "frontends/cli/model_file.h"
#include "frontends/cli/usage.h"
#include "frontends/losses.h"
#include "frontends/model.h"
#include "frontends/models.h"
#include "frontends/training/objective.h"
#include "graph/error.h"
#include "graph/ops/reduction.h"
#include "graph/text.h"
#include "jit/program.h"

namespace crease::cli {
namespace {

struct Arguments {
  std::string model;
  std::vector<int64_t> sizes = {2, 3, 2};
  std::string activation = "relu", optimizer = "sgd", loss, tie = "left", machine = "native";
  int64_t batch = 0;
  int threads = 1;
  bool graph = false, gradient = false, simplified = false, kernels = false, fused = false, schedule = false,
       memory = false, llvm = false, assembly = false, timings = false;

  bool needs_compilation() const {
    return simplified || kernels || fused || schedule || memory || llvm || assembly || timings;
  }
};

/// A network that was not trained yet has logits.
Model model_of(const Arguments& arguments) {
  if (!arguments.model.empty()) return open_model(arguments.model);
  return {.network =
              network(mlp(arguments.sizes, activation_named(arguments.activation)), arguments.sizes.front()),
          .info = {.classes = {"0", "1"}}};
}

/// A loss and what it is called.
struct Loss {
  std::string name;
  Value mean;  // in a graph of its own
};

/// What training would take, unless another loss is asked for.
Loss loss_of(const Arguments& arguments, const Model& model) {
  Graph graph = model.network;
  const Value output = graph.value(graph.outputs().front().node);
  const Dim batch = output.shape().empty() ? Dim(1) : output.shape().front();  // the loss says what it wants
  const std::string kind = !arguments.loss.empty()      ? arguments.loss
                           : model.info.classes.empty() ? "mse"
                                                        : "cross-entropy";
  if (kind == "cross-entropy")
    return {kind, mean(softmax_cross_entropy(output, graph.input("label", {batch}, Type::i32)))};
  const bool one_number = output.shape() == Shape{batch, 1};  // the column that is predicted
  const Value target = graph.input("target", one_number ? Shape{batch} : output.shape(), output.type());
  if (!arguments.loss.empty() || !model.info.targets) return {kind, mean(error_of_numbers(output, target))};
  return {"mse in deviations", mean(mse_in_deviations(*model.info.targets)(output, target))};
}

void print_section(const std::string& title, const std::string& text) {
  fmt::print("=== {} ===\n{}{}", title, text, text.ends_with('\n') ? "" : "\n");
}

void print_compilation(const Arguments& arguments, const Graph& step) {
  CompileOptions options{
      .threads = arguments.threads, .level = parse_machine_level(arguments.machine), .keep_dumps = true};
  if (arguments.batch > 0) options.specialise = {{"batch", arguments.batch}};
  const Program program = compile(step, options);
  const Dumps& dumps = program.dumps();
  if (arguments.simplified) print_section("simplified", dumps.simplified);
  if (arguments.kernels) print_section("kernels", dumps.kernels);
  if (arguments.fused) print_section("fused kernels", dumps.fused);
  if (arguments.schedule) print_section("schedule", dumps.schedule);
  if (arguments.memory) print_section("memory", dumps.memory);
  if (arguments.llvm) print_section("LLVM IR", dumps.llvm_ir);
  if (arguments.assembly) print_section("assembly", dumps.assembly);
  if (!arguments.timings) return;
  std::string text;
  for (const auto& [name, seconds] : program.timings())
    text += fmt::format("{:<12} {:8.3f} ms\n", name, 1e3 * seconds);
  print_section("time of compilation", text);
}

int run(const Arguments& arguments) {
  const Model model = model_of(arguments);
  const auto [name, loss] = loss_of(arguments, model);
  const bool nothing_chosen = !arguments.graph && !arguments.gradient && !arguments.needs_compilation();
  if (arguments.graph || nothing_chosen)
    print_section(fmt::format("network and loss ({})", name), to_string(extract({{"loss", loss}})));
  if (!arguments.gradient && !arguments.needs_compilation()) return 0;
  expect(!model.network.parameters().empty(),
         "[dump] '{}' has no parameters, so there is no training step: --graph alone prints its network",
         arguments.model);
  const Slopes slopes = parse_slopes(arguments.tie);
  const Graph step =
      train_step(loss, make_optimizer(arguments.optimizer, {}), {.tie = slopes.tie, .table = slopes.table});
  if (arguments.gradient) print_section(fmt::format("training step ({})", name), to_string(step));
  if (arguments.needs_compilation()) print_compilation(arguments, step);
  return 0;
}

void add_network_options(CLI::App& command, Arguments& arguments) {
  command.add_option("model", arguments.model,
                     "Folder of a saved network, or an ONNX file; default: a small one by --sizes");
  add_sizes(command, "--sizes", arguments.sizes, "Sizes of the layers");
  command.add_option("--activation", arguments.activation, "Activation by its name")->capture_default_str();
  command.add_option("--optimizer", arguments.optimizer, optimizer_help)->capture_default_str();
  command
      .add_option("--loss", arguments.loss,
                  "cross-entropy or mse; default: what training takes, "
                  "cross-entropy for classes and mse for numbers")
      ->check(CLI::IsMember({"cross-entropy", "mse"}));
  command.add_option("--tie", arguments.tie, tie_help)->capture_default_str();
  command.add_option("--batch", arguments.batch, "Compile for this batch size alone; 0: for any")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command.add_option("--threads", arguments.threads, "Threads to compile for")->capture_default_str();
  command.add_option("--machine", arguments.machine, machine_help)->capture_default_str();
}

/// The network alone is printed without being differentiated, and with its gradients without being compiled.
std::vector<Idle> idle() {
  const std::vector<const char*> compiled = {"--simplified", "--kernels", "--fused",    "--schedule",
                                             "--memory",     "--llvm",    "--assembly", "--time-passes"};
  std::vector<const char*> differentiated = compiled;
  differentiated.push_back("--gradient");
  return {{.options = {"--sizes", "--activation"}, .beside = {"model"}},
          {.options = {"--optimizer", "--tie"}, .without = differentiated},
          {.options = {"--batch", "--threads", "--machine"}, .without = compiled}};
}

}  // namespace

void add_dump(CLI::App& application, Action& action) {
  CLI::App& command = *application.add_subcommand("dump", "Print each step from a network to machine code");
  const auto arguments = std::make_shared<Arguments>();
  add_network_options(command, *arguments);
  command.add_flag("--graph", arguments->graph, "The network and its loss (the default)");
  command.add_flag("--gradient", arguments->gradient, "The training step: with gradients and updates");
  command.add_flag("--simplified", arguments->simplified,
                   "The training step after folding, simplification and sharing");
  command.add_flag("--kernels", arguments->kernels, "Loops and bodies, one kernel a node");
  command.add_flag("--fused", arguments->fused, "Kernels after fusion");
  command.add_flag("--schedule", arguments->schedule, "Tiles, vectors and threads");
  command.add_flag("--memory", arguments->memory, "Where each value lies in the arena");
  command.add_flag("--llvm", arguments->llvm, "LLVM IR");
  command.add_flag("--assembly", arguments->assembly, "Assembly");
  command.add_flag("--time-passes", arguments->timings, "Time of each step of compilation");
  command.footer(
      "Examples:\n  crease dump --graph --gradient\n"
      "  crease dump --sizes 784,256,10 --batch 128 --fused --time-passes");
  command.callback([&command, &action, arguments] {
    refuse_idle(command, idle());
    action = [arguments] { return run(*arguments); };
  });
}

}  // namespace crease::cli
