// crease prove: what is proved about a saved network, judged again, and as a question to a solver of others.
#include <fmt/format.h>

#include <memory>
#include <optional>

#include "frontends/cli/commands.h"
#include "frontends/cli/model_file.h"
#include "frontends/cli/usage.h"
#include "frontends/file.h"
#include "frontends/model.h"
#include "frontends/report.h"
#include "graph/analysis/smt.h"
#include "graph/error.h"

namespace crease::cli {
namespace {

struct Arguments {
  std::string model, other, claim, certificate, smt;
};

/// The certificate with this id, or the only one if no id is given.
const CheckedCertificate& chosen(const Report& report, const std::string& claim) {
  std::string ids;
  for (const CheckedCertificate& checked : report.certificates) {
    ids += (ids.empty() ? "" : ", ") + checked.id;
    if (checked.id == claim) return checked;
  }
  expect(!report.certificates.empty(), "[prove] nothing is proved about '{}'", report.title);
  expect(claim.empty(), "[prove] no such claim: got '{}', want one of {}", claim, ids);
  expect(report.certificates.size() == 1, "[prove] which claim: got none, want --claim with one of {}", ids);
  return report.certificates.front();
}

constexpr int refused = 3;  // as of `crease check`

/// Whether the proof is accepted.
bool tell(const Report& report, const CheckedCertificate& checked) {
  fmt::print("{:<4} {:<22} {:<8} {}\n", checked.id, report.findings[checked.finding].certificate->kind,
             checked.accepted ? "proved" : "refused", checked.reason);
  return checked.accepted;
}

int list(const Report& report, const std::string& claim) {
  if (!claim.empty()) return tell(report, chosen(report, claim)) ? 0 : refused;
  bool all = true;
  for (const CheckedCertificate& checked : report.certificates) all = tell(report, checked) && all;
  if (report.certificates.empty()) fmt::print("nothing is proved about {}\n", report.title);
  return all ? 0 : refused;
}

int run(const Arguments& arguments) {
  const Graph network = open_model(arguments.model).network;
  if (!arguments.certificate.empty()) {
    std::optional<Graph> other;
    if (!arguments.other.empty()) other = analyzed_graph(open_model(arguments.other).network);
    write_file_atomically(arguments.smt, smt_claim(read_file(arguments.certificate), analyzed_graph(network),
                                                   other ? &*other : nullptr));
    fmt::print("written to {}: a solver answers unsat if the claim holds\n", arguments.smt);
    return 0;
  }
  const Report report = analyze(network, {.title = arguments.model});
  if (arguments.smt.empty()) return list(report, arguments.claim);
  const CheckedCertificate& checked = chosen(report, arguments.claim);
  write_file_atomically(arguments.smt,
                        smt_claim(report.findings[checked.finding].certificate->json, report.graph));
  fmt::print("{} written to {}: a solver answers unsat if {}\n", checked.id, arguments.smt, checked.reason);
  return 0;
}

}  // namespace

void add_prove(CLI::App& application, Action& action) {
  CLI::App& command = *application.add_subcommand(
      "prove", "List what is proved about a saved network, or ask another solver");
  const auto arguments = std::make_shared<Arguments>();
  command.add_option("model", arguments->model, model_help)->required();
  command.add_option("other", arguments->other,
                     "The second network, for what `crease equivalent --certificate` wrote");
  CLI::Option* claim =
      command.add_option("--claim", arguments->claim, "Only this one, by the id that the list gives: c1");
  command.add_option("--certificate", arguments->certificate, "The claim of this file instead")
      ->excludes(claim);
  command.add_option("--smt2", arguments->smt,
                     "Write the claim to this file in SMT-LIB 2, logic QF_LRA: unsat means that it holds");
  command.footer(
      "A certificate is judged by `crease check`. Exit status without --smt2: 0 if every proof is accepted, "
      "3 if one is refused.\n"
      "Examples:\n  crease prove my-model\n  crease prove my-model --claim c1 --smt2 c1.smt2 && z3 c1.smt2");
  command.callback([&command, &action, arguments] {
    refuse_idle(command, {{.options = {"--certificate"}, .without = {"--smt2"}},
                          {.options = {"other"}, .without = {"--certificate"}}});
    action = [arguments] { return run(*arguments); };
  });
}

}  // namespace crease::cli
