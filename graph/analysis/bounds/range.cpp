#include "graph/analysis/bounds/range.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>

#include "graph/analysis/bounds/nan_search.h"
#include "graph/analysis/certificate.h"
#include "graph/analysis/decimals.h"
#include "graph/analysis/points.h"
#include "graph/error.h"
#include "graph/evaluate.h"
#include "graph/stored.h"

namespace crease {

namespace {

using Json = nlohmann::ordered_json;

bool is_floating_apply(const Node& node) { return node.role == Role::Apply && is_floating(node.type); }

/// The least interval that contains all elements of a node.
Interval hull_of(const BoxAnalysis& box, NodeId id) {
  const int64_t count = sample_count(box.graph().node(id).shape);
  Interval all = count == 0 ? Interval::point(0) : box.by_lines(id, 0);
  for (int64_t i = 1; i < count; ++i) all = hull(all, box.by_lines(id, i));
  return all;
}

/// Greatest value of a label; of a named dimension there is none.
double last_of(const Label& label) {
  return label.extent.is_symbol() ? kInfinity
                                  : static_cast<double>(std::max<int64_t>(label.extent.size(), 1) - 1);
}

/// Whether an element of the result knows the value of the label.
bool is_written(const Loops& loops, int label) {
  return std::ranges::any_of(loops.write, [&](const AffineIndex& index) {
    return index.lookup < 0 && index.terms.size() == 1 && index.terms[0].label == label;
  });
}

/// From all elements at once: what it does not find is not there.
std::string coarse_nan_reason(const BoxAnalysis& box, const Node& node, double largest) {
  std::vector<Interval> arguments, labels;
  for (const NodeId operand : node.operands) arguments.push_back(hull_of(box, operand));
  for (const Label& label : node.loops.labels) labels.push_back({0, last_of(label)});
  NanSearch search(node.op->body.expression, largest);
  if (std::string why = search.run(arguments, labels); !why.empty()) return why;
  double terms = 1;
  for (int label = 0; label < static_cast<int>(labels.size()); ++label)
    if (!is_written(node.loops, label)) terms *= labels[static_cast<size_t>(label)].high + 1;
  MeetingTerms meeting(node.op->combine, largest);
  meeting.add(search.value(), terms);
  return meeting.reason();
}

/// Loop point by loop point.
std::string fine_nan_reason(const BoxAnalysis& box, NodeId id, double largest) {
  const Graph& graph = box.graph();
  const Node& node = graph.node(id);
  NanSearch search(node.op->body.expression, largest);
  std::vector<Interval> arguments(node.operands.size()), labels(node.loops.labels.size());
  std::vector<MeetingTerms> elements(static_cast<size_t>(sample_count(node.shape)),
                                     MeetingTerms(node.op->combine, largest));
  double rows = 1;
  for (int label = 0; label < static_cast<int>(labels.size()); ++label)
    if (last_of(node.loops.labels[static_cast<size_t>(label)]) == kInfinity && !is_written(node.loops, label))
      rows = kInfinity;
  for (PointWalk walk(graph, id); walk.valid(); walk.next()) {
    if (!walk.inside()) continue;
    for (size_t k = 0; k < arguments.size(); ++k) arguments[k] = box.by_lines(node.operands[k], walk.read(k));
    for (size_t k = 0; k < labels.size(); ++k) {
      const bool named = node.loops.labels[k].extent.is_symbol();
      labels[k] = named ? Interval{0, kInfinity} : Interval::point(static_cast<double>(walk.labels()[k]));
    }
    if (std::string why = search.run(arguments, labels); !why.empty()) return why;
    elements[static_cast<size_t>(walk.write())].add(search.value(), rows);
  }
  for (const MeetingTerms& element : elements)
    if (std::string why = element.reason(); !why.empty()) return why;
  return "";
}

std::string nan_reason(const BoxAnalysis& box, NodeId id, double largest) {
  const Node& node = box.graph().node(id);
  if (!is_floating(node.type)) return "";
  if (node.role == Role::Scan) return "what happens inside of a loop over time is not known";
  if (node.role != Role::Apply) {
    for (int64_t i = 0; i < node.value.count() && node.role != Role::Input; ++i)
      if (std::isnan(node.value.at(i))) return "it holds NaN";
    return "";
  }
  const std::string coarse = coarse_nan_reason(box, node, largest);
  const bool mixes = has_lookup(node) || !stores_exactly(box.graph(), node);
  return coarse.empty() || mixes ? coarse : fine_nan_reason(box, id, largest);
}

/// Inputs with every element at a share of its interval; nothing if an interval is infinite or an input is
/// not floating.
std::optional<Bindings> inputs_at(const BoxAnalysis& box, const std::function<double()>& share) {
  Bindings inputs;
  for (const NodeId id : box.graph().inputs()) {
    const Node& node = box.graph().node(id);
    if (!is_floating(node.type)) return {};
    Tensor tensor(node.type, sample_sizes(node.shape));
    const std::vector<Interval> intervals = box_of(box.graph(), id, box.box());
    for (int64_t i = 0; i < tensor.count(); ++i) {
      const Interval& x = intervals[static_cast<size_t>(i)];
      if (!x.is_finite()) return {};
      const double value = std::clamp(x.low + share() * (x.high - x.low), x.low, x.high);
      tensor.set(i, value);
      if (!x.contains(tensor.at(i))) tensor.set(i, tensor.at(i) > x.high ? x.low : x.high);
      if (!x.contains(tensor.at(i))) return {};
    }
    inputs[node.name] = std::move(tensor);
  }
  return inputs;
}

/// Points of the box with the greatest values there, evaluated when first asked for and kept for all formats.
class Probes {
 public:
  explicit Probes(const BoxAnalysis& box) : box_(box) {
    const Graph& graph = box.graph();
    int64_t points = 0;
    for (const NodeId id : box.nodes()) {
      if (graph.node(id).role == Role::Random) return;
      if (!is_floating_apply(graph.node(id))) continue;
      wanted_.push_back(graph.value(id));
      if (!has_lookup(graph.node(id))) points += PointWalk(graph, id).count();
    }
    // About a second of the interpreter.
    most_ = std::clamp<int64_t>((int64_t{1} << 25) / std::max<int64_t>(points, 1), 3, 32);
  }

