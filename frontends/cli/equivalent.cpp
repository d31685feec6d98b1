// crease equivalent: whether two saved networks compute the same function.
#include <fmt/format.h>

#include <memory>

#include "frontends/cli/commands.h"
#include "frontends/cli/model_file.h"
#include "frontends/file.h"
#include "frontends/model.h"
#include "frontends/report.h"
#include "graph/analysis/certificate.h"
#include "graph/analysis/check.h"
#include "graph/analysis/decimals.h"
#include "graph/analysis/equivalence/equivalence.h"
#include "graph/error.h"

namespace crease::cli {
namespace {

struct Arguments {
  std::string first, second, certificate;
  bool networks_only = false;
};

/// Equal networks behind other standardisations are not equal functions of the data.
void expect_like_samples(const Model& a, const Model& b) {
  const auto &one = a.info.standardisation, &other = b.info.standardisation;
  const bool alike = one.has_value() == other.has_value() &&
                     (!one || (one->mean == other->mean && one->deviation == other->deviation));
  expect(alike,
         "[equivalent] the two models standardise their data differently, so equal networks are not equal "
         "functions of the data: --networks-only compares what they make of standardised data");
  expect(a.info.classes == b.info.classes,
         "[equivalent] the two models call their outputs by other classes: --networks-only compares the "
         "outputs by "
         "their order");
}

/// "[0.5, -1, ... (64)]".
std::string point_text(const std::vector<Rational>& point) {
  constexpr size_t shown = 8;
  std::string text;
  for (size_t i = 0; i < std::min(point.size(), shown); ++i)
    text += (i > 0 ? ", " : "") + readable_text(point[i]);
  return "[" + text + (point.size() > shown ? fmt::format(", ... ({})]", point.size()) : "]");
}

void print_layers(const Graph& graph, const Equivalence& found) {
  constexpr size_t shown = 8;
  for (const LayerMatch& layer : found.layers) {
    std::string text;
    for (size_t i = 0; i < std::min(layer.scale.size(), shown); ++i)
      text += fmt::format("{} b[{}] = {} a[{}]", i > 0 ? "," : "", i, readable_text(layer.scale[i]),
                          layer.permutation[i]);
    if (layer.scale.size() > shown) text += fmt::format(", ... ({})", layer.scale.size());
    fmt::print("  {}:{}\n", node_key(graph, layer.b), text);
  }
}

void print(const Graph& graph, const Equivalence& found) {
  switch (found.verdict) {
    case Verdict::Proved:
      fmt::print("EQUIVALENT for all inputs: {}\n", found.reason);
      if (found.relation == Relation::SameOrbit)
        fmt::print("each hidden unit of the second is a multiple of its own unit of the first\n");
      print_layers(graph, found);
      return;
    case Verdict::Refuted: {
      const DifferenceWitness& witness = *found.witness;
      const auto [a, b] = distinct_texts(witness.a, witness.b);
      fmt::print("DIFFERENT: {}[{}] is {} and {}, {:.3g} apart, at input {} ({})\n", witness.output,
                 witness.index, a, b, (witness.a - witness.b).to_double(), point_text(witness.point),
                 found.reason);
      return;
    }
    case Verdict::Unknown: fmt::print("UNKNOWN: {}\n", found.reason); return;
  }
}

int run(const Arguments& arguments) {
  const Model one = open_model(arguments.first), other = open_model(arguments.second);
  if (!arguments.networks_only) expect_like_samples(one, other);
  const Graph first = analyzed_graph(one.network), second = analyzed_graph(other.network);
  const Equivalence found = equivalent(first, second);
  print(second, found);
  if (found.certificate) {
    const CheckResult judged = check(found.certificate->json, first, second);
    ensure(judged.accepted, "[equivalent] the checker refuses the certificate: {}", judged.reason);
    fmt::print("certificate checked: {}\n", judged.reason);
    if (!arguments.certificate.empty()) write_file_atomically(arguments.certificate, found.certificate->json);
  } else if (!arguments.certificate.empty()) {
    fmt::print("no certificate: '{}' is not written\n", arguments.certificate);
  }
  constexpr int different = 3, unknown = 4;
  return found.verdict == Verdict::Proved ? 0 : found.verdict == Verdict::Refuted ? different : unknown;
}

}  // namespace

void add_equivalent(CLI::App& application, Action& action) {
  CLI::App& command = *application.add_subcommand(
      "equivalent", "Whether two saved networks compute the same function, for all inputs");
  const auto arguments = std::make_shared<Arguments>();
  command.add_option("first", arguments->first, "Folder or ONNX file of one network")->required();
  command.add_option("second", arguments->second, "Folder or ONNX file of the other")->required();
  command.add_option(
      "--certificate", arguments->certificate,
      "Write the proof, with exact numbers, to this file, for `crease check FILE FIRST SECOND`");
  command.add_flag("--networks-only", arguments->networks_only,
                   "Compare the networks alone, whatever the models say of their data and classes");
  command.footer(
      "Exit status: 0 equivalent, 3 different, 4 unknown.\n"
      "Example:\n  crease balance my-model -o balanced && crease equivalent my-model balanced");
  command.callback([&action, arguments] { action = [arguments] { return run(*arguments); }; });
}

}  // namespace crease::cli
