// Generative adversarial training on a ring of eight Gaussians, and on digits: two networks trained in turn
// by one compiled program.
#include <cmath>
#include <numbers>
#include <set>

#include "examples/experiments/study.h"
using namespace crease;

namespace {

constexpr int modes = 8;
constexpr double deviation = 0.05;

std::pair<double, double> centre(int mode) {
  const double angle = 2 * std::numbers::pi * mode / modes;
  return {std::cos(angle), std::sin(angle)};
}

Tensor ring(int64_t count, uint64_t seed) {
  Tensor x = normal(0, deviation)({.sizes = {count, 2}, .seed = seed});
  for (int64_t i = 0; i < count; ++i) {
    const auto [cx, cy] = centre(static_cast<int>(random_bits(seed, static_cast<uint64_t>(i)) % modes));
    x.set(2 * i, x.at(2 * i) + cx);
    x.set(2 * i + 1, x.at(2 * i + 1) + cy);
  }
  return x;
}

/// How many samples lie within four deviations of a centre, and on how many of the centres they lie.
std::pair<double, size_t> quality(const Tensor& sample) {
  int64_t good = 0;
  std::set<int> found;
  for (int64_t i = 0; i < sample.sizes()[0]; ++i)
    for (int mode = 0; mode < modes; ++mode) {
      const auto [cx, cy] = centre(mode);
      if (std::hypot(sample.at(2 * i) - cx, sample.at(2 * i + 1) - cy) > 4 * deviation) continue;
      ++good;
      found.insert(mode);
    }
  return {static_cast<double>(good) / static_cast<double>(sample.sizes()[0]), found.size()};
}

Series points(const std::string& name, const Tensor& sample) {
  Series series{.name = name, .line = false};
  for (int64_t i = 0; i < sample.sizes()[0]; ++i)
    series.x.push_back(sample.at(2 * i)), series.y.push_back(sample.at(2 * i + 1));
  return series;
}

/// Sixteen generated digits of 8 x 8 pixels in a square.
Plot picture(const Tensor& sample) {
  Plot plot{.title = "generated digits", .x_label = "", .y_label = "", .raster = {.columns = 36}};
  for (int row = 0; row < 36; ++row)
    for (int column = 0; column < 36; ++column) {
      const int64_t image = row / 9 * 4 + column / 9;
      const bool frame = row % 9 == 8 || column % 9 == 8;
      const double value = frame ? 1 : sample.at(image * 64 + row % 9 * 8 + column % 9);
      const auto grey = static_cast<int>(std::lround(255 * std::clamp(value, 0.0, 1.0)));
      plot.raster.colours.push_back(fmt::format("rgb({0} {0} {0})", grey));
    }
  return plot;
}

Plot train_digits(const study::Settings& settings, study::Table& table) {
  const Dataset data = split(digits()).train;
  const Layer generator = sequential(mlp({16, 128, 64}, relu, {.init = he_normal}), sigmoid_op).seeded(3);
  const Layer discriminator = mlp({64, 128, 1}, leaky_relu(0.2)).seeded(4);
  const Optimizer optimizer = adam({.learning_rate = 0.0005, .beta1 = 0.5});
  Runner runner(adversarial_step(
      generator, discriminator, {64},
      {.latent = 16, .discriminator = optimizer, .generator = optimizer, .real_target = 0.9, .seed = 1}));
  const int64_t epochs = settings.pick(1, 150, 600);
  std::map<std::string, Tensor> last;
  for (int64_t epoch = 0; epoch < epochs; ++epoch)
    for (const Batch& batch : data.batches(64, {.epoch = epoch, .keep_partial = false}))
      last = runner({{"x", batch.x}});
  const Graph made = generator_of(generator, 16, runner.parameters());
  const Tensor sample = evaluate(made, {{"z", normal(0, 1)({.sizes = {500, 16}, .seed = 8})}}).at("sample");
  // A network that tells real digits apart judges: how sure it is, and which classes it sees.
  const Graph start = network(mlp({64, 64, 10}, relu).seeded(5), 64);
  const TrainResult judge =
      train(start, split(digits()), study::options(settings, settings.pick(1, 30, 30), 32, adam()));
  const Graph trained = trained_network(start, judge.checkpoint);
  const Value logits = trained.value(trained.outputs().front().node);
  const Tensor share = evaluate(softmax(logits), {{"x", sample}});
  std::set<int64_t> classes;
  int64_t sure = 0;
  for (int64_t i = 0; i < 500; ++i)
    for (int64_t c = 0; c < 10; ++c)
      if (share.at(10 * i + c) > 0.9) ++sure, classes.insert(c);
  table.add(
      {"digits", fmt::format("{}", epochs * 22), fmt::format("{:.1f}", 100 * static_cast<double>(sure) / 500),
       fmt::format("{} of 10", classes.size()), fmt::format("{:.3f}", last.at("discriminator_loss").item()),
       fmt::format("{:.3f}", last.at("generator_loss").item())});
  return picture(sample);
}

study::Experiment::Result run(const study::Settings& settings) {
  const int64_t steps = settings.pick(200, 20000, 100000);
  const Layer generator = mlp({8, 64, 64, 2}, relu).seeded(1);
  const Layer discriminator = mlp({2, 64, 64, 1}, leaky_relu(0.2)).seeded(2);
  const Optimizer optimizer = adam({.learning_rate = 0.0005, .beta1 = 0.5});
  Runner runner(
      adversarial_step(generator, discriminator, {2},
                       {.latent = 8, .discriminator = optimizer, .generator = optimizer, .seed = 1}));
  Plot losses{.title = "losses", .x_label = "step", .y_label = "loss"};
  losses.series = {{.name = "discriminator", .marks = false}, {.name = "generator", .marks = false}};
  std::map<std::string, Tensor> last;
  for (int64_t step = 0; step < steps; ++step) {
    last = runner({{"x", ring(128, static_cast<uint64_t>(step + 1))}});
    if (step % (steps / 100) != 0) continue;
    for (size_t i = 0; i < 2; ++i) {
      losses.series[i].x.push_back(static_cast<double>(step));
      losses.series[i].y.push_back(last.at(i == 0 ? "discriminator_loss" : "generator_loss").item());
    }
  }
  const Graph made = generator_of(generator, 8, runner.parameters());
  const Tensor sample = evaluate(made, {{"z", normal(0, 1)({.sizes = {1000, 8}, .seed = 7})}}).at("sample");
  const auto [good, found] = quality(sample);
  study::Table table({"data", "steps", "good samples %", "modes", "discriminator loss", "generator loss"});
  table.add({"ring of 8 Gaussians", std::to_string(steps), fmt::format("{:.1f}", 100 * good),
             fmt::format("{} of 8", found), fmt::format("{:.3f}", last.at("discriminator_loss").item()),
             fmt::format("{:.3f}", last.at("generator_loss").item())});
  const Plot digits_plot = train_digits(settings, table);
  table.print();
  return {.plots = {{.title = "ring of eight Gaussians",
                     .x_label = "x1",
                     .y_label = "x2",
                     .series = {points("generated", sample), points("real", ring(300, 5))}},
                    losses,
                    digits_plot},
          .measured =
              fmt::format("{:.1f} % of generated points within four deviations of a centre, {} of 8 centres "
                          "found; at the optimum both losses are 2 log 2 = 1.386 and log 2 = 0.693",
                          100 * good, found),
          .differs =
              "the source shows no such figure for these data; small rectifier networks, Adam. Good digits "
              "are those of which a classifier is more than 90 % sure"};
}

}  // namespace

int main(int count, char** arguments) {
  return study::main_of(
      {.name = "gan",
       .title = "Adversarial training of two networks in one program",
       .source = "Goodfellow et al. 2014: the generator reaches the distribution of the data where "
                 "the discriminator gives 1/2 everywhere; the ring: Metz et al. 2017",
       .run = run},
      count, arguments);
}
