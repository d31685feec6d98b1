// crease simplify: a smaller network that is the same on a box.
#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "frontends/cli/box.h"
#include "frontends/cli/commands.h"
#include "frontends/file.h"
#include "frontends/model.h"
#include "frontends/report.h"
#include "graph/analysis/check.h"
#include "graph/error.h"
#include "graph/rewrite/collapse.h"
#include "graph/rewrite/simplify_units.h"

namespace crease::cli {
namespace {

struct Arguments {
  std::string model, box, output;
  bool no_collapse = false;
};

int64_t parameter_count(const Graph& graph) {
  int64_t count = 0;
  for (const NodeId id : graph.parameters()) count += graph.node(id).value.count();
  return count;
}

/// Reads no parameter that nothing reads.
Graph collapsed(const Graph& graph) { return analyzed_graph(collapse(graph).graph); }

/// The folder with all of its files, or none.
void save_with(const std::filesystem::path& folder, const Model& model,
               const std::optional<Certificate>& certificate) {
  save_new_model(folder, model);
  if (!certificate) return;
  try {
    write_file_atomically(folder / "certificate.json", certificate->json);
  } catch (...) {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
    throw;
  }
}

int run(const Arguments& arguments) {
  const std::filesystem::path to = arguments.output;
  Model model = load_model(arguments.model);
  const Graph graph = analyzed_graph(model.network);
  const InputBox box = parse_box(arguments.box);
  SimplifiedNetwork simplified = simplify_units(graph, box);
  if (simplified.certificate) {
    const CheckResult result = check(*simplified.certificate, graph);
    expect(result.accepted, "[simplify] the proof is refused: {}", result.reason);
  }
  model.network = arguments.no_collapse ? simplified.graph : collapsed(simplified.graph);
  save_with(to, model, simplified.certificate);
  for (const SimplifiedUnits& layer : simplified.layers)
    fmt::print("{}: {} deleted, {} linearised, {} kept\n", layer.node, layer.deleted, layer.linearised,
               layer.kept);
  for (const std::string& kept : simplified.kept) fmt::print("left as it is: {}\n", kept);
  fmt::print("parameters: {} before, {} after\n", parameter_count(graph), parameter_count(model.network));
  fmt::print("saved to {}{}\n", to.string(),
             simplified.certificate ? ", with certificate.json for `crease check`"
                                    : ", without a certificate: those are made for small networks");
  return 0;
}

}  // namespace

void add_simplify(CLI::App& application, Action& action) {
  CLI::App& command = *application.add_subcommand(
      "simplify", "Write a smaller network that computes the same for inputs in a box");
  const auto arguments = std::make_shared<Arguments>();
  command.add_option("model", arguments->model, "Folder that `crease train --save` wrote")->required();
  command.add_option("--box", arguments->box, "Every input element is from LOW to HIGH")
      ->required()
      ->type_name("LOW,HIGH");
  command.add_option("-o,--output", arguments->output, "Folder to make; it must not exist")->required();
  command.add_flag("--no-collapse", arguments->no_collapse,
                   "Only delete and linearise units: every weight stays as it is, none is rounded");
  command.footer(
      "Outputs are equal for inputs in the box, up to the rounding of merged layers; outside they are not.\n"
      "Examples:\n  crease simplify my-model --box 0,1 -o smaller\n  crease check smaller/certificate.json "
      "my-model");
  command.callback([&action, arguments] { action = [arguments] { return run(*arguments); }; });
}

}  // namespace crease::cli
