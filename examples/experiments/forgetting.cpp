// Catastrophic forgetting: a network learns digits, then digits with permuted pixels; how much of the first
// task is left, for relu, sigmoid and maxout, with and without dropout.
#include "examples/experiments/study.h"
using namespace crease;

namespace {

Dataset permuted(const Dataset& data, uint64_t seed) {
  const int64_t features = data.features();
  const std::vector<int64_t> order = permutation(features, seed);
  Dataset result = data;
  result.x = Tensor(Type::f32, data.x.sizes());
  const auto from = data.x.read<float>();
  const auto to = result.x.write<float>();
  for (int64_t i = 0; i < data.x.count(); ++i)
    to[static_cast<size_t>(i)] =
        from[static_cast<size_t>(i / features * features + order[static_cast<size_t>(i % features)])];
  return result;
}

struct Choice {
  std::string name;
  Layer activation;
  int64_t pieces;
  double rate;  // of dropout; 0: none
};

Layer layers_of(const Choice& choice, int64_t features, int64_t width) {
  const auto drop = [&](double rate) { return rate > 0 ? dropout(rate) : Layer(identity); };
  const LinearOptions linear_options{.init = glorot_normal};
  return sequential(drop(choice.rate * 0.4), linear(features, width * choice.pieces, linear_options),
                    choice.activation, drop(choice.rate),
                    linear(width, width * choice.pieces, linear_options), choice.activation.named("second"),
                    drop(choice.rate), linear(width, 10, linear_options))
      .seeded(1);
}

study::Experiment::Result run(const study::Settings& settings) {
  const Split first =
      study::images(settings, "mnist", settings.pick(500, 5000, 0), settings.pick(500, 2000, 0));
  const Split second{.train = permuted(first.train, 7), .test = permuted(first.test, 7)};
  const int64_t width = settings.pick(32, 200, 1000), epochs = settings.pick(1, 20, 30);
  study::Table table(
      {"network", "first task %", "second task %", "first task afterwards %", "forgotten points"});
  Plot plot{.title = "test accuracy on the first task while the second is learned",
            .x_label = "epoch of the second task",
            .y_label = "accuracy, %"};
  std::string measured;
  for (const double rate : {0.0, 0.5}) {
    for (const Choice& choice : {Choice{"relu", relu, 1, rate}, Choice{"sigmoid", sigmoid_op, 1, rate},
                                 Choice{"maxout", maxout(2), 2, rate}}) {
      const Layer layers = layers_of(choice, 784, width);
      const Graph start = network(layers, 784);
      TrainOptions options = study::options(settings, epochs, 32, momentum({.learning_rate = 0.01}));
      options.clip.norm = 1;
      if (rate > 0) options.training_network = network(layers, 784, Type::f32, Mode::Training);
      const TrainResult old_task = train(start, first, options);
      const Graph learned = trained_network(start, old_task.checkpoint);
      if (options.training_network)
        options.training_network = trained_network(*options.training_network, old_task.checkpoint);
      Series series{.name = choice.name + (rate > 0 ? ", dropout" : ""), .x = {0}, .y = {}};
      series.y.push_back(100 * *old_task.epochs.back().test_accuracy);
      options.on_epoch = [&](const EpochMetrics& metrics, const Checkpoint& checkpoint) {
        series.x.push_back(static_cast<double>(metrics.epoch));
        series.y.push_back(100 * *evaluate_on(trained_network(start, checkpoint), first.test).accuracy);
        return true;
      };
      const TrainResult new_task = train(learned, second, options);
      const double before = series.y.front(), after = series.y.back();
      table.add({series.name, fmt::format("{:.1f}", before),
                 fmt::format("{:.1f}", 100 * *new_task.epochs.back().test_accuracy),
                 fmt::format("{:.1f}", after), fmt::format("{:.1f}", before - after)});
      measured += fmt::format("{}{} {:.1f}", measured.empty() ? "" : ", ", series.name, after);
      plot.series.push_back(series);
    }
  }
  table.print();
  return {.plots = {plot},
          .measured = "accuracy on the first task after the second: " + measured + " %",
          .differs =
              fmt::format("{} images, {} units a layer, the second task for {} epochs with one learning "
                          "rate; the source searches sizes and rates, and draws the frontier of both tasks",
                          first.train.size(), width, epochs),
          .columns = 1};
}

}  // namespace

int main(int count, char** arguments) {
  return study::main_of(
      {.name = "forgetting",
       .title = "Catastrophic forgetting: MNIST, then MNIST with permuted pixels",
       .source = "Goodfellow et al. 2013 (An empirical investigation of catastrophic forgetting): "
                 "dropout always helps, and maxout with dropout is on the frontier of all three "
                 "task pairs",
       .run = run},
      count, arguments);
}
