// Too high a learning rate kills rectifiers: the share of hidden units that are 0 on every training sample,
// against the learning rate, for relu and for what is said to repair it.
#include <cmath>
#include <optional>

#include "examples/experiments/study.h"
using namespace crease;

namespace {

struct Choice {
  std::string name;
  Layer activation;
  int64_t pieces = 1;
};

/// Two hidden layers; the node before the activation of the first and of the second is named by its layer.
Graph make_network(const Choice& choice, int64_t features, int64_t width) {
  const Layer layers =
      sequential(linear(features, width * choice.pieces), choice.activation,
                 linear(width, width * choice.pieces), choice.activation.named("second"), linear(width, 10))
          .seeded(1);
  return network(layers, features);
}

/// Share of units of the hidden layers that no training sample puts on their sloped side; none for maxout,
/// which has no other side.
std::optional<double> dead_share(const Graph& network, const Dataset& data, int64_t pieces) {
  if (pieces > 1) return {};
  std::vector<std::pair<std::string, Value>> outputs;
  for (NodeId id = 0; id < network.size(); ++id)
    if (network.node(id).name == "0" || network.node(id).name == "2")
      outputs.emplace_back("layer" + network.node(id).name, network.value(id));
  Program program = compile(extract(outputs));
  const auto values = program({{"x", data.x}});
  int64_t dead = 0, units = 0;
  for (const auto& [name, z] : values) {
    const int64_t width = z.sizes()[1];
    for (int64_t unit = 0; unit < width; ++unit) {
      bool alive = false;
      for (int64_t row = 0; row < z.sizes()[0] && !alive; ++row) alive = z.at(row * width + unit) > 0;
      dead += alive ? 0 : 1;
    }
    units += width;
  }
  return static_cast<double>(dead) / static_cast<double>(units);
}

study::Experiment::Result run(const study::Settings& settings) {
  const Split data = split(digits());
  const int64_t width = settings.pick(32, 100, 100), epochs = settings.pick(1, 10, 40);
  const std::vector<Choice> choices{{"relu", relu},
                                    {"leaky relu 0.01", leaky_relu(0.01)},
                                    {"prelu", parametric_relu(width)},
                                    {"maxout, 2 pieces", maxout(2), 2}};
  study::Table table({"learning rate", "network", "units never positive %", "test error %"});
  Plot dead{.title = "hidden units that are never positive",
            .x_label = "learning rate",
            .y_label = "units, %",
            .log_x = true};
  Plot errors{.title = "test error", .x_label = "learning rate", .y_label = "error, %", .log_x = true};
  double most = 0, least = 100;
  for (const Choice& choice : choices) {
    Series never{.name = choice.name}, error{.name = choice.name};
    for (const double rate : {0.01, 0.03, 0.1, 0.3, 0.6, 1.0, 1.5}) {
      const Graph start = make_network(choice, data.train.features(), width);
      double test = 90;
      std::optional<double> share;
      std::string note;
      try {
        const TrainResult result =
            train(start, data, study::options(settings, epochs, 32, sgd({.learning_rate = rate})));
        share = dead_share(trained_network(start, result.checkpoint), data.train, choice.pieces);
        test = study::error_percent(*result.epochs.back().test_accuracy);
      } catch (const Error&) {
        note = "diverges";  // the training ended with numbers that are not finite
      }
      table.add({fmt::format("{:g}", rate), choice.name,
                 note.empty() ? (share ? fmt::format("{:.1f}", 100 * *share) : "-") : note,
                 note.empty() ? fmt::format("{:.1f}", test) : "-"});
      never.x.push_back(rate), never.y.push_back(share ? 100 * *share : std::nan(""));
      error.x.push_back(rate), error.y.push_back(note.empty() ? test : std::nan(""));
      if (choice.name == "relu" && note.empty())
        most = std::max(most, 100 * share.value_or(0)), least = std::min(least, 100 * share.value_or(0));
    }
    if (choice.pieces == 1) dead.series.push_back(never);
    errors.series.push_back(error);
  }
  table.print();
  return {.plots = {dead, errors},
          .measured = fmt::format(
              "relu: between {:.1f} and {:.1f} % of the units are never positive, by the "
              "learning rate; leaky relu and prelu pass a gradient there, maxout has no such side",
              least, most),
          .differs = "the course names a figure without an experiment; it depends on network, data and rate"};
}

}  // namespace

int main(int count, char** arguments) {
  return study::main_of(
      {.name = "dead_units",
       .title = "Dead units against the learning rate (digits)",
       .source = "Karpathy, CS231n notes, neural networks part 1: \"as much as 40 % of your "
                 "network can be dead\" if the learning rate is too high",
       .run = run},
      count, arguments);
}
