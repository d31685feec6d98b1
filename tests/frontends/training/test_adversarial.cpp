#include "frontends/training/adversarial.h"

#include <doctest/doctest.h>

#include <cmath>

#include "autodiff/reverse.h"
#include "frontends/layers/normalisation.h"
#include "frontends/model.h"
#include "frontends/models.h"
#include "frontends/training/runner.h"
#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/reduction.h"

namespace crease {
namespace {

Layer small_generator() { return mlp({2, 4, 2}, relu).seeded(1); }
Layer small_discriminator() { return mlp({2, 4, 1}, relu).seeded(2); }

AdversarialOptions small_options() {
  return {.discriminator = sgd({.learning_rate = 0.5}), .generator = sgd({.learning_rate = 0.25}), .seed = 3};
}

TEST_CASE("substitution computes from the replacement and leaves the rest alone") {
  Graph graph;
  const Value x = graph.input("x", {2}), y = graph.input("y", {2});
  const Value kept = y * 3, changed = x * y + kept;
  const auto now = substituted({changed, kept}, {{x.id(), kept}});
  CHECK(now[1].id() == kept.id());
  const Bindings values{{"x", Tensor::f32({2}, {5, 6})}, {"y", Tensor::f32({2}, {2, 4})}};
  const Tensor result = evaluate(now[0], values);  // 3 y^2 + 3 y
  CHECK(result.at(0) == 18);
  CHECK(result.at(1) == 60);
  CHECK(evaluate(changed, values).at(0) == 16);
  CHECK_THROWS_WITH_AS(substituted({changed}, {{x.id(), sum(y)}}),
                       doctest::Contains("its replacement f32 []"), Error);
  CHECK_THROWS_WITH_AS(substituted({}, {}), doctest::Contains("no value is given"), Error);
}

TEST_CASE("a step moves the discriminator, then the generator against the moved one") {
  const AdversarialOptions options = small_options();
  const Graph step = adversarial_step(small_generator(), small_discriminator(), {2}, options);
  const Bindings batch{{"x", normal(1, 0.5)({.sizes = {7, 2}, .seed = 9})}};
  const auto after = evaluate(step, batch);
  // The same by hand: latent numbers as inputs, two steps, each with its own graph.
  const auto before = parameters_of(step);
  const auto latent_of = [&](const std::string& name) {
    for (NodeId id = 0; id < step.size(); ++id)
      if (step.node(id).name == name) return evaluate(step.value(id), batch);
    return Tensor();
  };
  const auto players = [&](const std::map<std::string, Tensor>& values, bool generator_moves) {
    Graph graph;
    const Value x = graph.input("x", {"batch", 2}), z = graph.input("z", {"batch", 2});
    const Layer judge = small_discriminator().named("discriminator");
    const Value on_made = judge(small_generator().named("generator")(z));
    const Value on_real = judge(x);
    const Value loss =
        generator_moves ? mean(softplus(-on_made)) : mean(softplus(-on_real)) + mean(softplus(on_made));
    const std::string moving = generator_moves ? "generator" : "discriminator";
    std::map<std::string, Tensor> moved = values;
    for (const NodeId id : graph.parameters())
      graph.set_parameter(graph.node(id).name, values.at(graph.node(id).name));
    for (const NodeId id : graph.parameters()) {
      const std::string name = graph.node(id).name;
      if (!name.starts_with(moving + ".")) continue;
      const double rate = generator_moves ? 0.25 : 0.5;
      const Value next = graph.value(id) - grad(loss, graph.value(id)) * rate;
      const Tensor z_now = latent_of("latent." + moving);
      moved[name] = evaluate(next, {{"x", batch.at("x")}, {"z", z_now}});
    }
    return moved;
  };
  const auto expected = players(players(before, false), true);
  int compared = 0;
  for (const auto& [name, tensor] : expected) {
    if (name.find("weight") == std::string::npos && name.find("bias") == std::string::npos) continue;
    CAPTURE(name);
    for (int64_t i = 0; i < tensor.count(); ++i) {
      // Some 50 roundings of numbers of size 1.
      CHECK(after.at(name).at(i) == doctest::Approx(tensor.at(i)).epsilon(1e-5));
      ++compared;
    }
    CHECK_FALSE(after.at(name) == before.at(name));
  }
  CHECK(compared == 2 * (8 + 4) + 8 + 2 + 4 + 1);
}

TEST_CASE("neither player trains running moments") {
  const Layer judge = sequential(linear(2, 4), batch_norm(4), relu, linear(4, 1)).seeded(2);
  Runner runner(adversarial_step(small_generator(), judge, {2}, small_options()));
  runner({{"x", normal(1, 0.5)({.sizes = {7, 2}, .seed = 9})}});
  CHECK(runner.parameters().at("discriminator.1.running_variance") == Tensor::f32({4}, {1, 1, 1, 1}));
  CHECK(runner.parameters().at("discriminator.1.weight") != Tensor::f32({4}, {1, 1, 1, 1}));
}

TEST_CASE("the generator learns where the samples are, and is taken out of the step") {
  AdversarialOptions options{.discriminator = adam({.learning_rate = 0.01}),
                             .generator = adam({.learning_rate = 0.01})};
  options.real_target = 0.9;
  const Layer maker = mlp({2, 8, 2}, relu).seeded(1);
  Runner runner(adversarial_step(maker, mlp({2, 16, 1}, relu).seeded(2), {2}, options));
  for (uint64_t i = 0; i < 600; ++i) {
    const Tensor x = normal(3, 0.5)({.sizes = {32, 2}, .seed = i});
    const auto values = runner({{"x", x}});
    REQUIRE(std::isfinite(values.at("generator_loss").item()));
  }
  const Graph generator = generator_of(maker, 2, runner.parameters());
  const Tensor sample =
      evaluate(generator, {{"z", normal(0, 1)({.sizes = {200, 2}, .seed = 5})}}).at("sample");
  double mean_value = 0;
  for (int64_t i = 0; i < 400; ++i) mean_value += sample.at(i) / 400;
  CHECK(std::abs(mean_value - 3) < 1);
  CHECK_THROWS_WITH_AS(generator_of(maker, 2, {}), doctest::Contains("no parameter 'generator.0.weight'"),
                       Error);
}

TEST_CASE("networks that do not fit each other are refused") {
  const auto step = [](const Layer& maker, const Layer& judge, AdversarialOptions options = small_options()) {
    return adversarial_step(maker, judge, {2}, options);
  };
  CHECK_THROWS_WITH_AS(step(mlp({2, 3}, relu), small_discriminator()),
                       doctest::Contains("the generator gives [batch, 3], want [batch, 2]"), Error);
  CHECK_THROWS_WITH_AS(step(small_generator(), mlp({2, 2}, relu)),
                       doctest::Contains("the discriminator gives [batch, 2], want [batch, 1]"), Error);
  AdversarialOptions options = small_options();
  options.real_target = 0;
  CHECK_THROWS_WITH_AS(step(small_generator(), small_discriminator(), options),
                       doctest::Contains("above 0 and at most 1: got 0"), Error);
  options = small_options();
  options.latent = 0;
  CHECK_THROWS_WITH_AS(step(small_generator(), small_discriminator(), options),
                       doctest::Contains("wants latent numbers"), Error);
  CHECK_THROWS_WITH_AS(step(Layer(identity), small_discriminator()),
                       doctest::Contains("no parameter under 'generator'; there are: discriminator."), Error);
}

}  // namespace
}  // namespace crease
