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

/// Of how many images a network that tells real digits apart is more than 90 % sure, and of which classes.
struct Judgement {
  double sure = 0;  // %
  std::set<int64_t> classes = {};
};

Judgement judge(const Graph& classifier, const Tensor& images) {
  Graph graph = classifier;
  const Tensor share = evaluate(softmax(graph.value(graph.outputs().front().node)), {{"x", images}});
  const int64_t count = images.sizes()[0];
  Judgement result;
  for (int64_t i = 0; i < count; ++i)
    for (int64_t c = 0; c < 10; ++c)
      if (share.at(10 * i + c) > 0.9)
        result.sure += 100.0 / static_cast<double>(count), result.classes.insert(c);
  return result;
}

/// Pixels are whole numbers of sixteenths, which the discriminator would know real images by: a random part
/// of a step more makes them as continuous as generated ones. Source: Theis, van den Oord, Bethge 2016,
/// section 3.1.
Tensor dequantised(const Tensor& images, uint64_t seed) {
  Tensor x = uniform(0, 1)({.sizes = images.sizes(), .seed = seed});
  for (int64_t i = 0; i < x.count(); ++i) x.set(i, (16 * images.at(i) + x.at(i)) / 17);
  return x;
}

Graph classifier_of_digits(const study::Settings& settings) {
  const Graph start = network(mlp({64, 64, 10}, relu).seeded(5), 64);
  const TrainOptions options = study::options(settings, settings.pick(1, 30, 30), 32, adam());
  return trained_network(start, train(start, split(digits()), options).checkpoint);
}

struct Digits {
  Plot plot;
  std::string measured;
};

Digits train_digits(const study::Settings& settings, study::Table& table) {
  const Dataset data = split(digits()).train;
  const Layer generator = sequential(mlp({16, 128, 128, 64}, relu), sigmoid_op).seeded(3);
  const Layer discriminator = mlp({64, 128, 128, 1}, leaky_relu(0.2)).seeded(4);
  const Optimizer optimizer = adam({.learning_rate = 0.0005, .beta1 = 0.5});
  Runner runner(adversarial_step(
      generator, discriminator, {64},
      {.latent = 16, .discriminator = optimizer, .generator = optimizer, .real_target = 0.9, .seed = 1}));
  const int64_t epochs = settings.pick(1, 1500, 4000);
  uint64_t taken = 0;
  NamedTensors last;
  for (int64_t epoch = 0; epoch < epochs; ++epoch)
    for (const Batch& batch : data.batches(64, {.epoch = epoch, .keep_partial = false}))
      last = runner({{"x", dequantised(batch.x, ++taken)}});
  const Graph made = generator_of(generator, 16, runner.parameters());
  const Tensor sample = evaluate(made, {{"z", normal(0, 1)({.sizes = {500, 16}, .seed = 8})}}).at("sample");
  const Graph classifier = classifier_of_digits(settings);
  const Judgement made_by_it = judge(classifier, sample), real = judge(classifier, split(digits()).test.x);
  const auto row = [&](const char* name, const std::string& steps, const Judgement& found) {
    return std::vector{std::string(name), steps, fmt::format("{:.1f}", found.sure),
                       fmt::format("{} of 10", found.classes.size())};
  };
  std::vector<std::string> generated = row("generated digits", std::to_string(taken), made_by_it);
  for (const char* player : {"discriminator_loss", "generator_loss"})
    generated.push_back(fmt::format("{:.3f}", last.at(player).item()));
  table.add(generated);
  table.add(row("real digits, unseen", "-", real));
  return {
      .plot = picture(sample),
      .measured = fmt::format("a classifier is more than 90 % sure of {:.1f} % of generated digits and of "
                              "{:.1f} % of real ones that it has not seen",
                              made_by_it.sure, real.sure)};
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
  NamedTensors last;
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
  const Digits found_digits = train_digits(settings, table);
  table.print();
  return {.plots = {{.title = "ring of eight Gaussians",
                     .x_label = "x1",
                     .y_label = "x2",
                     .series = {points("generated", sample), points("real", ring(300, 5))}},
                    losses,
                    found_digits.plot},
          .measured =
              fmt::format("{:.1f} % of generated points within four deviations of a centre, {} of 8 centres "
                          "found; at the optimum both losses are 2 log 2 = 1.386 and log 2 = 0.693; {}",
                          100 * good, found, found_digits.measured),
          .differs = "the source shows no such figure for these data; small rectifier networks, Adam"};
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
