// Deep sparse rectifier networks: test error of rectifier, tanh and softplus networks with three hidden
// layers, with and without unsupervised pre-training, on images.
#include "examples/experiments/study.h"
using namespace crease;

namespace {

struct Choice {
  std::string name;
  Op activation;
  Reconstruction reconstruction;
};

struct Sizes3 {
  int64_t width, epochs, pretraining;
};

/// Test error where the validation error was best, over the learning rates.
double best_test_error(const Graph& start, const Choice& choice, const Split& data, const Sizes3& sizes,
                       const study::Settings& settings) {
  double best = 100, test = 100;
  const std::vector<double> rates =
      settings.length == study::Length::Quick ? std::vector{0.1} : std::vector{0.03, 0.1};
  for (const double rate : rates) {
    TrainOptions options = study::options(settings, sizes.epochs, 32, sgd({.learning_rate = rate}));
    options.penalty = l1_on_activations(choice.activation.name, 1e-4);
    const TrainResult result = train(start, data, options);
    for (const EpochMetrics& metrics : result.epochs) {
      const double error = study::error_percent(*metrics.validation_accuracy);
      if (error < best) best = error, test = study::error_percent(*metrics.test_accuracy);
    }
  }
  return test;
}

/// A set of images, and how many of them are learned from and judged by; 0: all.
struct Images {
  std::string name;
  int64_t train, test;
};

std::vector<Images> sets(const study::Settings& settings) {
  if (settings.length == study::Length::Quick) return {{"mnist", 400, 200}};
  const int64_t fashion = settings.pick(0, 20000, 0);
  return {{"mnist", 0, 0}, {"fashion-mnist", fashion, 0}, {"cifar10", 0, 0}};
}

/// Test errors of one kind of unit on one set.
struct Errors {
  double without, with;
};

Errors measure_choice(const Choice& choice, const Split& data, const Sizes3& sizes,
                      const study::Settings& settings) {
  const int64_t features = data.train.features();
  const std::vector<int64_t> layers{features, sizes.width, sizes.width, sizes.width, 10};
  const LinearOptions linear{.init = glorot_uniform};
  const Graph plain = network(mlp(layers, choice.activation, linear).seeded(1), features);
  PretrainOptions pretraining{.autoencoder = {.masking = 0.25, .reconstruction = choice.reconstruction}};
  pretraining.autoencoder.linear = linear;
  pretraining.training = study::options(settings, sizes.pretraining, 32, adam({.learning_rate = 0.0005}), 1);
  const Graph prepared = pretrain(layers, choice.activation, data.train.x, pretraining).network;
  return {.without = best_test_error(plain, choice, data, sizes, settings),
          .with = best_test_error(prepared, choice, data, sizes, settings)};
}

study::Experiment::Result run(const study::Settings& settings) {
  const Sizes3 sizes{.width = settings.pick<int64_t>(32, 300, 1000),
                     .epochs = settings.pick<int64_t>(1, 10, 40),
                     .pretraining = settings.pick<int64_t>(1, 4, 15)};
  study::Table table({"data", "activation", "without pre-training %", "with pre-training %"});
  std::vector<Series> series{{.name = "rectifier"}, {.name = "tanh"}, {.name = "softplus"}};
  std::string measured, counts;
  double set_number = 0;
  for (const Images& set : sets(settings)) {
    const Split data = with_validation(study::images(settings, set.name, set.train, set.test), 0.15, 1);
    counts += fmt::format("{}{}", counts.empty() ? "" : ", ", data.train.size());
    size_t number = 0;
    for (const Choice& choice : {Choice{"rectifier", relu, Reconstruction::Softplus},
                                 // Codes of tanh are negative too, so that only a linear map can give them.
                                 Choice{"tanh", tanh_op, Reconstruction::Linear},
                                 Choice{"softplus", softplus_op, Reconstruction::Softplus}}) {
      const auto [without, with] = measure_choice(choice, data, sizes, settings);
      table.add({set.name, choice.name, fmt::format("{:.2f}", without), fmt::format("{:.2f}", with)});
      study::note("{} {} {:.2f} / {:.2f}", set.name, choice.name, without, with);
      series[number].x.insert(series[number].x.end(), {set_number, set_number + 0.4});
      series[number].y.insert(series[number].y.end(), {without, with});
      measured += fmt::format("{}{} {} {:.2f} / {:.2f}", measured.empty() ? "" : "; ", set.name, choice.name,
                              without, with);
      ++number;
    }
    ++set_number;
  }
  table.print();
  return {.plots = {{.title = "test error without (at n) and with (at n + 0.4) pre-training",
                     .x_label = "0 MNIST, 1 Fashion-MNIST, 2 CIFAR-10",
                     .y_label = "error, %",
                     .series = series}},
          .measured = "error without / with pre-training: " + measured + " %",
          .differs = fmt::format("{} training images, {} units a layer, {} epochs, two learning rates chosen "
                                 "by validation error; the source searches many; NISTP and NORB are not "
                                 "public",
                                 counts, sizes.width, sizes.epochs),
          .columns = 1};
}

}  // namespace

int main(int count, char** arguments) {
  return study::main_of(
      {.name = "rectifiers",
       .title = "Rectifier, tanh and softplus networks with three hidden layers",
       .source = "Glorot, Bordes, Bengio 2011, table 1, MNIST: without pre-training 1.43, 1.57, 1.77 % "
                 "for rectifier, tanh, softplus; with it 1.20, 1.16, 1.17 %",
       .run = run},
      count, arguments);
}
