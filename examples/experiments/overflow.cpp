// A rectifier's output has no upper bound: with too large a gain a deep network overflows to infinity, and
// the loss becomes NaN. The range analysis says beforehand where; training stops there and names the node.
#include <cmath>

#include "examples/experiments/study.h"
#include "frontends/training/diagnose.h"
#include "graph/analysis/bounds/range.h"
using namespace crease;

namespace {

constexpr double largest = 0x1.fffffep127;  // of f32

std::string name_of(const Graph& graph, NodeId node) {
  return node < 0 ? "none" : fmt::format("layer {}", graph.node(node).name);
}

/// The layer that a node belongs to: the name of itself or of the next named node.
NodeId named_from(const Graph& graph, NodeId node) {
  const auto names_a_layer = [&](NodeId id) {
    return graph.node(id).role == Role::Apply && !graph.node(id).name.empty();
  };
  while (node >= 0 && node < graph.size() && !names_a_layer(node)) ++node;
  return node < graph.size() ? node : -1;
}

/// What training says of it; empty if it goes well.
std::string training_report(const Graph& network, const Split& data, const study::Settings& settings) {
  try {
    train(network, data, study::options(settings, 1, 32, sgd({.learning_rate = 1e-6})));
    return {};
  } catch (const Error& error) {
    return error.what();
  }
}

study::Experiment::Result run(const study::Settings& settings) {
  const Split data = split(digits());
  const int64_t layers = settings.pick(6, 12, 30), width = settings.pick(8, 32, 64);
  study::Table table(
      {"gain", "bound exceeds f32 at", "an input of the box does at", "on the data at", "training"});
  Plot plot{
      .title = "greatest magnitude by layer", .x_label = "layer", .y_label = "proved bound", .log_y = true};
  std::string report, agreed;
  for (const double gain : {std::sqrt(2.0), 1e3, 1e4, 1e6, 1e8}) {
    std::vector<int64_t> sizes{64};
    sizes.insert(sizes.end(), static_cast<size_t>(layers - 1), width);
    sizes.push_back(10);
    const Graph graph = network(mlp(sizes, relu, {.init = fan_normal(gain)}).seeded(1), 64);
    const BoxAnalysis box(graph, {.all = Interval{0, 1}});
    const NodeId possible = named_from(graph, first_possible_overflow(box, largest).node);
    const NodeId reached = named_from(graph, first_reached_overflow(box, largest).node);
    const auto found = find_non_finite(graph, {{"x", data.train.x}});
    const NodeId seen = found ? named_from(graph, found->node) : -1;
    const std::string said = training_report(graph, data, settings);
    table.add({fmt::format("{:g}", gain), name_of(graph, possible), name_of(graph, reached),
               name_of(graph, seen), said.empty() ? "goes on" : "stops"});
    if (!said.empty() && report.empty()) report = fmt::format("gain {:g}: {}", gain, said);
    agreed += fmt::format("{}gain {:g}: {} / {}", agreed.empty() ? "" : "; ", gain, name_of(graph, possible),
                          name_of(graph, seen));
    Series bounds{.name = fmt::format("gain {:g}", gain), .x = {}, .y = {}};
    int layer = 0;
    for (NodeId id = 0; id < graph.size(); ++id)
      if (graph.node(id).role == Role::Apply && !graph.node(id).name.empty()) {
        bounds.x.push_back(++layer);
        bounds.y.push_back(greatest_magnitude(box, id));
      }
    plot.series.push_back(bounds);
  }
  table.print();
  fmt::print("\ntraining stops with: {}\n", report);
  return {
      .plots = {plot},
      .measured = "layer where the proved bound leaves f32 / where the data do: " + agreed,
      .differs =
          "the bound holds for every image in [0, 1]^64 and so may name an earlier layer than these images "
          "reach, never a later one; training may stop earlier still, by an update that an overflowing "
          "gradient "
          "makes too large",
      .columns = 1};
}

}  // namespace

int main(int count, char** arguments) {
  return study::main_of(
      {.name = "overflow",
       .title = "Overflow of deep rectifier networks, predicted (digits)",
       .source = "Glorot, Bordes, Bengio 2011, section 3.1: the unbounded behaviour of the activations "
                 "may cause numerical problems",
       .run = run},
      count, arguments);
}