  Reached first_above(double largest) {
    for (size_t k = 0; k < probes_.size() || evaluate_next(); ++k)
      for (size_t v = 0; v < wanted_.size(); ++v)
        if (const double value = probes_[k].greatest[v]; std::abs(value) > largest)
          return {wanted_[v].id(), value, probes_[k].inputs};
    return {};
  }

 private:
  struct Probe {
    Bindings inputs;
    std::vector<double> greatest;  // in magnitude, of each wanted value
  };

  bool evaluate_next() {
    const auto k = static_cast<int64_t>(probes_.size());
    if (k >= most_) return false;
    // Two opposite corners, then corners and inner points in turn.
    const auto share = [&]() -> double {
      if (k < 2) return static_cast<double>(k);
      const double uniform = static_cast<double>(random_() >> 11) * 0x1p-53;
      return k % 2 == 0 ? std::round(uniform) : uniform;
    };
    auto inputs = inputs_at(box_, share);
    if (!inputs) return false;
    Probe probe{std::move(*inputs), {}};
    for (const Tensor& values : evaluate(box_.graph(), probe.inputs, wanted_)) {
      double& greatest = probe.greatest.emplace_back(0);
      for (int64_t i = 0; i < values.count(); ++i)
        if (std::abs(values.at(i)) > std::abs(greatest)) greatest = values.at(i);
    }
    probes_.push_back(std::move(probe));
    return true;
  }

