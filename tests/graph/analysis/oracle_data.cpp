#include <fmt/format.h>

#include "graph/analysis/lint.h"
#include "graph/analysis/path_norm.h"
#include "graph/analysis/separability.h"
#include "graph/analysis/sparsity.h"
#include "graph/evaluate.h"
#include "tests/graph/analysis/oracle_facts.h"

namespace crease::test {
namespace {

using Json = nlohmann::json;

double number(const Json& text) { return Rational::parse(text.get<std::string>()).to_double(); }

void compare(const std::string& field, const Json& got, const Json& want, Failures& failures) {
  if (got != want) failures.push_back(fmt::format("{}: got {}, want {}", field, got.dump(), want.dump()));
}

/// off / all as the oracle writes it.
std::string share(int64_t off, int64_t all) { return to_string(Rational(off) / Rational(all)); }

void compare_layer(const std::string& name, const LayerSparsity& layer, const Json& want,
                   Failures& failures) {
  for (const auto& [key, value] : want.items()) {
    const std::string field = name + " " + key;
    if (key == "zero_fraction")
      compare(field, share(layer.off(), layer.samples * static_cast<int64_t>(layer.zeros.size())), value,
              failures);
    else if (key == "dead_on_data")
      compare(field, layer.dead(), value, failures);
    else if (key == "always_on_data")
      compare(field, layer.always_on(), value, failures);
    else
      failures.push_back(field + " is not a known field");
  }
}

std::vector<Rational> numbers(const Json& list) {
  std::vector<Rational> values;
  for (const Json& item : list) values.push_back(Rational::parse(item.get<std::string>()));
  return values;
}

void check_separability(const std::string& where, const std::vector<LabelledPoint>& points, const Json& want,
                        Failures& failures) {
  const Separability found = separability(points);
  for (const auto& [key, value] : want.items()) {
    if (key == "separable")
      compare(where + " separable", found.plane.has_value(), value, failures);
    else if (key == "farkas" && !refutes(numbers(value), points))
      failures.push_back(where + " farkas: the expected multipliers are refused");
    else if (key == "w" &&
             !separates({numbers(value), Rational::parse(want.at("b").get<std::string>())}, points))
      failures.push_back(where + " w: the expected hyperplane is refused");
    else if (key != "farkas" && key != "w" && key != "b")
      failures.push_back(where + " " + key + " is not a known field");
  }
  if (want.at("separable") == false && !found.multipliers) failures.push_back(where + " farkas: none found");
}

}  // namespace

std::vector<Bindings> oracle_samples(const OracleNetwork& network, const Json& data) {
  std::vector<Bindings> samples;
  for (const Json& sample : data) {
    size_t next = 0;
    Bindings inputs;
    for (const NodeId id : network.graph.inputs()) {
      const Node& node = network.graph.node(id);
      Tensor tensor(node.type, sizes_of(node.shape, {}));
      for (int64_t i = 0; i < tensor.count(); ++i) tensor.set(i, number(sample.at(next++)));
      inputs[node.name] = tensor;
    }
    samples.push_back(std::move(inputs));
  }
  return samples;
}

Failures check_path_norm(const OracleNetwork& network, const Json& expected) {
  Failures failures;
  const PathNorm norm = path_norm(network.graph);
  if (!norm.exact_l1) return {"path norm: none, " + norm.reason};
  for (const auto& [key, value] : expected.items()) {
    if (key != "L1" && key != "L2_squared") failures.push_back("path_norm " + key + " is not a known field");
    if (key == "L1") compare("L1", to_string(*norm.exact_l1), value, failures);
    if (key == "L2_squared") compare("L2_squared", to_string(*norm.exact_l2_squared), value, failures);
  }
  return failures;
}

Failures check_data(const OracleNetwork& network, const Json& data, const Json& expected) {
  Failures failures;
  const Sparsity found = sparsity(network.graph, oracle_samples(network, data));
  const std::vector<NodeId> nodes = rectifiers(network.graph);
  for (const auto& [key, value] : expected.items())
    if (key != "layers" && key != "overall_zero_fraction" && key != "samples")
      failures.push_back("data " + key + " is not a known field");
  compare("layers", found.layers.size(), expected.at("layers").size(), failures);
  for (const auto& [name, want] : expected.at("layers").items()) {
    const auto place = std::ranges::find(nodes, network.values.at(name).id());
    if (place == nodes.end())
      failures.push_back("layer " + name + " is not found");
    else
      compare_layer(name, found.layers.at(static_cast<size_t>(place - nodes.begin())), want, failures);
  }
  if (found.layers.empty()) return failures;
  int64_t off = 0, all = 0;
  for (const LayerSparsity& layer : found.layers) {
    off += layer.off();
    all += layer.samples * static_cast<int64_t>(layer.zeros.size());
  }
  compare("overall_zero_fraction", share(off, all), expected.at("overall_zero_fraction"), failures);
  compare("samples", found.layers[0].samples, expected.at("samples"), failures);
  return failures;
}

Failures check_lint(const OracleNetwork& network, const Json& expected) {
  Failures failures;
  std::vector<std::pair<std::string, NodeId>> got, want;
  for (const Lint& item : lint(network.graph))
    if (item.warning && item.code != "dead-layer") got.emplace_back(item.code, item.node);
  for (const Json& item : expected) {
    for (const auto& [key, value] : item.items())
      if (key != "code" && key != "node") failures.push_back("lint " + key + " is not a known field");
    want.emplace_back(item.at("code"), network.values.at(item.at("node")).id());
  }
  for (const auto& [code, node] : want)
    if (!std::ranges::count(got, std::pair{code, node})) failures.push_back("lint: no " + code);
  for (const auto& [code, node] : got)
    if (!std::ranges::count(want, std::pair{code, node}))
      failures.push_back(fmt::format("lint: {} at %{} is not expected", code, node));
  return failures;
}

Failures check_separable(const OracleNetwork& network, const Json& data, const Json& labels,
                         const Json& tensors) {
  Failures failures;
  for (const auto& [where, want] : tensors.items()) {
    // "input" is the first input; "hidden" the first rectifier.
    const NodeId id = where == "input" ? network.graph.inputs().front() : rectifiers(network.graph).at(0);
    if (where != "input" && where != "hidden") failures.push_back("tensor " + where + " is not known");
    std::vector<LabelledPoint> points;
    const std::vector<Bindings> samples = oracle_samples(network, data);
    for (size_t k = 0; k < samples.size(); ++k) {
      LabelledPoint point{{}, labels.at(k).get<int>()};
      const Value value = network.graph.value(id);
      const Tensor values = evaluate(network.graph, samples[k], std::span(&value, 1)).front();
      for (int64_t i = 0; i < values.count(); ++i) point.x.push_back(Rational::of(values.at(i)));
      points.push_back(std::move(point));
    }
    check_separability(where, points, want, failures);
  }
  return failures;
}

}  // namespace crease::test
