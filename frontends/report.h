// What crease can say about a network, in one call: proofs, symmetries, saturation, structure, cost; as text,
// JSON or a picture.
//
//   fmt::print("{}\n", analyze(graph));
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "graph/analysis/bounds/node_bounds.h"
#include "graph/analysis/cost.h"
#include "graph/analysis/finding.h"
#include "graph/analysis/structure.h"
#include "graph/evaluate.h"
#include "graph/graph.h"

namespace crease {

struct AnalyzeOptions {
  /// Heads the report.
  std::string title = "network";
  /// Sizes of named dimensions, for the cost; those not given count as 1.
  Sizes sizes = {};
  /// Where the inputs are: what can be said of units and ranges there is said, too.
  std::optional<InputBox> box = {};
  /// What the report says of it, such as its ends in other units; empty: its ends as the network gets them.
  std::vector<std::string> box_lines = {};
  /// Samples for what can only be observed: zeros, gradients, separability. Empty: a few standard normal
  /// ones.
  std::vector<Bindings> samples = {};
  /// The class of each sample, all bindings in order; empty: separability is not looked at.
  std::vector<int64_t> labels = {};
  /// Least and greatest target, where they are known: an output that cannot reach them is named.
  std::optional<std::pair<double, double>> targets = {};
  /// Linear pieces are counted up to this many; 0: as many as about a second allows.
  int64_t regions = 0;
};

/// What the independent checker says of a finding's certificate.
struct CheckedCertificate {
  std::string id;  // "c1"
  size_t finding;  // position in Report::findings
  bool accepted = false;
  std::string reason;  // what was proved, or why it is refused
};

/// The findings about what leads from a graph's inputs to its outputs.
struct Report {
  std::string title;
  std::string digest;  // of the graph
  Graph graph;
  std::vector<std::string> box;   // where the inputs are, in words; empty: anywhere
  std::vector<Finding> findings;  // in the order of report_sections()
  std::vector<CheckedCertificate> certificates;
  Structure structure;
  CostReport cost;
};

/// Analyses the outputs of a graph, where it names none the computed values that nothing reads; gradients and
/// updates that it may hold are not looked at. Each certificate is checked at once. Errors: Error if there is
/// nothing computed; for sizes of dimensions and a box of inputs that the graph does not have, negative
/// sizes, an empty box, least above greatest target, and a negative number of regions. Cost: about linear in
/// the graph; a product of affine layers is formed exactly (256 x 784 in about 0.2 s).
Report analyze(const Graph& graph, const AnalyzeOptions& options = {});

/// The graph that `analyze` speaks of, and so its certificates: what the outputs need, without updates.
/// Errors: Error if there is nothing computed.
Graph analyzed_graph(const Graph& graph);

/// Sections, each of which begins with its verdict. At most `lines` lines, the rest is counted; 0: all.
std::string to_text(const Report& report, int lines = 40);
/// Schema "graph-analysis/1": stable keys, findings with evidence, certificates in full.
std::string to_json(const Report& report);
/// Graphviz: colour by what a node is (grey constant, blue affine, green piecewise linear, yellow smooth),
/// thick border where an affine part ends; edges that carry rescalable units name them.
std::string to_dot(const Report& report);
/// One self-contained page: findings, the graph, what is known of each node; sliders that rescale the
/// parameters and compute the outputs anew; for networks with two inputs a picture of their linear pieces. It
/// loads nothing from anywhere.
std::string to_html(const Report& report);

/// "x[64] -> linear 64 -> relu -> linear 10 = logits".
std::string network_line(const Graph& graph);

}  // namespace crease

template <>
struct fmt::formatter<crease::Report> : fmt::formatter<std::string_view> {
  template <class Context>
  auto format(const crease::Report& report, Context& context) const {
    return fmt::formatter<std::string_view>::format(crease::to_text(report), context);
  }
};
