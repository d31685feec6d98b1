#include "autodiff/gradient_profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <set>

#include "autodiff/reverse.h"
#include "graph/analysis/certificate.h"
#include "graph/analysis/linearity.h"
#include "graph/analysis/points.h"
#include "graph/analysis/saturation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/reduction.h"
#include "graph/scalar/tape.h"

namespace crease {
namespace {

/// E[f(z)^2] for z normal with deviation `deviation`.
double mean_square(const Scalar& f, double deviation) {
  constexpr int half = 1000;
  constexpr double reach = 8;
  Tape<double> tape(f);
  double sum = 0, weights = 0;
  for (int i = -half; i < half; ++i) {
    const double u = reach * (i + 0.5) / half, weight = std::exp(-u * u / 2), z = u * deviation;
    const double value = tape.run(&z, nullptr);
    sum += weight * value * value;
    weights += weight;
  }
  return sum / weights;
}

double mean_square(const Tensor& tensor) {
  double sum = 0;
  for (int64_t i = 0; i < tensor.count(); ++i) sum += tensor.at(i) * tensor.at(i);
  return tensor.count() == 0 ? 0 : sum / static_cast<double>(tensor.count());
}

/// What lies between one layer and the next.
struct Link {
  NodeId from = -1;                                      // an activation, or an input
  double fan_in = 0, fan_out = 0, weight = 0, bias = 0;  // mean squares
};

/// Walks the layers and carries variances forward.
class Predictor {
 public:
  explicit Predictor(const Graph& graph) : graph_(graph), facts_(linearity(graph)) {
    for (const ActivationUse& use : activations(graph)) {
      // No gradient passes steps, such as the floor by which a softmax shifts: that says nothing of layers.
      const Scalar slope_of = slope(use.body, 0, Side::Left);
      if (slope_of.kind() == ScalarKind::Constant && slope_of.constant() == 0) continue;
      for (const NodeId id : use.nodes) bodies_.emplace(id, use.body);
    }
  }

  const std::map<NodeId, Scalar>& bodies() const { return bodies_; }

  /// The gain from layer `next`, which reads z, to the layer before it, and which one that is.
  std::optional<std::pair<NodeId, double>> gain(NodeId z) {
    const auto link = link_to(z);
    if (!link || !bodies_.contains(link->from)) return {};
    const auto deviation = deviation_of(graph_.node(link->from).operands[0]);
    if (!deviation) return {};
    const Scalar slope_of = slope(bodies_.at(link->from), 0, Side::Left);
    return std::pair{link->from, std::sqrt(link->fan_out * link->weight * mean_square(slope_of, *deviation))};
  }

 private:
  /// The root of the predicted mean square of z.
  std::optional<double> deviation_of(NodeId z) {
    if (const auto known = deviations_.find(z); known != deviations_.end()) return known->second;
    const auto link = link_to(z);
    if (!link) return {};
    double before = 1;  // standard inputs
    if (bodies_.contains(link->from)) {
      const auto deviation = deviation_of(graph_.node(link->from).operands[0]);
      if (!deviation) return {};
      before = mean_square(bodies_.at(link->from), *deviation);
    }
    return deviations_[z] = std::sqrt(link->fan_in * link->weight * before + link->bias);
  }

  bool is_weight(NodeId id) const { return facts_.parts[static_cast<size_t>(id)] == Part::Constant; }

  /// The operand that is data, if all others are weights.
  std::optional<size_t> data_operand(const Node& node) const {
    std::optional<size_t> found;
    for (size_t k = 0; k < node.operands.size(); ++k) {
      if (is_weight(node.operands[k])) continue;
      if (found) return {};
      found = k;
    }
    return found;
  }

  /// Mean square of a parameter that is used as it stands.
  std::optional<double> weight_of(const Node& node, size_t data) const {
    if (node.operands.size() != 2) return {};
    NodeId id = node.operands[1 - data];
    while (graph_.node(id).role == Role::Apply && is_movement(graph_.node(id)))
      id = graph_.node(id).operands[0];
    if (graph_.node(id).role != Role::Parameter) return {};
    return mean_square(graph_.node(id).value);
  }

  static bool is_movement(const Node& node) { return family(*node.op, node.loops) == Family::Movement; }

