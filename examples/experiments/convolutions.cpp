// How much faster rectifiers learn: epochs until a four-layer convolutional network has 25 % training error
// on CIFAR-10, for relu and tanh, each with the learning rate that suits it best.
#include <algorithm>

#include "examples/experiments/study.h"
using namespace crease;

namespace {

Graph make_network(const Op& activation, int64_t channels, int64_t height) {
  const Init init = fan_normal(gain_of(activation));
  const ConvLayerOptions same{.padding = {2}, .init = init};
  const auto pool = max_pool2d({.window = {2}});
  const int64_t left = height / 8;
  const Layer layers = sequential(reshape_samples({3, height, height}), conv2d(3, channels, {5, 5}, same),
                                  activation, pool, conv2d(channels, 2 * channels, {5, 5}, same), activation,
                                  pool, conv2d(2 * channels, 2 * channels, {5, 5}, same), activation, pool,
                                  flatten(), linear(2 * channels * left * left, 10, {.init = init}))
                           .seeded(1);
  return network(layers, 3 * height * height);
}

/// Epochs, with a fraction by interpolation, until the error is at most `level`; none if it never is.
std::optional<double> epochs_until(const std::vector<double>& errors, double level) {
  for (size_t i = 0; i < errors.size(); ++i) {
    if (errors[i] > level) continue;
    if (i == 0) return 1.0;
    return static_cast<double>(i) + (errors[i - 1] - level) / (errors[i - 1] - errors[i]);
  }
  return {};
}

study::Experiment::Result run(const study::Settings& settings) {
  Split data = study::images(settings, "cifar10", settings.pick(300, 3000, 0), settings.pick(200, 500, 0));
  const Standardisation standard = measure(data.train);
  for (Dataset* part : {&data.train, &data.test}) part->x = standardise(part->x, standard);
  const int64_t channels = settings.pick(4, 12, 32), most = settings.pick(1, 40, 100);
  study::Table table(
      {"activation", "learning rate", "epochs to 25 %", "training error at the end %", "test error %"});
  Plot plot{.title = "training error on CIFAR-10 images", .x_label = "epoch", .y_label = "error, %"};
  std::vector<std::optional<double>> best;
  for (const Op& activation : {relu, tanh_op}) {
    std::optional<double> fewest;
    for (const double rate : {0.003, 0.01, 0.03}) {
      TrainOptions options = study::options(settings, most, 32, momentum({.learning_rate = rate}));
      std::vector<double> errors;
      options.on_epoch = [&](const EpochMetrics& metrics, const Checkpoint&) {
        errors.push_back(study::error_percent(*metrics.accuracy));
        // Once 25 % is reached, or an earlier rate was faster, nothing is to be learned from more epochs.
        return errors.back() > 25 && (!fewest || static_cast<double>(metrics.epoch) < *fewest);
      };
      const TrainResult result = train(make_network(activation, channels, 32), data, options);
      const std::optional<double> needed = epochs_until(errors, 25);
      if (needed && (!fewest || *needed < *fewest)) fewest = needed;
      table.add({activation.name, fmt::format("{:g}", rate), needed ? fmt::format("{:.1f}", *needed) : "-",
                 fmt::format("{:.1f}", errors.back()),
                 fmt::format("{:.1f}", study::error_percent(*result.epochs.back().test_accuracy))});
      Series series{.name = fmt::format("{}, rate {:g}", activation.name, rate), .x = {}, .y = errors};
      for (size_t i = 0; i < errors.size(); ++i) series.x.push_back(static_cast<double>(i + 1));
      plot.series.push_back(series);
    }
    best.push_back(fewest);
  }
  table.print();
  const auto text = [](const std::optional<double>& epochs) {
    return epochs ? fmt::format("{:.1f} epochs", *epochs) : std::string("not reached");
  };
  const std::string ratio =
      best[0] && best[1] ? fmt::format("; tanh needs {:.1f} times as many", *best[1] / *best[0]) : "";
  return {
      .plots = {plot},
      .measured = fmt::format("25 % training error: relu {}, tanh {}{}", text(best[0]), text(best[1]), ratio),
      .differs = fmt::format("{} images in place of 50,000, {} to {} channels, training error taken while "
                             "the weights change, three learning rates tried for each, initial weights by "
                             "the gain of each activation",
                             data.train.size(), channels, 2 * channels),
      .columns = 1};
}

}  // namespace

int main(int count, char** arguments) {
  return study::main_of(
      {.name = "convolutions",
       .title = "Rectifiers against tanh in a four-layer convolutional network (CIFAR-10)",
       .source = "Krizhevsky, Sutskever, Hinton 2012, figure 1: 25 % training error 6 times "
                 "faster with relu than with tanh",
       .run = run},
      count, arguments);
}
