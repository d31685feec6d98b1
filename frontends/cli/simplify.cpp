// crease simplify: a smaller network that is the same on a box.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "frontends/cli/box.h"
#include "frontends/cli/commands.h"
#include "frontends/cli/model_file.h"
#include "frontends/file.h"
#include "frontends/model.h"
#include "frontends/report.h"
#include "graph/analysis/check.h"
#include "graph/analysis/cost.h"
#include "graph/analysis/digest.h"
#include "graph/analysis/equivalence/box_equivalence.h"
#include "graph/analysis/equivalence/same_orbit.h"
#include "graph/error.h"
#include "graph/rewrite/simplify_units.h"

namespace crease::cli {
namespace {

struct Arguments {
  std::string model, output;
  std::vector<std::string> box;
  bool no_collapse = false, certified = false;

  SimplifyOptions options() const {
    SimplifyOptions options{.collapse = !no_collapse};
    if (certified) options.box.linear.work_limit = 0;
    return options;
  }
};

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

void print_layer(const SimplifiedUnits& layer, const char* indent) {
  fmt::print("{}{}: {} deleted, {} linearised, {} kept\n", indent, layer.node, layer.deleted,
             layer.linearised, layer.kept);
}

void print(const SimplifiedNetwork& simplified) {
  for (size_t k = 0; k < simplified.rounds.size(); ++k) {
    const SimplifiedRound& round = simplified.rounds[k];
    fmt::print("round {}: {} affine parts merged; then {} parameters, {} multiplications\n", k + 1,
               round.merged, round.parameters, round.multiplications);
    for (const SimplifiedUnits& layer : round.layers) print_layer(layer, "  ");
    if (!round.constants.empty()) fmt::print("  constant on the box: {}\n", fmt::join(round.constants, ", "));
  }
  if (!simplified.layers.empty()) fmt::print("in all, units by layer:\n");
  for (const SimplifiedUnits& layer : simplified.layers) print_layer(layer, "  ");
  for (const std::string& kept : simplified.kept) fmt::print("left as it is: {}\n", kept);
}

/// The proof that both networks are close on the box, checked; of the same network twice there is no bound.
std::optional<Certificate> proved(const Graph& before, const Graph& after, const InputBox& box) {
  if (digest(before) == digest(after)) {
    fmt::print("nothing was changed: outputs are the same for all inputs\n");
    return same_orbit(before, after);
  }
  const BoxEquivalence proof = box_equivalence(before, after, box);
  if (!proof.certificate) {
    fmt::print("no certificate: {}\n", proof.reason);
    return {};
  }
  const CheckResult result = check(proof.certificate->json, before, after);
  expect(result.accepted, "[simplify] the proof is refused: {}", result.reason);
  fmt::print("proved and checked: {}\n", result.reason);
  const auto is_coarse = [](const auto& output) { return output.second > Rational(1, 1000); };
  if (std::ranges::any_of(proof.difference, is_coarse))
    fmt::print(
        "coarse: the proof decides fewer units than the analysis, its bound is far from the difference; with "
        "--certified only what the proof can decide is changed\n");
  return proof.certificate;
}

int run(const Arguments& arguments) {
  const std::filesystem::path to = arguments.output;
  Model model = open_model(arguments.model);
  const Graph graph = analyzed_graph(model.network);
  const GivenBox given = given_box(arguments.box, model);
  const InputBox& box = given.box;
  expect_free(to);
  fmt::print("the box: {}\n", fmt::join(given.lines, "\n         "));
  const SimplifiedNetwork simplified = simplify_units(graph, box, arguments.options());
  print(simplified);
  model.network = simplified.graph;
  fmt::print("parameters: {} before, {} after\n", parameter_count(graph), parameter_count(model.network));
  const std::optional<Certificate> certificate = proved(graph, analyzed_graph(model.network), box);
  save_with(to, model, certificate);
  fmt::print("saved to {}{}\n", to.string(), certificate ? ", with certificate.json for `crease check`" : "");
  return 0;
}

}  // namespace

void add_simplify(CLI::App& application, Action& action) {
  CLI::App& command = *application.add_subcommand(
      "simplify", "Write a smaller network that computes the same for inputs in a box");
  const auto arguments = std::make_shared<Arguments>();
  command.add_option("model", arguments->model, model_help)->required();
  add_box(command, arguments->box, "Where the inputs are.")->required();
  command.add_option("-o,--output", arguments->output, "Folder to make; it must not exist")->required();
  command.add_flag("--no-collapse", arguments->no_collapse,
                   "Only delete and linearise units: every weight stays as it is, none is rounded");
  command.add_flag(
      "--certified", arguments->certified,
      "Change only units that intervals decide, as the certificate does: its bound is then of the "
      "size of rounding");
  command.footer(
      "Deletes dead units and channels (through normalisation, pooling, residual sums, concatenation and\n"
      "flattening), replaces always active ones by their argument, merges affine layers, and begins again\n"
      "until nothing changes. Outputs are equal for inputs in the box, up to the rounding of merged layers,\n"
      "which the certificate bounds; outside they are not.\n"
      "Examples:\n  crease simplify my-model --box 0,1 -o smaller\n  crease simplify my-model --box "
      "age=20,60 --box income=0,1e5 -o smaller\n  crease check smaller/certificate.json "
      "my-model smaller");
  command.callback([&action, arguments] { action = [arguments] { return run(*arguments); }; });
}

}  // namespace crease::cli
