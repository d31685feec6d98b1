#include "frontends/report/observed.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "autodiff/gradient_profile.h"
#include "graph/analysis/certificate.h"
#include "graph/analysis/exact.h"
#include "graph/analysis/points.h"
#include "graph/analysis/regions/segments.h"
#include "graph/analysis/separability_certificate.h"
#include "graph/analysis/sparsity.h"
#include "graph/error.h"

namespace crease {
namespace {

using Json = nlohmann::ordered_json;

/// About a second of the interpreter.
constexpr int64_t point_budget = int64_t{1} << 25;

/// The user's samples, or as many standard normal ones as are cheap where one takes so many loop points.
std::vector<Bindings> samples_for(const Graph& graph, const AnalyzeOptions& options, int64_t points) {
  if (!options.samples.empty()) return options.samples;
  constexpr int64_t most = 32;
  const int64_t affordable = point_budget / std::max<int64_t>(points, 1);
  if (affordable == 0) return {};
  return normal_samples(graph, std::min(most, affordable), 1);
}

/// Says where the samples come from.
void name_source(std::vector<Finding>& findings, const AnalyzeOptions& options) {
  if (!options.samples.empty()) return;
  const std::string counted = " samples";
  for (Finding& finding : findings)
    for (std::string& sentence : finding.sentences)
      if (const size_t at = sentence.find(counted); at != std::string::npos)
        sentence.replace(at, counted.size(), " standard normal samples");
}

/// How many classes are separable from all others, of how many that were decided.
struct Counts {
  size_t separable = 0, inseparable = 0, undecided = 0;
};

Counts counted(const SeparableTensor& tensor) {
  Counts counts;
  for (const SeparableLabel& each : tensor.labels) {
    if (each.answer.plane) ++counts.separable;
    if (each.answer.multipliers) ++counts.inseparable;
    if (!each.answer.plane && !each.answer.multipliers) ++counts.undecided;
  }
  return counts;
}

/// Each class against all others; of two classes one is enough.
SeparableTensor separable_classes(NodeId node, std::vector<LabelledPoint> points,
                                  const std::vector<int64_t>& labels) {
  const std::set<int64_t> all(labels.begin(), labels.end());
  SeparableTensor found{node, {}};
  for (const int64_t label : all) {
    for (size_t k = 0; k < points.size(); ++k) points[k].label = labels[k] == label ? 1 : -1;
    found.labels.push_back({label, separability(points, {.lp_entries = 600})});
    if (all.size() == 2) break;
  }
  return found;
}

/// The first samples as points: elements of all inputs in the graph's order. Fewer where bindings lack an
/// input.
std::vector<Point> input_points(const Graph& graph, const std::vector<Bindings>& samples, size_t most) {
  std::vector<Point> points;
  for (const Bindings& bindings : samples) {
    int64_t rows = std::numeric_limits<int64_t>::max();
    for (const NodeId id : graph.inputs()) {
      const Node& node = graph.node(id);
      const auto bound = bindings.find(node.name);
      if (bound == bindings.end()) return points;
      rows = std::min(rows, bound->second.count() / std::max<int64_t>(sample_count(node.shape), 1));
    }
    for (int64_t row = 0; row < rows && points.size() < most; ++row) {
      Point& point = points.emplace_back();
      for (const NodeId id : graph.inputs()) {
        const int64_t width = sample_count(graph.node(id).shape);
        const Tensor& values = bindings.at(graph.node(id).name);
        for (int64_t i = 0; i < width; ++i) point.push_back(Rational::of(values.at(row * width + i)));
      }
    }
  }
  return points;
}

/// Two opposite corners of a box; nothing if it is infinite.
std::vector<Point> diagonal(const Graph& graph, const InputBox& box) {
  Point low, high;
  for (const NodeId id : graph.inputs())
    for (const Interval& side : box_of(graph, id, box)) {
      if (!side.is_finite()) return {};
      low.push_back(Rational::of(side.low));
      high.push_back(Rational::of(side.high));
    }
  return {std::move(low), std::move(high)};
}

/// The values of a node for all samples, each a point.
std::vector<LabelledPoint> points_at(const Graph& graph, NodeId node, const std::vector<Bindings>& samples,
                                     size_t count) {
  std::vector<LabelledPoint> points;
  const Value wanted = graph.value(node);
  for (const Bindings& inputs : samples) {
    const Tensor values = evaluate(graph, inputs, std::span(&wanted, 1)).front();
    const auto rows = static_cast<int64_t>(count) / static_cast<int64_t>(samples.size());
    for (int64_t row = 0; row < rows; ++row) {
      LabelledPoint point;
      const int64_t width = values.count() / rows;
      for (int64_t i = 0; i < width; ++i) point.x.push_back(Rational::of(values.at(row * width + i)));
      points.push_back(std::move(point));
    }
  }
  return points;
}

/// The values of a node at points of the inputs in exact arithmetic, which a certificate is about; nothing
/// where they are none or too long.
std::optional<std::vector<LabelledPoint>> exact_points(const Graph& graph, NodeId node,
                                                       const std::vector<Point>& inputs) {
  constexpr int64_t most = int64_t{1} << 21;  // about a second
  int64_t points = 0, steps = 0;
  for (const NodeId id : ancestors(graph, std::span(&node, 1))) {
    if (graph.node(id).role != Role::Apply) continue;
    if (has_lookup(graph.node(id))) return {};
    points += PointWalk(graph, id).count();
    ++steps;
  }
  if (points * steps * static_cast<int64_t>(inputs.size()) > most) return {};
  std::vector<LabelledPoint> result;
  for (const Point& input : inputs) {
    std::map<NodeId, ExactValues> given;
    size_t next = 0;
    for (const NodeId id : graph.inputs())
      for (int64_t i = 0; i < sample_count(graph.node(id).shape); ++i) given[id].push_back(input[next++]);
    auto values = evaluate_exactly(graph, given, std::span(&node, 1));
    if (!values) return {};
    result.push_back({std::move(values->at(node)), 1});
  }
  return result;
}

std::string sentence(const std::string& where, const Counts& counts) {
  const size_t decided = counts.separable + counts.inseparable;
  std::string text = fmt::format("{}: {} of {} classes are linearly separable from the others", where,
                                 counts.separable, decided + counts.undecided);
  if (counts.undecided > 0) text += fmt::format(", {} undecided", counts.undecided);
  return text;
}

}  // namespace

std::vector<Finding> observed_sparsity(const Graph& graph, const AnalyzeOptions& options) {
  if (rectifiers(graph).empty()) return {};
  const std::vector<Bindings> samples = samples_for(graph, options, gradient_points(graph) / 4);
  if (samples.empty()) return {};
  std::vector<Finding> findings = sparsity_findings(sparsity(graph, samples));
  name_source(findings, options);
  return findings;
}

std::vector<Finding> observed_gradients(const Graph& graph, const AnalyzeOptions& options) {
  std::vector<Finding> findings =
      gradient_findings(gradient_profile(graph, samples_for(graph, options, gradient_points(graph))));
  name_source(findings, options);
  return findings;
}

std::vector<Finding> observed_regions(const Graph& graph, const AnalyzeOptions& options) {
  constexpr size_t most = 4;
  if (graph.inputs().empty()) return {};
  if (!options.samples.empty())
    return segment_findings(graph, input_points(graph, options.samples, most), "samples");
  if (options.box) return segment_findings(graph, diagonal(graph, *options.box), "corners of the box");
  return {};
}

std::vector<Finding> observed_separability(const Graph& graph, const AnalyzeOptions& options) {
  if (options.labels.empty() || graph.inputs().empty()) return {};
  expect(!options.samples.empty(), "[analyze] {} labels without samples", options.labels.size());
  expect(options.labels.size() % options.samples.size() == 0, "[analyze] {} labels for {} bindings",
         options.labels.size(), options.samples.size());
  std::vector<NodeId> nodes{graph.inputs().front()};
  const std::vector<NodeId> layers = rectifiers(graph, {.threshold = 1});
  constexpr size_t most = 4;  // layers looked at: the first and the last
  for (size_t i = 0; i < layers.size(); ++i)
    if (i < most / 2 || i + most / 2 >= layers.size()) nodes.push_back(layers[i]);
  Finding finding{.id = "separability",
                  .subject = "labels",
                  .level = Level::Observed,
                  .sentences = {},
                  .certificate = {}};
  Json tensors = Json::array();
  const std::vector<Point> inputs = input_points(graph, options.samples, options.labels.size());
  std::vector<SeparableTensor> proved;
  for (const NodeId id : nodes) {
    auto points = exact_points(graph, id, inputs);
    const bool exact = points.has_value();
    if (!exact) points = points_at(graph, id, options.samples, options.labels.size());
    SeparableTensor tensor = separable_classes(id, std::move(*points), options.labels);
    const Counts counts = counted(tensor);
    if (exact && counts.separable + counts.inseparable > 0) proved.push_back(std::move(tensor));
    finding.sentences.push_back(sentence("at " + node_key(graph, id), counts));
    tensors.push_back({{"node", node_key(graph, id)},
                       {"separable", counts.separable},
                       {"inseparable", counts.inseparable},
                       {"undecided", counts.undecided}});
  }
  finding.sentences.front() +=
      fmt::format(" on {} samples, each answer checked exactly", options.labels.size());
  if (!proved.empty()) finding.certificate = separability_certificate(graph, inputs, options.labels, proved);
  finding.evidence = Json{{"samples", options.labels.size()}, {"tensors", tensors}}.dump();
  return {std::move(finding)};
}

}  // namespace crease
