// crease inspect: what can be said about a saved network.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>

#include "frontends/cli/box.h"
#include "frontends/cli/commands.h"
#include "frontends/cli/data_source.h"
#include "frontends/cli/model_file.h"
#include "frontends/cli/usage.h"
#include "frontends/file.h"
#include "frontends/model.h"
#include "frontends/report.h"
#include "graph/error.h"

namespace crease::cli {
namespace {

struct Arguments {
  std::string model, certificates, data;
  std::vector<std::string> box;
  int64_t samples = 100, regions = 0;
  bool json = false, dot = false, html = false, all = false;
};

/// c1.json, c2.json, ... for `crease check`.
void write_certificates(const Report& report, const std::filesystem::path& folder) {
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  expect(!problem, "[inspect] cannot make the folder '{}': {}", folder.string(), problem.message());
  for (const CheckedCertificate& checked : report.certificates)
    write_file_atomically(folder / (checked.id + ".json"),
                          report.findings[checked.finding].certificate->json);
}

/// The first test samples, for what is observed.
void add_samples(AnalyzeOptions& options, const Model& model, const Arguments& arguments) {
  const LoadedData data = load_data(arguments.data, &model);
  const Dataset& test = data.split.test;
  expect(arguments.samples >= 1, "[inspect] samples must be at least 1: got {}", arguments.samples);
  const std::vector<NodeId> inputs = model.network.inputs();
  expect(inputs.size() == 1, "[inspect] samples want a network with one input: it has {}", inputs.size());
  const Batches order = test.batches(std::min(arguments.samples, test.size()), {.shuffle = false});
  const Batch batch = *order.begin();
  options.samples = {{{model.network.node(inputs[0]).name, batch.x}}};
  if (test.classes == 0) {
    double low = batch.y.at(0), high = low;
    for (int64_t i = 0; i < batch.y.count(); ++i) {
      low = std::min(low, batch.y.at(i));
      high = std::max(high, batch.y.at(i));
    }
    options.targets = {low, high};
  } else if (batch.y.count() == batch.size()) {
    for (int64_t i = 0; i < batch.size(); ++i) options.labels.push_back(std::llround(batch.y.at(i)));
  }
}

int run(const Arguments& arguments) {
  const Model model = open_model(arguments.model);
  const std::string title = std::filesystem::path(arguments.model).lexically_normal().filename().string();
  AnalyzeOptions options{.title = title.empty() ? arguments.model : title, .regions = arguments.regions};
  if (!arguments.box.empty()) {
    GivenBox given = given_box(arguments.box, model);
    options.box = std::move(given.box);
    options.box_lines = std::move(given.lines);
  }
  if (!arguments.data.empty()) add_samples(options, model, arguments);
  const Report report = analyze(model.network, options);
  if (!arguments.certificates.empty()) write_certificates(report, arguments.certificates);
  if (arguments.json) {
    fmt::print("{}\n", to_json(report));
  } else if (arguments.html) {
    fmt::print("{}", to_html(report));
  } else if (arguments.dot) {
    fmt::print("{}\n", to_dot(report));
  } else {
    fmt::print("{}\n", arguments.all ? to_text(report, 0) : to_text(report));
  }
  return 0;
}

}  // namespace

void add_inspect(CLI::App& application, Action& action) {
  CLI::App& command = *application.add_subcommand("inspect", "Report what is proved about a saved network");
  const auto arguments = std::make_shared<Arguments>();
  command.add_option("model", arguments->model, model_help)->required();
  CLI::Option* json = command.add_flag("--json", arguments->json, "As JSON, with certificates in full");
  CLI::Option* dot = command.add_flag("--dot", arguments->dot, "As a drawing for Graphviz")->excludes(json);
  command
      .add_flag("--html", arguments->html,
                "As one page for a browser, with a drawing and sliders; it needs no network")
      ->excludes(json)
      ->excludes(dot);
  add_box(command, arguments->box, "Also what holds for inputs in a box: dead units, ranges.");
  command.add_option("--certificates", arguments->certificates,
                     "Also write each certificate into this folder, as c1.json, c2.json, ...");
  command.add_option(
      "--data", arguments->data,
      "Observe zeros, gradients and separability on test samples of: " + std::string(data_help));
  command.add_option("--samples", arguments->samples, "How many of them")->capture_default_str();
  command
      .add_option("--regions", arguments->regions,
                  "Count linear pieces up to this many; without it as many as about a second allows")
      ->check(CLI::Range(1, 10'000'000))
      ->type_name("CELLS");
  command.add_flag("--all", arguments->all, "Every line of the text, not 40 at most");
  command.footer(
      "Examples:\n  crease inspect my-model\n  crease inspect my-model --html > my-model.html\n  crease "
      "inspect my-model --dot | dot -Tsvg > my-model.svg\n  crease inspect my-model --certificates proofs\n  "
      "crease "
      "inspect my-model --box 0,1\n  crease inspect my-model --box age=20,60 --box income=0,1e5\n  crease "
      "inspect my-model --data digits");
  command.callback([&command, &action, arguments] {
    refuse_idle(command, {{.options = {"--samples"}, .without = {"--data"}},
                          {.options = {"--all"}, .beside = {"--json", "--dot", "--html"}}});
    action = [arguments] { return run(*arguments); };
  });
}

}  // namespace crease::cli
