// crease canonical: one form for networks that differ by the scales and the order of their units.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "frontends/cli/commands.h"
#include "frontends/cli/model_file.h"
#include "frontends/model.h"
#include "frontends/report.h"
#include "graph/analysis/balance/balance.h"
#include "graph/analysis/balance/canonical.h"
#include "graph/analysis/digest.h"
#include "graph/error.h"

namespace crease::cli {
namespace {

struct Arguments {
  std::string model, output;
  int64_t samples = 64;
  bool real = false;
};

int run(const Arguments& arguments) {
  Model model = open_model(arguments.model);
  expect_free(arguments.output);
  const Graph before = analyzed_graph(model.network);
  const Canonical found = canonical(before, {.fixed = running_statistics(before), .real = arguments.real});
  if (arguments.real) {
    fmt::print("{} of {} factors differ from 1, rounded: outputs differ by {:.2g} of their size\n",
               std::ranges::count_if(found.t, [](double t) { return t != 0; }), found.t.size(),
               output_difference(before, found.rescaled, arguments.samples));
  } else {
    expect(same_outputs(before, found.rescaled, arguments.samples),
           "[canonical] outputs of '{}' are not the same to the bit, since numbers left the range of the "
           "element type: nothing is written",
           arguments.model);
    fmt::print("{} of {} factors differ from 1: outputs bit-identical on {} random inputs\n",
               std::ranges::count_if(found.t, [](double t) { return t != 0; }), found.t.size(),
               arguments.samples);
  }
  if (has_loop(before))
    fmt::print(
        "scales, signs and order of units inside of the loop over time stay: networks that differ by them "
        "get "
        "different digests\n");
  if (found.flipped > 0) fmt::print("{} signs changed\n", found.flipped);
  fmt::print("{} units changed their place: outputs differ by {:.2g} of their size, sums being reordered\n",
             found.exchanged, output_difference(found.rescaled, found.graph, arguments.samples));
  set_parameters(model.network, parameters_of(found.graph));
  save_new_model(arguments.output, model);
  fmt::print("digest {}\nsaved to {}\n", digest(found.graph), arguments.output);
  return 0;
}

}  // namespace

void add_canonical(CLI::App& application, Action& action) {
  CLI::App& command = *application.add_subcommand(
      "canonical", "Write the form of a saved network that does not depend on the scales and order of units");
  const auto arguments = std::make_shared<Arguments>();
  command.add_option("model", arguments->model, model_help)->required();
  command.add_option("-o,--output", arguments->output, "Folder to make; it must not exist")->required();
  command.add_option("--samples", arguments->samples, "Random inputs on which the networks are run")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  command.add_flag("--real", arguments->real,
                   "Any positive factors: the greatest parameter that leads into a unit becomes 1, rounded");
  command.footer(
      "Networks that differ by powers of two on their hidden units, by signs of tanh units, or by the order "
      "of\n"
      "units, get the same digest and the same parameters to the byte. What a loop over time reads and "
      "computes\n"
      "stays as it is: networks that differ by units inside of it get different digests.\n"
      "Example:\n  crease canonical my-model -o form");
  command.callback([&action, arguments] { action = [arguments] { return run(*arguments); }; });
}

}  // namespace crease::cli