  /// One contraction with its bias, reshapes aside.
  std::optional<Link> link_to(NodeId id) const {
    Link link;
    while (true) {
      const Node& node = graph_.node(id);
      const bool starts = node.role == Role::Input || bodies_.contains(id);
      if (starts) {
        link.from = id;
        return link.fan_in > 0 ? std::optional(link) : std::nullopt;
      }
      if (node.role != Role::Apply || has_lookup(node)) return {};
      const auto data = data_operand(node);
      if (!data) return {};
      if (!is_movement(node)) {
        const auto weight = weight_of(node, *data);
        const bool layer = family(*node.op, node.loops) == Family::Contraction;
        const bool bias = node.op->body.expression.kind() == ScalarKind::Add;
        if (!weight || layer == bias || (layer && link.fan_in > 0) || (bias && link.fan_in > 0)) return {};
        if (bias) link.bias = *weight;
        if (layer) {
          const auto points = static_cast<double>(PointWalk(graph_, id).count());
          link.weight = *weight;
          link.fan_in = points / static_cast<double>(sample_count(node.shape));
          link.fan_out = points / static_cast<double>(sample_count(graph_.node(node.operands[*data]).shape));
        }
      }
      id = node.operands[*data];
    }
  }

  const Graph& graph_;
  Linearity facts_;
  std::map<NodeId, Scalar> bodies_;
  std::map<NodeId, std::optional<double>> deviations_;
};

/// The operand of which a node is a multiple with constant factors and terms, element by element.
std::optional<NodeId> rescaled_operand(const Graph& graph, const Node& node) {
  const auto is_data = [&](NodeId operand) { return !is_constant(graph, operand); };
  if (node.role != Role::Apply || family(*node.op, node.loops) != Family::Map) return {};
  if (std::ranges::count_if(node.operands, is_data) != 1) return {};
  const auto data = std::ranges::find_if(node.operands, is_data);
  const auto position = static_cast<int>(data - node.operands.begin());
  const Scalar slope_of = slope(node.op->body.expression, position, Side::Left);
  const bool stepped = slope_of.is_constant(0);  // floor
  if (graph.node(*data).shape != node.shape || depends_on(slope_of, position) || stepped) return {};
  return *data;
}

/// An output without what brings it to the units of its targets (unstandardise): that scales the gradients of
/// all layers alike, and is none.
NodeId before_units(const Graph& graph, NodeId output) {
  while (const auto operand = rescaled_operand(graph, graph.node(output))) output = *operand;
  return output;
}

std::vector<LayerGradient> layers_of(const Graph& graph, Predictor& predictor) {
  std::vector<LayerGradient> layers;
  for (const auto& [id, body] : predictor.bodies())
    layers.push_back({node_key(graph, id), graph.node(id).operands[0], 0, {}});
  for (const Output& output : graph.outputs())
    if (is_floating(graph.node(output.node).type))
      layers.push_back({output.name, before_units(graph, output.node), 0, {}});
  std::map<NodeId, size_t> place;  // of the layer that reads z
  for (size_t i = 0; i < layers.size(); ++i) place.emplace(layers[i].z, i);
  for (const LayerGradient& layer : std::vector(layers))
    if (const auto gain = predictor.gain(layer.z))
      layers[place.at(graph.node(gain->first).operands[0])].predicted_gain = gain->second;
  return layers;
}

/// The sum of all outputs, each element with a random sign.
Value signed_sum(Graph& graph, uint64_t seed) {
  std::optional<Value> total;
  const Value counter = graph.constant(0, Type::i64);
  for (const Output& output : graph.outputs()) {
    const Value y = graph.value(output.node);
    if (!is_floating(y.type())) continue;
    const Value coin = graph.random(y.shape(), counter, seed++);
    const Op sign{.name = "coin", .doc = "-1 or 1.", .body = [](Scalar u) { return select(u < 0.5, -1, 1); }};
    const Value part = sum(y * sign(coin));
    total = total ? *total + part : part;
  }
  return *total;
}

/// The size of the named dimension, 1 where there is none.
int64_t rows_of(const Graph& graph, const Bindings& inputs) {
  const Sizes sizes = bind(graph, inputs);
  return sizes.empty() ? 1 : sizes.begin()->second;
}

void measure(GradientProfile& profile, const Graph& network, const std::vector<Bindings>& samples,
             const ProfileOptions& options) {
  int64_t rows = 0;
  for (const Bindings& inputs : samples) rows += rows_of(network, inputs);
  const int64_t points = rows * gradient_points(network);
  if (rows == 0 || points > options.point_limit) {
    profile.reason =
        rows == 0 ? "no samples"
                  : fmt::format("{} loop points are more than the limit of {}", points, options.point_limit);
    return;
  }
  Graph graph = network;
  std::vector<Value> wrt;
  for (const LayerGradient& layer : profile.layers) wrt.push_back(graph.value(layer.z));
  const std::vector<Value> gradients = grad(signed_sum(graph, options.seed), wrt);
  std::vector<double> squares(wrt.size(), 0), counts(wrt.size(), 0);
  for (const Bindings& inputs : samples) {
    const std::vector<Tensor> values = evaluate(graph, inputs, gradients);
    for (size_t i = 0; i < values.size(); ++i) {
      const auto count = static_cast<double>(values[i].count());
      squares[i] += mean_square(values[i]) * count;
      counts[i] += count;
    }
  }
  for (size_t i = 0; i < wrt.size(); ++i) profile.layers[i].rms = std::sqrt(squares[i] / counts[i]);
  profile.samples = rows;
}

std::string verdict_of(const GradientProfile& profile) {
  const double ratio = profile.ratio();
  if (ratio == 0) return "no gradient reaches the first layer";
  if (!std::isfinite(ratio)) return "gradients are not finite";
  const char* word = ratio < 1e-3 ? "vanishing" : ratio > 1e3 ? "exploding" : "healthy";
  return fmt::format("gradients are {}: first over last layer {:.3g}, {:.3g} a layer", word, ratio,
                     profile.gain());
}

}  // namespace

double GradientProfile::ratio() const {
  if (layers.empty() || layers.back().rms == 0) return 0;
  return layers.front().rms / layers.back().rms;
}

double GradientProfile::gain() const {
  return layers.size() < 2 ? 1 : std::pow(ratio(), 1 / static_cast<double>(layers.size() - 1));
}

std::optional<double> GradientProfile::predicted_gain() const {
  double logarithm = 0;
  for (size_t i = 0; i + 1 < layers.size(); ++i) {
    if (!layers[i].predicted_gain) return {};
    logarithm += std::log(*layers[i].predicted_gain);
  }
  return layers.size() < 2 ? 1 : std::exp(logarithm / static_cast<double>(layers.size() - 1));
}

GradientProfile gradient_profile(const Graph& graph, const std::vector<Bindings>& samples,
                                 const ProfileOptions& options) {
  GradientProfile profile;
  Predictor predictor(graph);
  const auto is_number = [&](const Output& output) { return is_floating(graph.node(output.node).type); };
  if (predictor.bodies().empty() || std::ranges::none_of(graph.outputs(), is_number)) return profile;
  profile.layers = layers_of(graph, predictor);
  if (!is_floating(graph.node(profile.layers.back().z).type)) return profile;
  measure(profile, graph, samples, options);
  return profile;
}

int64_t gradient_points(const Graph& graph) {
  int64_t points = 0;
  for (const NodeId id : ancestors(graph, roots(graph)))
    if (graph.node(id).role == Role::Apply && !has_lookup(graph.node(id)))
      points += PointWalk(graph, id).count();
  return 4 * points;
}

std::vector<Bindings> normal_samples(const Graph& graph, int64_t count, uint64_t seed) {
  if (graph.symbols().size() > 1) return {};
  Sizes sizes;
  for (const std::string& symbol : graph.symbols()) sizes[symbol] = count;
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::vector<Bindings> samples(sizes.empty() ? static_cast<size_t>(count) : 1);
  for (Bindings& inputs : samples)
    for (const NodeId id : graph.inputs()) {
      const Node& node = graph.node(id);
      if (!is_floating(node.type)) return {};
      Tensor tensor(node.type, sizes_of(node.shape, sizes));
      for (int64_t i = 0; i < tensor.count(); ++i) tensor.set(i, normal(random));
      inputs[node.name] = std::move(tensor);
    }
  return samples;
}

std::vector<Finding> gradient_findings(const GradientProfile& profile) {
  if (profile.layers.empty()) return {};
  constexpr size_t shown = 10;
  nlohmann::ordered_json layers = nlohmann::ordered_json::array();
  std::string sizes;
  for (size_t i = 0; i < profile.layers.size(); ++i) {
    const LayerGradient& layer = profile.layers[i];
    if (i < shown) sizes += fmt::format("{}{} {:.3g}", i == 0 ? "" : ", ", layer.name, layer.rms);
    layers.push_back({{"layer", layer.name}});
    if (profile.samples > 0) layers.back()["rms"] = layer.rms;
    if (layer.predicted_gain) layers.back()["predicted_gain"] = *layer.predicted_gain;
  }
  Finding finding{
      .id = "gradient_profile", .subject = profile.layers.back().name, .sentences = {}, .certificate = {}};
  nlohmann::ordered_json evidence{{"samples", profile.samples}, {"layers", layers}};
  if (profile.samples > 0) {
    finding.level = Level::Observed;
    finding.sentences = {verdict_of(profile),
                         fmt::format("root mean square by layer on {} samples: {}{}", profile.samples, sizes,
                                     profile.layers.size() > shown ? ", ..." : "")};
    evidence["ratio"] = profile.ratio();
    evidence["gain"] = profile.gain();
  } else {
    finding.sentences = {"gradients are not measured: " + profile.reason};
  }
  if (const auto predicted = profile.predicted_gain()) {
    finding.sentences.push_back(
        fmt::format("predicted from the sizes of the weights alone: {:.3g} a layer", *predicted));
    evidence["predicted_gain"] = *predicted;
  }
  finding.evidence = evidence.dump();
  return {std::move(finding)};
}

}  // namespace crease
