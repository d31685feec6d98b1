#include "graph/analysis/sparsity.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "graph/analysis/certificate.h"
#include "graph/analysis/saturation.h"
#include "graph/error.h"
#include "graph/ops/reduction.h"

namespace crease {
namespace {

bool is_rectifier(const Scalar& body) {
  const auto at = [&](double x) { return evaluate(body, {.arguments = {&x, 1}}); };
  for (int power = -20; power <= 60; power += 4)
    if (at(-std::ldexp(1.0, power)) != 0) return false;
  return at(std::ldexp(1.0, 40)) > at(std::ldexp(1.0, 20));
}

/// 1 for units that are off, else 0.
Op is_off(double threshold) {
  return {.name = "is_off",
          .doc = "1 for |x| <= threshold, else 0. NaN -> 0.",
          .body = [=](Scalar x) { return select(abs(x) <= threshold, 1, 0); },
          .attributes = {{"threshold", threshold}}};
}

std::vector<int64_t> units_with(const LayerSparsity& layer, int64_t zeros) {
  std::vector<int64_t> units;
  for (size_t i = 0; i < layer.zeros.size(); ++i)
    if (layer.zeros[i] == zeros) units.push_back(static_cast<int64_t>(i));
  return units;
}

double share(int64_t part, int64_t all) {
  return all == 0 ? 0 : static_cast<double>(part) / static_cast<double>(all);
}

int64_t values_of(const LayerSparsity& layer) {
  return static_cast<int64_t>(layer.zeros.size()) * layer.samples;
}

/// The graph with one output.
Graph only(const Value& output) {
  Graph graph = Graph(output.graph());
  graph.clear_outputs();
  graph.output("output", graph.value(output.id()));
  return graph;
}

/// How many samples the tensors of a call hold.
int64_t samples_in(const Graph& graph, const Bindings& inputs) {
  const Sizes sizes = bind(graph, inputs);
  return sizes.empty() ? 1 : sizes.begin()->second;
}

std::string percentages(const Sparsity& found) {
  constexpr size_t shown = 12;
  std::string text;
  for (size_t i = 0; i < std::min(shown, found.layers.size()); ++i)
    text += fmt::format("{}{:.1f}", i == 0 ? "" : ", ", 100 * found.layers[i].zero_share());
  return text + (found.layers.size() > shown ? fmt::format(", ... ({} layers)", found.layers.size()) : "");
}

}  // namespace

int64_t LayerSparsity::off() const {
  int64_t total = 0;
  for (const int64_t count : zeros) total += count;
  return total;
}
double LayerSparsity::zero_share() const { return share(off(), values_of(*this)); }
std::vector<int64_t> LayerSparsity::dead() const { return units_with(*this, samples); }
std::vector<int64_t> LayerSparsity::always_on() const { return units_with(*this, 0); }

double Sparsity::zero_share() const {
  int64_t off = 0, all = 0;
  for (const LayerSparsity& layer : layers) {
    off += layer.off();
    all += values_of(layer);
  }
  return share(off, all);
}

double Sparsity::active_paths() const {
  double product = 1;
  for (const LayerSparsity& layer : layers) product *= 1 - layer.zero_share();
  return product;
}

int64_t Sparsity::units() const {
  int64_t total = 0;
  for (const LayerSparsity& layer : layers) total += static_cast<int64_t>(layer.zeros.size());
  return total;
}

int64_t Sparsity::dead() const {
  int64_t total = 0;
  for (const LayerSparsity& layer : layers) total += static_cast<int64_t>(layer.dead().size());
  return total;
}

std::vector<NodeId> rectifiers(const Graph& graph, const SparsityOptions& options) {
  std::vector<NodeId> nodes;
  for (const ActivationUse& use : activations(graph))
    if (options.threshold > 0 || is_rectifier(use.body))
      nodes.insert(nodes.end(), use.nodes.begin(), use.nodes.end());
  std::ranges::sort(nodes);
  return nodes;
}

std::vector<SparsityProbe> sparsity_probes(const Value& output, const SparsityOptions& options) {
  expect(std::isfinite(options.threshold) && options.threshold >= 0,
         "[sparsity] the threshold must be finite and at least 0: got {}", options.threshold);
  Graph graph = output.graph().handle();
  std::vector<SparsityProbe> probes;
  for (const NodeId id : rectifiers(only(output), options)) {
    const Value layer = graph.value(id);
    const Shape shape = layer.shape();
    const auto named = std::ranges::count_if(shape, &Dim::is_symbol);
    const bool batched = named == 1 && shape.front().is_symbol();
    if (named > 0 && !batched) continue;
    const Value off = is_off(options.threshold)(layer);
    probes.push_back({node_key(graph, id), batched ? sum(off, {0}) : off});
  }
  return probes;
}

Sparsity empty_sparsity(const std::vector<SparsityProbe>& probes) {
  Sparsity found;
  for (const SparsityProbe& probe : probes)
    found.layers.push_back(
        {probe.name, 0,
         std::vector<int64_t>(static_cast<size_t>(element_count(sizes_of(probe.zeros.shape(), {}))), 0)});
  return found;
}

void count_zeros(Sparsity& found, size_t layer, const Tensor& zeros, int64_t samples) {
  LayerSparsity& counts = found.layers.at(layer);
  for (size_t i = 0; i < counts.zeros.size(); ++i)
    counts.zeros[i] += std::llround(zeros.at(static_cast<int64_t>(i)));
  counts.samples += samples;
}

Sparsity sparsity(const Graph& graph, const std::vector<Bindings>& samples, const SparsityOptions& options) {
  Graph probed = graph;
  std::vector<SparsityProbe> probes;
  std::vector<Value> wanted;
  std::set<std::string> names;
  for (const Output& output : graph.outputs())
    for (SparsityProbe& probe : sparsity_probes(probed.value(output.node), options)) {
      if (!names.insert(probe.name).second) continue;
      wanted.push_back(probe.zeros);
      probes.push_back(std::move(probe));
    }
  Sparsity found = empty_sparsity(probes);
  for (const Bindings& inputs : samples) {
    const std::vector<Tensor> zeros = evaluate(probed, inputs, wanted);
    for (size_t k = 0; k < zeros.size(); ++k) count_zeros(found, k, zeros[k], samples_in(graph, inputs));
  }
  return found;
}

std::vector<Finding> sparsity_findings(const Sparsity& found, const SparsityOptions& options) {
  if (found.layers.empty()) return {};
  const std::string off =
      options.threshold > 0 ? fmt::format("at most {:g} in size", options.threshold) : "exactly 0";
  nlohmann::ordered_json layers = nlohmann::ordered_json::array();
  for (const LayerSparsity& layer : found.layers)
    layers.push_back({{"node", layer.name},
                      {"zero_share", layer.zero_share()},
                      {"zeros", layer.zeros},
                      {"dead_on_data", layer.dead()},
                      {"always_on_data", layer.always_on()}});
  Finding finding{.id = "sparsity",
                  .subject = "activations",
                  .level = Level::Observed,
                  .sentences = {fmt::format(
                      "{:.1f} % of the activations are {} on {} samples; {} of {} units on all of them",
                      100 * found.zero_share(), off, found.layers[0].samples, found.dead(), found.units())},
                  .certificate = {}};
  if (found.layers.size() > 1) {
    finding.sentences.push_back(fmt::format("by layer in %: {}", percentages(found)));
    finding.sentences.push_back(fmt::format(
        "fully active paths: {:.3g} of all, the product of the layers' active shares", found.active_paths()));
  }
  finding.evidence =
      nlohmann::ordered_json{{"threshold", options.threshold},   {"samples", found.layers[0].samples},
                             {"zero_share", found.zero_share()}, {"active_paths", found.active_paths()},
                             {"dead_on_data", found.dead()},     {"layers", layers}}
          .dump();
  return {std::move(finding)};
}

}  // namespace crease
