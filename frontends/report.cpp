#include "frontends/report.h"

#include <algorithm>

#include "frontends/optimizers.h"
#include "frontends/report/sections.h"
#include "frontends/report/settle.h"
#include "graph/analysis/check.h"
#include "graph/analysis/dataflow.h"
#include "graph/analysis/digest.h"
#include "graph/error.h"
#include "graph/listed.h"
#include "graph/rational.h"

namespace crease {
namespace {

/// The graph, where it names no output with the computed values that nothing reads as outputs.
Graph with_outputs(const Graph& graph) {
  Graph result = graph;
  if (!graph.outputs().empty()) return result;
  const auto users = readers(graph);
  for (NodeId id = 0; id < graph.size(); ++id) {
    if (graph.node(id).role != Role::Apply || !users[static_cast<size_t>(id)].empty()) continue;
    const size_t count = result.outputs().size();
    result.output(count == 0 ? "result" : fmt::format("result{}", count), result.value(id));
  }
  expect(!result.outputs().empty(), "[analyze] the graph has no outputs: name one with graph.output(...)");
  return result;
}

/// Only what the outputs need: without updates, so that a training step is not mistaken for the network.
Graph without_updates(const Graph& graph) {
  std::vector<std::pair<std::string, Value>> outputs;
  for (const Output& output : graph.outputs()) outputs.emplace_back(output.name, graph.value(output.node));
  return extract(outputs);
}

/// What a section finds; where its exact numbers become too long, that it is undecided.
template <class Find>
void append(std::vector<Finding>& all, const ReportSection& section, const Find& find) {
  std::vector<Finding> found;
  try {
    found = find();
  } catch (const LongNumber& problem) {
    const std::string subject(section.part.empty() ? section.label : section.part);
    found = {{.id = "undecided",
              .subject = subject,
              .sentences = {fmt::format("{}undecided: {}", section.part.empty() ? "" : subject + " ",
                                        problem.what())},
              .certificate = {}}};
  }
  for (Finding& finding : found) {
    finding.section = section.label;
    all.push_back(std::move(finding));
  }
}

std::vector<CheckedCertificate> check_all(const std::vector<Finding>& findings, const Graph& graph) {
  std::vector<CheckedCertificate> checked;
  for (size_t i = 0; i < findings.size(); ++i) {
    if (!findings[i].certificate) continue;
    CheckResult result = check(*findings[i].certificate, graph);
    checked.push_back({.id = fmt::format("c{}", checked.size() + 1),
                       .finding = i,
                       .accepted = result.accepted,
                       .reason = std::move(result.reason)});
  }
  return checked;
}

/// That each option means something for this graph.
void expect_meaning(const Graph& graph, const AnalyzeOptions& options) {
  const std::vector<std::string> symbols = graph.symbols();
  for (const auto& [name, size] : options.sizes) {
    expect(std::ranges::find(symbols, name) != symbols.end(),
           "[analyze] sizes: no dimension is named '{}': the graph has {}", name, listed(symbols));
    expect(size >= 0, "[analyze] sizes: got {} for dimension '{}', want at least 0", size, name);
  }
  if (options.box) {
    std::vector<std::string> inputs;
    for (const NodeId id : graph.inputs()) inputs.push_back(graph.node(id).name);
    for (const auto& [name, sides] : options.box->inputs)
      expect(std::ranges::find(inputs, name) != inputs.end(),
             "[analyze] box: no input is named '{}': the graph has {}", name, listed(inputs));
  }
  if (options.targets)
    expect(options.targets->first <= options.targets->second,
           "[analyze] targets: got least {} and greatest {}, want least <= greatest", options.targets->first,
           options.targets->second);
  expect(options.regions >= 0,
         "[analyze] regions: got {}, want a number of linear pieces, or 0 for as many as a second allows",
         options.regions);
}

/// Which box was used, in the caller's words if there are some.
std::vector<std::string> box_lines(const AnalyzeOptions& options) {
  if (!options.box || !options.box_lines.empty()) return options.box_lines;
  std::vector<std::string> lines;
  for (const auto& [name, sides] : options.box->inputs) {
    Interval all = sides.empty() ? Interval{} : sides.front();
    for (const Interval& side : sides) all = hull(all, side);
    lines.push_back(fmt::format("each of {} elements of '{}' has its own interval, all from {} to {}",
                                sides.size(), name, all.low, all.high));
  }
  if (const auto& all = options.box->all)
    lines.push_back(
        fmt::format("every {}input is from {} to {}", lines.empty() ? "" : "other ", all->low, all->high));
  return lines;
}

}  // namespace

Graph analyzed_graph(const Graph& graph) { return without_updates(with_outputs(graph)); }

Report analyze(const Graph& graph, const AnalyzeOptions& options) {
  expect_meaning(graph, options);
  Report report{.title = options.title,
                .digest = {},
                .graph = analyzed_graph(graph),
                .box = box_lines(options),
                .findings = {},
                .certificates = {},
                .structure = {},
                .cost = {}};
  report.digest = digest(report.graph);
  std::optional<BoxAnalysis> box;
  if (options.box) box.emplace(report.graph, *options.box);
  for (const ReportSection& section : report_sections()) {
    if (section.find != nullptr)
      append(report.findings, section, [&] { return section.find(report.graph, options); });
    if (box && section.find_in_box != nullptr)
      append(report.findings, section, [&] { return section.find_in_box(*box); });
  }
  settle(report.findings);
  report.certificates = check_all(report.findings, report.graph);
  report.structure = structure(report.graph);
  report.cost = cost(report.graph, options.sizes);
  return report;
}

}  // namespace crease