  const BoxAnalysis& box_;
  std::mt19937_64 random_{1};
  std::vector<Value> wanted_;
  int64_t most_ = 0;
  std::vector<Probe> probes_;
};

std::string format_sentence(const BoxAnalysis& box, const NumberFormat& format, Probes& probes,
                            Json& evidence, Verdict& verdict) {
  const Graph& graph = box.graph();
  const Overflow possible = first_possible_overflow(box, format.largest);
  Json& row = evidence[std::string(format.name)] = {
      {"may_overflow", nullptr}, {"overflows", nullptr}, {"may_be_nan", nullptr}};
  const std::string nan = first_possible_nan(box, format.largest);
  if (!nan.empty()) row["may_be_nan"] = nan;
  const std::string end = nan.empty() ? "" : "; may be NaN: " + nan;
  if (possible.node < 0) {
    if (!nan.empty()) verdict = Verdict::Unknown;
    return fmt::format("{}: no overflow{}", format.name, nan.empty() ? ", no NaN" : end);
  }
  row["may_overflow"] = node_key(graph, possible.node);
  const Reached reached = probes.first_above(format.largest);
  if (reached.node < 0) {
    verdict = Verdict::Unknown;
    return fmt::format("{}: may overflow, first at {}: bound {} > {:.6g}{}", format.name,
                       node_key(graph, possible.node), at_most_text(possible.bound), format.largest, end);
  }
  row["overflows"] = node_key(graph, reached.node);
  verdict = Verdict::Refuted;
  return fmt::format("{}: overflows at {}: value {} > {:.6g} at a point of the box{}", format.name,
                     node_key(graph, reached.node), at_most_text(reached.value), format.largest, end);
}

Json output_intervals(const BoxAnalysis& box, const Output& output) {
  const auto number = [](double value) -> Json {
    return std::isfinite(value) ? Json(value) : Json(value > 0 ? "inf" : "-inf");
  };
  Json intervals = Json::array();
  for (int64_t i = 0; i < sample_count(box.graph().node(output.node).shape); ++i) {
    const Interval x = box.best(output.node, i).outer;
    intervals.push_back({number(x.low), number(x.high)});
  }
  return intervals;
}

/// Of a few elements.
std::vector<std::string> interval_sentences(const BoxAnalysis& box, const Output& output) {
  const int64_t count = sample_count(box.graph().node(output.node).shape);
  std::vector<std::string> sentences;
  for (int64_t i = 0; i < count && count <= 4; ++i) {
    const Interval x = box.best(output.node, i).outer;
    sentences.push_back(
        fmt::format("{}[{}] in [{}, {}]", output.name, i, at_least_text(x.low), at_most_text(x.high)));
  }
  return sentences;
}

}  // namespace

double greatest_magnitude(const BoxAnalysis& box, NodeId node, bool by_intervals_alone) {
  double most = 0;
  const StagedNetwork& network = box.lines().network;
  if (by_intervals_alone || network.stage_of[static_cast<size_t>(node)] < 0) {
    const NodeBounds& bounds = network.intervals[static_cast<size_t>(node)];
    for (const double end : bounds.low) most = std::max(most, std::abs(end));
    for (const double end : bounds.high) most = std::max(most, std::abs(end));
    return most;
  }
  for (int64_t i = 0; i < sample_count(box.graph().node(node).shape); ++i)
    most = std::max(most, box.by_lines(node, i).magnitude());
  return most;
}

Overflow first_possible_overflow(const BoxAnalysis& box, double largest, bool by_intervals_alone) {
  for (const NodeId id : box.nodes()) {
    if (!is_floating(box.graph().node(id).type)) continue;
    const double most = greatest_magnitude(box, id, by_intervals_alone);
    if (most > largest) return {id, most};
  }
  return {};
}

Reached first_reached_overflow(const BoxAnalysis& box, double largest) {
  return Probes(box).first_above(largest);
}

std::string first_possible_nan(const BoxAnalysis& box, double largest) {
  for (const NodeId id : box.nodes()) {
    if (const std::string why = nan_reason(box, id, largest); !why.empty())
      return fmt::format("{}: {}", node_key(box.graph(), id), why);
  }
  return "";
}

std::vector<Finding> range_findings(const BoxAnalysis& box) {
  const Graph& graph = box.graph();
  Finding finding{.id = "range",
                  .subject = graph.outputs().front().name,
                  .verdict = Verdict::Proved,
                  .level = Level::Box};
  NodeId largest = -1;
  double most = 0;
  for (const NodeId id : box.nodes()) {
    const double magnitude = is_floating(graph.node(id).type) ? greatest_magnitude(box, id) : 0;
    if (magnitude > most) largest = id, most = magnitude;
  }
  Json evidence = Json::object();
  finding.sentences.push_back(
      largest < 0 ? "all values are 0"
                  : fmt::format("largest bound {}, at {}", at_most_text(most), node_key(graph, largest)));
  if (std::isinf(most))
    for (const NodeId id : box.nodes())
      if (!box.reason(id).empty()) {
        finding.sentences.push_back("no bound: " + box.reason(id));
        break;
      }
  Probes probes(box);
  for (const NumberFormat& format : kNumberFormats)
    finding.sentences.push_back(format_sentence(box, format, probes, evidence, finding.verdict));
  for (const std::string& opaque : box.lines().network.opaque)
    finding.sentences.push_back("by intervals alone: " + opaque);
  for (const Output& output : graph.outputs()) {
    for (std::string& sentence : interval_sentences(box, output))
      finding.sentences.push_back(std::move(sentence));
    evidence["outputs"][output.name] = output_intervals(box, output);
  }
  finding.evidence = evidence.dump();
  return {finding};
}

}  // namespace crease
