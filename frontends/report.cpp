#include "frontends/report.h"

#include "graph/analysis/check.h"
#include "graph/analysis/digest.h"
#include "graph/analysis/linearity.h"
#include "graph/analysis/saturation.h"
#include "graph/analysis/scaling_report.h"
#include "graph/error.h"

namespace crease {
namespace {

void append(std::vector<Finding>& all, std::vector<Finding> more) {
  for (Finding& finding : more) all.push_back(std::move(finding));
}

/// Only what the outputs need: without updates, so that a training step is not mistaken for the network.
Graph without_updates(const Graph& graph) {
  Graph result;
  std::vector<NodeId> results;
  for (const Output& output : graph.outputs()) results.push_back(output.node);
  std::vector<Value> copies(static_cast<size_t>(graph.size()));
  for (const NodeId id : ancestors(graph, results)) {
    std::vector<Value> operands;
    for (const NodeId operand : graph.node(id).operands)
      operands.push_back(copies[static_cast<size_t>(operand)]);
    copies[static_cast<size_t>(id)] = result.copy(graph.node(id), operands);
  }
  for (const Output& output : graph.outputs())
    result.output(output.name, copies[static_cast<size_t>(output.node)]);
  if (graph.tie()) result.set_tie(*graph.tie());
  return result;
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

}  // namespace

Report analyze(const Graph& graph, const AnalyzeOptions& options) {
  expect(!graph.outputs().empty(), "[analyze] the graph has no outputs: name one with graph.output(...)");
  Report report{.title = options.title,
                .digest = {},
                .graph = without_updates(graph),
                .findings = {},
                .certificates = {},
                .structure = {},
                .cost = {}};
  report.digest = digest(report.graph);
  append(report.findings, linearity_findings(report.graph));
  append(report.findings, scaling_findings(report.graph));
  append(report.findings, saturation_findings(report.graph));
  report.certificates = check_all(report.findings, report.graph);
  report.structure = structure(report.graph);
  report.cost = cost(report.graph, options.sizes);
  return report;
}

}  // namespace crease
