#include "frontends/report/observed.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "autodiff/gradient_profile.h"
#include "graph/analysis/certificate.h"
#include "graph/analysis/separability.h"
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

Counts count_classes(std::vector<LabelledPoint> points, const std::vector<int64_t>& labels) {
  const std::set<int64_t> all(labels.begin(), labels.end());
  Counts counts;
  for (const int64_t label : all) {
    for (size_t k = 0; k < points.size(); ++k) points[k].label = labels[k] == label ? 1 : -1;
    const Separability found = separability(points, {.lp_entries = 600});
    if (found.plane) ++counts.separable;
    if (found.multipliers) ++counts.inseparable;
    if (!found.plane && !found.multipliers) ++counts.undecided;
    if (all.size() == 2) break;
  }
  return counts;
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

std::vector<Finding> observed_separability(const Graph& graph, const AnalyzeOptions& options) {
  if (options.labels.empty()) return {};
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
  for (const NodeId id : nodes) {
    const auto points = points_at(graph, id, options.samples, options.labels.size());
    const Counts counts = count_classes(points, options.labels);
    finding.sentences.push_back(sentence("at " + node_key(graph, id), counts));
    tensors.push_back({{"node", node_key(graph, id)},
                       {"separable", counts.separable},
                       {"inseparable", counts.inseparable},
                       {"undecided", counts.undecided}});
  }
  finding.sentences.front() +=
      fmt::format(" on {} samples, each answer checked exactly", options.labels.size());
  finding.evidence = Json{{"samples", options.labels.size()}, {"tensors", tensors}}.dump();
  return {std::move(finding)};
}

}  // namespace crease
