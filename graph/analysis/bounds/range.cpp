#include "graph/analysis/bounds/range.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <random>

#include "graph/analysis/certificate.h"
#include "graph/analysis/points.h"
#include "graph/error.h"
#include "graph/evaluate.h"
#include "graph/scalar/tape.h"

namespace crease {

namespace {

using Json = nlohmann::ordered_json;

bool has_kind(const Scalar& body, std::initializer_list<ScalarKind> kinds) {
  return std::ranges::any_of(
      topological(body), [&](const Scalar& e) { return std::ranges::find(kinds, e.kind()) != kinds.end(); });
}

/// Finds what in a body can give NaN on intervals.
class NanSearch {
 public:
  NanSearch(const Scalar& body, double largest) : largest_(largest), order_(topological(body)) {}

  /// Empty: nothing.
  std::string run(std::span<const Interval> arguments, std::span<const int64_t> labels) {
    std::map<const ScalarNode*, Interval> values;
    for (const Scalar& e : order_) {
      Interval terms[3];
      for (size_t k = 0; k < e.terms().size(); ++k) terms[k] = values.at(e.terms()[k].id());
      if (std::string why = reason(e.kind(), terms); !why.empty()) return why;
      values[e.id()] = value(e, terms, arguments, labels);
    }
    return "";
  }

 private:
  bool overflows(const Interval& x) const { return x.high > largest_ || x.low < -largest_; }

  std::string reason(ScalarKind kind, const Interval* t) const {
    switch (kind) {
      case ScalarKind::Sqrt: return t[0].low < 0 ? "the root of a negative number" : "";
      case ScalarKind::Log: return t[0].low < 0 ? "the logarithm of a negative number" : "";
      case ScalarKind::Log1p: return t[0].low < -1 ? "the logarithm of a negative number" : "";
      case ScalarKind::Divide:
        if (t[0].contains(0) && t[1].contains(0)) return "0 / 0";
        return overflows(t[0]) && overflows(t[1]) ? "inf / inf" : "";
      case ScalarKind::Multiply:
        return (t[0].contains(0) && overflows(t[1])) || (t[1].contains(0) && overflows(t[0])) ? "0 * inf"
                                                                                              : "";
      case ScalarKind::Add:
        return (t[0].high > largest_ && t[1].low < -largest_) ||
                       (t[0].low < -largest_ && t[1].high > largest_)
                   ? "inf - inf"
                   : "";
      case ScalarKind::Subtract:
        return (t[0].high > largest_ && t[1].high > largest_) ||
                       (t[0].low < -largest_ && t[1].low < -largest_)
                   ? "inf - inf"
                   : "";
      case ScalarKind::Sin:
      case ScalarKind::Cos: return overflows(t[0]) ? "a wave at infinity" : "";
      default: return "";
    }
  }

  static Interval value(const Scalar& e, const Interval* terms, std::span<const Interval> arguments,
                        std::span<const int64_t> labels) {
    switch (e.kind()) {
      case ScalarKind::Constant: return std::isnan(e.constant()) ? Interval{} : Interval::point(e.constant());
      case ScalarKind::Argument: return arguments[static_cast<size_t>(e.position())];
      case ScalarKind::Index:
        return Interval::point(static_cast<double>(labels[static_cast<size_t>(e.position())]));
      case ScalarKind::Size: return {1, kInfinity};
      default: return apply(e.kind(), terms);
    }
  }

  const double largest_;
  const std::vector<Scalar> order_;
};

bool is_floating_apply(const Node& node) { return node.role == Role::Apply && is_floating(node.type); }

/// Whether an operand can be infinite in the format, with terms that can meet it in a sum.
bool infinities_meet(const BoxAnalysis& box, const Node& node, double largest) {
  if (node.op->combine != Combine::Sum && node.op->combine != Combine::Product) return false;
  return std::ranges::any_of(node.operands, [&](NodeId operand) {
    return is_floating(box.graph().node(operand).type) && greatest_magnitude(box, operand) > largest;
  });
}

std::string nan_reason(const BoxAnalysis& box, NodeId id, double largest) {
  const Graph& graph = box.graph();
  const Node& node = graph.node(id);
  if (infinities_meet(box, node, largest)) return "infinities of both signs can meet in a sum";
  const bool wide = std::ranges::any_of(
      node.operands, [&](NodeId operand) { return greatest_magnitude(box, operand) > largest; });
  const Scalar& body = node.op->body.expression;
  const bool suspicious =
      has_kind(body, {ScalarKind::Sqrt, ScalarKind::Log, ScalarKind::Log1p, ScalarKind::Divide});
  if ((!wide && !suspicious) || has_lookup(node)) return "";
  NanSearch search(body, largest);
  std::vector<Interval> arguments(node.operands.size());
  for (PointWalk walk(graph, id); walk.valid(); walk.next()) {
    if (!walk.inside()) continue;
    for (size_t k = 0; k < arguments.size(); ++k) arguments[k] = box.by_lines(node.operands[k], walk.read(k));
    if (std::string why = search.run(arguments, walk.labels()); !why.empty()) return why;
  }
  return "";
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
    return fmt::format("{}: may overflow, first at {}: bound {:.6g} > {:.6g}{}", format.name,
                       node_key(graph, possible.node), possible.bound, format.largest, end);
  }
  row["overflows"] = node_key(graph, reached.node);
  verdict = Verdict::Refuted;
  return fmt::format("{}: overflows at {}: value {:.6g} > {:.6g} at a point of the box{}", format.name,
                     node_key(graph, reached.node), reached.value, format.largest, end);
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
    if (!is_floating_apply(box.graph().node(id)) || box.is_constant(id)) continue;
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
                  : fmt::format("largest bound {:.6g}, at {}", most, node_key(graph, largest)));
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
    Json intervals = Json::array();
    for (int64_t i = 0; i < sample_count(graph.node(output.node).shape); ++i) {
      const Interval x = box.best(output.node, i).outer;
      const auto number = [](double value) -> Json {
        return std::isfinite(value) ? Json(value) : Json(value > 0 ? "inf" : "-inf");
      };
      intervals.push_back({number(x.low), number(x.high)});
    }
    if (intervals.size() <= 4)
      for (size_t i = 0; i < intervals.size(); ++i) {
        const Interval x = box.best(output.node, static_cast<int64_t>(i)).outer;
        finding.sentences.push_back(fmt::format("{}[{}] in [{:.6g}, {:.6g}]", output.name, i, x.low, x.high));
      }
    evidence["outputs"][output.name] = std::move(intervals);
  }
  finding.evidence = evidence.dump();
  return {finding};
}

}  // namespace crease
