// Too high a learning rate kills rectifiers: their arguments become negative for every input, their slope is
// 0, and no step can revive them. Bounds over the box of all inputs prove which units are dead and that they
// stay so; giving those units new weights and training with a smaller rate repairs the network.
#include <crease/crease.h>

#include "graph/analysis/bounds/units.h"
#include "graph/analysis/check.h"
using namespace crease;

namespace {

constexpr int64_t kSamples = 256, kUnits = 16;

/// (x, y) in [-1, 1]^2 and the target |x| + |y|.
Bindings samples() {
  const Tensor points = uniform(-1, 1)({.sizes = {kSamples, 2}, .seed = 1});
  Tensor target(Type::f32, {kSamples, 1});
  for (int64_t i = 0; i < kSamples; ++i)
    target.set(i, std::abs(points.at(2 * i)) + std::abs(points.at(2 * i + 1)));
  return {{"x", points}, {"target", target}};
}

/// Trains for `steps` and gives the network with its new parameters.
Graph trained(const Graph& start, double learning_rate, int steps) {
  Graph graph = start;
  const Value target = graph.input("target", {"batch", 1});
  const Value loss = mean(mse(graph.result("logits"), target));
  Program step = compile(train_step(loss, sgd({.learning_rate = learning_rate})));
  const Bindings data = samples();
  for (int k = 0; k < steps; ++k) step(data);
  Graph result = start;
  take_parameters(result, step.parameters());
  return result;
}

double loss_of(const Graph& graph) {
  const Bindings data = samples();
  const Tensor got = evaluate(graph, {{"x", data.at("x")}}).at("logits");
  double sum = 0;
  for (int64_t i = 0; i < kSamples; ++i) {
    const double error = got.at(i) - data.at("target").at(i);
    sum += error * error / kSamples;
  }
  return sum;
}

/// Units dead for ever, with the proof checked.
std::vector<int64_t> dead_units(const Graph& graph) {
  const Graph network = analyzed_graph(graph);
  const BoxAnalysis box(network, {.all = Interval{-1, 1}});
  std::vector<int64_t> dead;
  for (const UnitNode& node : units_of(box))
    for (const Unit& unit : node.units)
      if (unit.permanent) dead.push_back(unit.element);
  for (const Finding& finding : unit_findings(box))
    fmt::print("  proof: {}\n",
               finding.certificate && check(*finding.certificate, network).accepted ? "accepted" : "none");
  return dead;
}

/// New incoming weights for dead units, and outgoing ones of 0: the function does not change.
Graph revived(const Graph& graph, const std::vector<int64_t>& dead) {
  Graph result = graph;
  auto values = parameters_of(graph);
  const Tensor fresh = uniform(-1, 1)({.sizes = {2, kUnits}, .seed = 5});
  for (const int64_t unit : dead) {
    for (int64_t i = 0; i < 2; ++i) values.at("0.weight").set(i * kUnits + unit, fresh.at(i * kUnits + unit));
    values.at("0.bias").set(unit, 0);
    values.at("2.weight").set(unit, 0);
  }
  for (const auto& [name, value] : values) result.set_parameter(name, value);
  return result;
}

}  // namespace

int main() {
  const Graph start = network(mlp({2, kUnits, 1}, relu), 2);
  fmt::print("at the start:\n");
  fmt::print("  dead for ever: {} of {} units\n", dead_units(start).size(), kUnits);

  const Graph hurt = trained(start, 0.9, 30);
  fmt::print("after 30 steps with learning rate 0.9:\n");
  const std::vector<int64_t> dead = dead_units(hurt);
  fmt::print("  dead for ever: {} of {} units\n", dead.size(), kUnits);

  const Graph later = trained(hurt, 0.05, 2000);
  fmt::print("after 2000 more steps with 0.05:\n");
  const bool same = dead_units(later) == dead;
  fmt::print("  the same units are dead: {}\n", same ? "yes" : "no");

  const Graph repaired = trained(revived(hurt, dead), 0.05, 2000);
  fmt::print("the same steps after the dead units got new weights:\n");
  fmt::print("  dead for ever: {} of {} units\n", dead_units(repaired).size(), kUnits);
  fmt::print("  loss at most a third of the other's: {}\n",
             3 * loss_of(repaired) < loss_of(later) ? "yes" : "no");
}
