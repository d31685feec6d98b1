// Without activations any depth is one affine map: its boundary between two classes is a line. With
// rectifiers the same layers fold the plane into linear pieces.
#include <cmath>
#include <numbers>
#include <set>

#include "examples/experiments/study.h"
using namespace crease;

namespace {

/// Two moons.
Dataset moons(int64_t count, uint64_t seed) {
  Dataset data{.x = Tensor(Type::f32, {count, 2}), .y = Tensor(Type::i32, {count}), .classes = 2};
  const Tensor noise = normal(0, 0.1)({.sizes = {count, 2}, .seed = seed});
  for (int64_t i = 0; i < count; ++i) {
    const double angle = std::numbers::pi * static_cast<double>(i / 2) / static_cast<double>((count + 1) / 2);
    const bool second = i % 2 == 1;
    data.x.set(2 * i, (second ? 1 - std::cos(angle) : std::cos(angle)) + noise.at(2 * i));
    data.x.set(2 * i + 1, (second ? 0.5 - std::sin(angle) : std::sin(angle)) + noise.at(2 * i + 1));
    data.y.set(i, second ? 1 : 0);
  }
  return data;
}

constexpr double left = -1.5, right = 2.5, bottom = -1.3, top = 1.8;

/// The middles of cells, row by row from the top.
Tensor grid(int columns, int rows) {
  Tensor points(Type::f32, {static_cast<int64_t>(columns) * rows, 2});
  for (int row = 0; row < rows; ++row)
    for (int column = 0; column < columns; ++column) {
      const int64_t i = static_cast<int64_t>(row) * columns + column;
      points.set(2 * i, left + (right - left) * (column + 0.5) / columns);
      points.set(2 * i + 1, top - (top - bottom) * (row + 0.5) / rows);
    }
  return points;
}

/// Which hidden units are on at a point, over all layers.
std::vector<std::string> patterns(const Graph& network, const Tensor& points) {
  std::vector<std::string> found(static_cast<size_t>(points.sizes()[0]));
  for (const Value& hidden : results_of(network.value(network.outputs().front().node), "relu")) {
    const Tensor h = evaluate(hidden, {{"x", points}});
    const int64_t width = h.sizes()[1];
    for (int64_t i = 0; i < h.count(); ++i) found[static_cast<size_t>(i / width)] += h.at(i) > 0 ? '1' : '0';
  }
  return found;
}

/// Classes in two colours; shades tell linear pieces apart.
std::vector<std::string> colours_of(const Tensor& logits, const std::vector<std::string>& pieces) {
  std::vector<std::string> colours;
  for (size_t i = 0; i < pieces.size(); ++i) {
    const auto at = static_cast<int64_t>(2 * i);
    const int shade = static_cast<int>(std::hash<std::string>()(pieces[i]) % 40);
    colours.push_back(logits.at(at) >= logits.at(at + 1)
                          ? fmt::format("hsl(210 70% {}%)", 60 + shade * 3 / 4)
                          : fmt::format("hsl(25 80% {}%)", 60 + shade * 3 / 4));
  }
  return colours;
}

Plot picture(const std::string& title, const Dataset& data) {
  Plot plot{.title = title, .x_label = "x1", .y_label = "x2"};
  for (const int label : {0, 1}) {
    Series series{.name = fmt::format("class {}", label), .line = false};
    for (int64_t i = 0; i < data.size(); i += 4)
      for (int64_t k = i; k < std::min(i + 2, data.size()); ++k)
        if (data.y.at(k) == label)
          series.x.push_back(data.x.at(2 * k)), series.y.push_back(data.x.at(2 * k + 1));
    plot.series.push_back(series);
  }
  return plot;
}

/// Whether the analysis proves that the output is one affine map of the input.
bool is_affine(const Graph& network) {
  const Linearity facts = linearity(network);
  const auto output = static_cast<size_t>(network.outputs().front().node);
  return facts.parts[output] == Part::Affine && facts.frontiers[output] == network.inputs();
}

study::Experiment::Result run(const study::Settings& settings) {
  const Split data{.train = moons(400, 1), .test = moons(400, 2)};
  const int columns = settings.pick(20, 160, 400), rows = columns * 3 / 4;
  const Tensor points = grid(columns, rows);
  study::Table table({"network 2-16-16-2", "test error %", "linear pieces seen", "affine by proof"});
  std::vector<Plot> plots;
  std::vector<double> errors;
  size_t regions = 0;
  for (const Op& activation : {identity, relu}) {
    const Graph start = network(mlp({2, 16, 16, 2}, activation).seeded(2), 2);
    const TrainResult result = train(
        start, data, study::options(settings, settings.pick(5, 150, 500), 20, adam({.learning_rate = 0.01})));
    const Graph trained = trained_network(start, result.checkpoint);
    const std::vector<std::string> pieces = patterns(trained, points);
    const size_t count = std::set<std::string>(pieces.begin(), pieces.end()).size();
    const bool affine = is_affine(trained);
    errors.push_back(study::error_percent(*result.epochs.back().test_accuracy));
    regions = count;
    table.add({activation.name, fmt::format("{:.1f}", errors.back()), std::to_string(count),
               affine ? "yes" : "no"});
    Plot plot =
        picture(activation.name + (affine ? ": one affine map" : fmt::format(": {} linear pieces", count)),
                data.test);
    plot.raster = {.left = left, .right = right, .bottom = bottom, .top = top, .columns = columns};
    plot.raster.colours = colours_of(evaluate(trained, {{"x", points}}).at("logits"), pieces);
    plots.push_back(plot);
  }
  table.print();
  return {
      .plots = plots,
      .measured = fmt::format("test error {:.1f} % with one affine map, which the analysis proves and whose "
                              "boundary is a line; {:.1f} % with rectifiers, {} linear pieces in the picture",
                              errors[0], errors[1], regions),
      .differs = "the claim is exact; pieces smaller than a cell of the picture are not counted"};
}

}  // namespace

int main(int count, char** arguments) {
  return study::main_of(
      {.name = "plane",
       .title = "Depth without activations, and with rectifiers (two moons)",
       .source = "any introduction: W2 (W1 x + b1) + b2 = (W2 W1) x + (W2 b1 + b2); pieces: "
                 "Montufar et al. 2014",
       .run = run},
      count, arguments);
}
