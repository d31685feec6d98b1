// How much faster rectifiers learn: epochs until a four-layer convolutional network has 25 % training error
// on CIFAR-10, for relu and tanh, each with the learning rate that suits it best.
#include <algorithm>
#include <cstdint>

#include "examples/experiments/study.h"
using namespace crease;

namespace {

/// The network of the source's own program (cuda-convnet, "layers-80sec") without its response normalisation:
/// three convolutions of 5 x 5, each with pooling of 3 x 3 at every second position, and a linear layer;
/// initial weights normal with the fixed deviations 0.0001, 0.01, 0.01, 0.01; pixels from 0 to 255 less their
/// mean.
Graph make_network(const Op& activation, int64_t channels) {
  const auto same = [](double deviation) {
    return ConvLayerOptions{.padding = {2}, .init = normal(0, deviation)};
  };
  const PoolOptions pooling{.window = {3}, .stride = {2}, .padding = {1}};
  const auto average = average_pool2d(pooling);
  const Layer layers =
      sequential(reshape_samples({3, 32, 32}), conv2d(3, channels, {5, 5}, same(0.0001)), max_pool2d(pooling),
                 activation, conv2d(channels, channels, {5, 5}, same(0.01)), activation, average,
                 conv2d(channels, 2 * channels, {5, 5}, same(0.01)), activation, average, flatten(),
                 linear(2 * channels * 16, 10, {.init = normal(0, 0.01)}))
          .seeded(1);
  return network(layers, 3 * 32 * 32);
}

/// Pixels from 0 to 255, less the mean of each over the images that are trained on.
Split centred(Split data) {
  Standardisation by = measure(data.train);
  for (int64_t i = 0; i < by.deviation.count(); ++i) by.deviation.set(i, 1.0 / 255);
  for (Dataset* part : {&data.train, &data.test}) part->x = standardise(part->x, by);
  return data;
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

/// One activation with one learning rate.
struct Course {
  double rate = 0;
  std::vector<double> errors = {};  // on what it trains on, after each epoch, %
  double test_error = 100;
  Checkpoint last = {};
};

constexpr double level = 25;

/// Trains, or goes on, until the level is reached or `most` epochs are over.
void follow(Course& course, const Op& activation, const Split& data, int64_t most,
            const study::Settings& settings) {
  if (!course.errors.empty() && course.errors.back() <= level) return;
  TrainOptions options =
      study::options(settings, most, settings.pick(64, 32, 128), momentum({.learning_rate = course.rate}));
  if (!course.errors.empty()) options.resume = course.last;
  options.on_epoch = [&](const EpochMetrics& metrics, const Checkpoint&) {
    course.errors.push_back(study::error_percent(*metrics.accuracy));
    return course.errors.back() > level;
  };
  try {
    const TrainResult result = train(make_network(activation, settings.pick(4, 16, 32)), data, options);
    course.test_error = study::error_percent(*result.epochs.back().test_accuracy);
    course.last = result.checkpoint;
  } catch (const Error& problem) {
    // A rate that is too high: numbers stop being finite, and nothing is learned.
    course.errors.push_back(100);
    study::note("{}", problem.what());
  }
  study::note("{} {:g}: {} epochs, {:.1f} % training error", activation.name, course.rate,
              course.errors.size(), course.errors.back());
}

/// All rates for a while, and then the one that has the least training error.
std::vector<Course> search(const Op& activation, const Split& data, const study::Settings& settings) {
  const int64_t trial = settings.pick(1, 8, 12), most = settings.pick(1, 160, 300);
  std::vector<Course> courses;
  for (const double rate : {0.0003, 0.001, 0.003, 0.01})
    follow(courses.emplace_back(Course{.rate = rate}), activation, data, trial, settings);
  std::ranges::stable_sort(courses, {}, [](const Course& course) {
    // Where several are done already, the first to be so.
    return std::pair{course.errors.back() <= level ? course.errors.size() : SIZE_MAX, course.errors.back()};
  });
  if (most > trial) follow(courses.front(), activation, data, most, settings);
  return courses;
}

void draw(Plot& plot, const Op& activation, const Course& course) {
  Series series{
      .name = fmt::format("{}, rate {:g}", activation.name, course.rate), .x = {}, .y = course.errors};
  for (size_t i = 0; i < course.errors.size(); ++i) series.x.push_back(static_cast<double>(i + 1));
  plot.series.push_back(series);
}

std::string in_words(const std::optional<double>& epochs) {
  return epochs ? fmt::format("{:.1f} epochs", *epochs) : std::string("not reached");
}

study::Experiment::Result run(const study::Settings& settings) {
  const Split data =
      centred(study::images(settings, "cifar10", settings.pick(300, 0, 0), settings.pick(200, 500, 0)));
  study::Table table({"activation", "learning rate", "epochs", "epochs to 25 %",
                      "training error at the end %", "test error %"});
  Plot plot{.title = "training error on CIFAR-10 images", .x_label = "epoch", .y_label = "error, %"};
  std::vector<std::optional<double>> best;
  for (const Op& activation : {relu, tanh_op}) {
    const std::vector<Course> courses = search(activation, data, settings);
    for (const Course& course : courses) {
      const std::optional<double> needed = epochs_until(course.errors, level);
      table.add({activation.name, fmt::format("{:g}", course.rate), std::to_string(course.errors.size()),
                 needed ? fmt::format("{:.1f}", *needed) : "-", fmt::format("{:.1f}", course.errors.back()),
                 fmt::format("{:.1f}", course.test_error)});
      draw(plot, activation, course);
    }
    best.push_back(epochs_until(courses.front().errors, level));
  }
  table.print();
  const std::string ratio =
      best[0] && best[1] ? fmt::format("; tanh needs {:.1f} times as many", *best[1] / *best[0]) : "";
  const int64_t channels = settings.pick(4, 16, 32);
  return {.plots = {plot},
          .measured = fmt::format("25 % training error: relu {}, tanh {}{}", in_words(best[0]),
                                  in_words(best[1]), ratio),
          .differs =
              fmt::format("{} images in place of 50,000, {} to {} channels, training error taken while the "
                          "weights change, batches of {}, four learning rates tried for each",
                          data.train.size(), channels, 2 * channels, settings.pick(64, 32, 128)),
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
