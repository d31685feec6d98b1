// crease check: judges a certificate by the independent checker.
#include <fmt/format.h>

#include <memory>

#include "frontends/cli/commands.h"
#include "frontends/cli/model_file.h"
#include "frontends/file.h"
#include "frontends/model.h"
#include "frontends/report.h"
#include "graph/analysis/check.h"

namespace crease::cli {
namespace {

struct Arguments {
  std::string certificate, model, other;
};

int run(const Arguments& arguments) {
  const std::string certificate = read_file(arguments.certificate);
  const Graph graph = analyzed_graph(open_model(arguments.model).network);
  const CheckResult result =
      arguments.other.empty()
          ? check(certificate, graph)
          : check(certificate, graph, analyzed_graph(open_model(arguments.other).network));
  fmt::print("{}: {}\n", result.accepted ? "accepted" : "refused", result.reason);
  constexpr int refused = 3;  // 1 is what could not be judged
  return result.accepted ? 0 : refused;
}

}  // namespace

void add_check(CLI::App& application, Action& action) {
  CLI::App& command = *application.add_subcommand(
      "check", "Judge a certificate about a saved network, step by step, exactly");
  const auto arguments = std::make_shared<Arguments>();
  command
      .add_option("certificate", arguments->certificate, "File that `crease inspect --certificates` wrote")
      ->required();
  command.add_option("model", arguments->model, model_help)->required();
  command.add_option("other", arguments->other,
                     "The second network, for what `crease equivalent --certificate` wrote");
  command.footer(
      "Exit status: 0 accepted, 3 refused, 1 a file that cannot be read.\n"
      "Examples:\n  crease inspect my-model --certificates proofs\n  crease check proofs/c1.json my-model");
  command.callback([&action, arguments] { action = [arguments] { return run(*arguments); }; });
}

}  // namespace crease::cli
