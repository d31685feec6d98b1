// Sparse codes are more linearly separable: at each layer of a trained and of an untrained rectifier network,
// the error of a linear classifier on the codes, their zeros, and how many digits a hyperplane sets apart
// exactly.
#include <algorithm>

#include "examples/experiments/study.h"
#include "graph/analysis/separability.h"
using namespace crease;

namespace {

/// Samples and the results of every relu on them.
std::vector<Dataset> codes_of(const Graph& network, const Dataset& data) {
  std::vector<Dataset> codes{data};
  for (const Value& hidden : results_of(network.value(network.outputs().front().node), "relu")) {
    Dataset code = data;
    code.x = evaluate(hidden, {{"x", data.x}});
    code.feature_names.clear();
    codes.push_back(code);
  }
  return codes;
}

/// Test error of a linear classifier trained on codes.
double probe(const Dataset& train_codes, const Dataset& test_codes, const study::Settings& settings) {
  const Split data{.train = train_codes, .test = test_codes};
  const Graph start =
      network(linear(train_codes.features(), 10, {.init = glorot_normal}), train_codes.features());
  const TrainResult result = train(
      start, data, study::options(settings, settings.pick(2, 40, 200), 32, adam({.learning_rate = 0.003})));
  return study::error_percent(*result.epochs.back().test_accuracy);
}

double zeros_percent(const Dataset& codes) {
  const auto values = codes.x.read<float>();
  return 100 * static_cast<double>(std::ranges::count(values, 0.0F)) / static_cast<double>(values.size());
}

/// Digits that a hyperplane sets apart from all others among the first samples; each plane is checked in
/// rationals. A plane that the perceptron does not find in time is not counted.
int separable_digits(const Dataset& codes, int64_t samples) {
  int count = 0;
  for (int digit = 0; digit < 10; ++digit) {
    std::vector<LabelledPoint> points;
    for (int64_t i = 0; i < std::min(samples, codes.size()); ++i) {
      LabelledPoint point{.x = {}, .label = codes.y.at(i) == digit ? 1 : -1};
      for (int64_t k = 0; k < codes.features(); ++k)
        point.x.push_back(Rational::of(codes.x.at(i * codes.features() + k)));
      points.push_back(std::move(point));
    }
    const Separability found = separability(points, {.perceptron_epochs = 300, .lp_entries = 0});
    count += found.plane && separates(*found.plane, points) ? 1 : 0;
  }
  return count;
}

study::Experiment::Result run(const study::Settings& settings) {
  const Split data = split(digits());
  const int64_t samples = settings.pick(60, 600, 1438);
  const Graph untrained = network(mlp({64, 48, 48, 48, 10}, relu).seeded(1), 64);
  TrainOptions options = study::options(settings, settings.pick(2, 30, 100), 32, sgd({.learning_rate = 0.1}));
  const TrainResult plain = train(untrained, data, options);
  options.penalty = l1_on_activations("relu", 1e-3);
  const TrainResult sparse = train(untrained, data, options);
  study::Table table({"network", "codes", "zeros %", "linear probe's test error %",
                      fmt::format("digits apart (of 10, {} samples)", samples)});
  Plot errors{.title = "test error of a linear classifier on the codes",
              .x_label = "layer (0: pixels)",
              .y_label = "error, %"};
  Plot zeros{.title = "zeros in the codes", .x_label = "layer (0: pixels)", .y_label = "zeros, %"};
  std::vector<double> first, last;
  for (const auto& [name, graph] :
       {std::pair{"untrained", untrained}, std::pair{"trained", trained_network(untrained, plain.checkpoint)},
        std::pair{"trained, L1 0.001", trained_network(untrained, sparse.checkpoint)}}) {
    const std::vector<Dataset> train_codes = codes_of(graph, data.train),
                               test_codes = codes_of(graph, data.test);
    Series error{.name = name}, zero{.name = name};
    for (size_t layer = 0; layer < train_codes.size(); ++layer) {
      error.x.push_back(static_cast<double>(layer)), zero.x.push_back(static_cast<double>(layer));
      error.y.push_back(probe(train_codes[layer], test_codes[layer], settings));
      zero.y.push_back(zeros_percent(train_codes[layer]));
      table.add({name, layer == 0 ? "pixels" : fmt::format("layer {}", layer),
                 fmt::format("{:.1f}", zero.y.back()), fmt::format("{:.2f}", error.y.back()),
                 std::to_string(separable_digits(train_codes[layer], samples))});
    }
    first.push_back(error.y.front()), last.push_back(error.y.back());
    errors.series.push_back(error);
    zeros.series.push_back(zero);
  }
  table.print();
  return {.plots = {errors, zeros},
          .measured =
              fmt::format("linear probe: {:.2f} % on pixels; on the last codes {:.2f} % untrained, {:.2f} % "
                          "trained, {:.2f} % trained with L1",
                          first[0], last[0], last[1], last[2]),
          .differs =
              "the source argues and does not measure; training makes codes separable, and whether sparsity "
              "adds to that is what the two trained rows compare"};
}

}  // namespace

int main(int count, char** arguments) {
  return study::main_of(
      {.name = "separability",
       .title = "Linear separability of codes, layer by layer (digits, 64-48-48-48-10)",
       .source = "Glorot, Bordes, Bengio 2011, section 2.2: sparse representations are \"more likely "
                 "to be linearly separable, or more easily separable with less non-linear machinery\"",
       .run = run},
      count, arguments);
}
