#include "frontends/training/pretrain.h"

#include <doctest/doctest.h>

#include <cmath>

#include "frontends/layers/random.h"
#include "frontends/models.h"
#include "graph/error.h"
#include "graph/ops/activation.h"

namespace crease {
namespace {

/// Samples in [0, 1) of a plane in six dimensions.
Tensor samples() {
  const Tensor u = uniform(0, 1)({.sizes = {120, 2}, .seed = 3});
  Tensor x(Type::f32, {120, 6});
  for (int64_t i = 0; i < 120; ++i)
    for (int64_t k = 0; k < 6; ++k)
      x.set(6 * i + k,
            (u.at(2 * i) * static_cast<double>(k) + u.at(2 * i + 1) * static_cast<double>(5 - k)) / 5);
  return x;
}

PretrainOptions small_options(Reconstruction reconstruction = Reconstruction::Softplus) {
  PretrainOptions options;
  options.autoencoder = {.masking = 0.2, .reconstruction = reconstruction};
  options.training.epochs = 12;
  options.training.batch = 20;
  options.training.optimizer = adam({.learning_rate = 0.02});
  options.training.run.interpret = true;
  return options;
}

TEST_CASE("masking noise zeroes a share of the elements and leaves the others as they are") {
  Graph graph;
  const Value x = graph.input("x", {1000});
  const Layer noise = masking_noise(0.25);
  graph.output("y", noise(x, Mode::Training));
  Tensor ones(Type::f32, {1000});
  for (int64_t i = 0; i < 1000; ++i) ones.set(i, 1.5);
  const Tensor y = evaluate(graph, {{"x", ones}}).at("y");
  int zeros = 0;
  for (int64_t i = 0; i < 1000; ++i) {
    zeros += y.at(i) == 0;
    CHECK((y.at(i) == 0 || y.at(i) == 1.5));
  }
  // Binomial, mean 250, deviation 13.7: within 5 deviations.
  CHECK(std::abs(zeros - 250) < 69);
  CHECK(noise(x).id() == x.id());
  CHECK_THROWS_WITH_AS(masking_noise(1), doctest::Contains("[masking_noise] the rate must be"), Error);
}

TEST_CASE("an auto-encoder is its formula, with a tied decoder or its own") {
  for (const bool tied : {true, false}) {
    Graph graph;
    const Value x = graph.input("x", {"batch", 3});
    graph.output("y", denoising_autoencoder(3, 2, relu, {.tied = tied}).seeded(4)(x));
    const auto p = parameters_of(graph);
    CHECK(p.contains("autoencoder.decoder.weight") == !tied);
    const Tensor input = Tensor::f32({1, 3}, {1, -2, 0.5});
    const Tensor y = evaluate(graph, {{"x", input}}).at("y");
    const Tensor& w = p.at("autoencoder.weight");
    for (int64_t k = 0; k < 3; ++k) {
      double want = p.at("autoencoder.decoder.bias").at(k);
      for (int64_t j = 0; j < 2; ++j) {
        double code = p.at("autoencoder.bias").at(j);
        for (int64_t i = 0; i < 3; ++i) code += input.at(i) * w.at(2 * i + j);
        want +=
            std::max(code, 0.0) * (tied ? w.at(2 * k + j) : p.at("autoencoder.decoder.weight").at(3 * j + k));
      }
      CHECK(y.at(k) == doctest::Approx(want).epsilon(1e-5));
    }
  }
  CHECK_THROWS_WITH_AS(denoising_autoencoder(0, 2, relu),
                       doctest::Contains("sizes must be positive: got in 0"), Error);
  Graph graph;
  CHECK_THROWS_WITH_AS(denoising_autoencoder(3, 2, relu)(graph.input("x", {"batch", 4})),
                       doctest::Contains("the input does not fit"), Error);
}

TEST_CASE("reconstruction losses are their closed forms, summed over a sample") {
  Graph graph;
  const Value z = graph.input("z", {"batch", 2}), t = graph.input("t", {"batch", 2});
  const Bindings values{{"z", Tensor::f32({1, 2}, {0.5, -1})}, {"t", Tensor::f32({1, 2}, {0.25, 1})}};
  const auto loss = [&](Reconstruction kind) {
    return evaluate(reconstruction_loss(kind)(z, t), values).item();
  };
  const auto plus = [](double v) { return std::log1p(std::exp(v)); };
  const auto squares = [](double a, double b) { return (a - 0.25) * (a - 0.25) + (b - 1) * (b - 1); };
  CHECK(loss(Reconstruction::Linear) == doctest::Approx(squares(0.5, -1)).epsilon(1e-6));
  CHECK(loss(Reconstruction::Softplus) == doctest::Approx(squares(plus(0.5), plus(-1))).epsilon(1e-6));
  CHECK(loss(Reconstruction::Sigmoid) ==
        doctest::Approx(0.25 * plus(-0.5) + 0.75 * plus(0.5) + plus(1)).epsilon(1e-6));
  const Value named = graph.input("named", {"batch", "t"}), number = graph.input("number", {});
  const LossFunction linear = reconstruction_loss(Reconstruction::Linear);
  CHECK_THROWS_WITH_AS(linear(named, named),
                       doctest::Contains("[reconstruction_loss] dimension 1 of [batch, t] has no size yet"),
                       Error);
  CHECK_THROWS_WITH_AS(linear(number, number), doctest::Contains("[reconstruction_loss] axis -1 of shape []"),
                       Error);
}

TEST_CASE("pre-training lowers every layer's reconstruction loss and leaves the last layer alone") {
  const std::vector<int64_t> sizes{6, 8, 5, 3};
  for (const Reconstruction kind :
       {Reconstruction::Softplus, Reconstruction::Linear, Reconstruction::Sigmoid}) {
    PretrainOptions options = small_options(kind);
    options.scale_codes = kind == Reconstruction::Sigmoid;
    const Pretrained result = pretrain(sizes, relu, samples(), options);
    REQUIRE(result.losses.size() == 2);
    for (const auto& losses : result.losses) CHECK(losses.back() < losses.front());
    const auto before = parameters_of(network(mlp(sizes, relu).seeded(0), 6));
    const auto after = parameters_of(result.network);
    CHECK_FALSE(after.at("0.weight") == before.at("0.weight"));
    CHECK_FALSE(after.at("2.weight") == before.at("2.weight"));
    CHECK(after.at("4.weight") == before.at("4.weight"));
  }
}

TEST_CASE("scaling by a power of two is undone exactly in the weights") {
  // Linear codes of twice the magnitude: what the second layer reads is the same after scaling.
  const Tensor x = samples();
  Tensor twice = x;
  for (float& v : twice.write<float>()) v *= 2;
  PretrainOptions options = small_options(Reconstruction::Linear);
  options.scale_codes = true;
  options.training.epochs = 2;
  const auto small = parameters_of(pretrain({6, 4, 2}, relu, x, options).network);
  const auto large = parameters_of(pretrain({6, 4, 2}, relu, twice, options).network);
  CHECK(small.at("0.bias") == large.at("0.bias"));
  for (int64_t i = 0; i < 24; ++i) CHECK(small.at("0.weight").at(i) == 2 * large.at("0.weight").at(i));
}

TEST_CASE("pre-training refuses samples that do not fit") {
  CHECK_THROWS_WITH_AS(pretrain({5, 4, 2}, relu, samples(), small_options()),
                       doctest::Contains("got f32 [120, 6], want f32 [n, 5]"), Error);
  CHECK_THROWS_WITH_AS(pretrain({6}, relu, samples(), small_options()),
                       doctest::Contains("at least an input and an output size"), Error);
}

}  // namespace
}  // namespace crease
