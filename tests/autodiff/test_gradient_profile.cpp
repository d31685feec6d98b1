#include "autodiff/gradient_profile.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>

#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/reduction.h"

using namespace crease;

namespace {

/// `depth` layers of `width` units, weights normal with variance `gain2` / width.
Graph deep(int depth, int64_t width, double gain2, const Op& activation) {
  std::mt19937 random(1);
  std::normal_distribution<double> normal;
  Graph graph;
  Value h = graph.input("x", {"batch", width});
  for (int layer = 0; layer < depth; ++layer) {
    Tensor weights(Type::f32, {width, width});
    for (int64_t i = 0; i < weights.count(); ++i)
      weights.set(i, normal(random) * std::sqrt(gain2 / static_cast<double>(width)));
    h = matmul(h, graph.parameter("w" + std::to_string(layer), weights));
    if (layer + 1 < depth) h = activation(h);
  }
  graph.output("y", h);
  return graph;
}

GradientProfile profile_of(const Graph& graph, int64_t samples = 16) {
  return gradient_profile(graph, normal_samples(graph, samples, 3));
}

}  // namespace

TEST_CASE("the gradient of a chain of known slopes is measured exactly") {
  Graph graph;
  const Value x = graph.input("x", {3});
  graph.output("y", relu(relu(x + 100) * 4) * 0.5);
  Tensor zero(Type::f32, {3});
  const GradientProfile profile = gradient_profile(graph, {{{"x", zero}}});
  REQUIRE(profile.layers.size() == 3);
  CHECK(profile.layers[0].rms == doctest::Approx(2));
  CHECK(profile.layers[1].rms == doctest::Approx(0.5));
  CHECK(profile.layers[2].rms == doctest::Approx(0.5));  // before its unit
  CHECK(profile.ratio() == doctest::Approx(4));
}

TEST_CASE("He's variance keeps the gradient of relu layers, Glorot's halves its square at each") {
  for (const double gain2 : {2.0, 1.0}) {
    const GradientProfile profile = profile_of(deep(8, 64, gain2, relu));
    REQUIRE(profile.predicted_gain());
    CHECK(*profile.predicted_gain() == doctest::Approx(std::sqrt(gain2 / 2)).epsilon(0.03));
    CHECK(profile.gain() == doctest::Approx(*profile.predicted_gain()).epsilon(0.1));
  }
}

TEST_CASE("the prediction follows the variance of z through tanh layers") {
  const GradientProfile profile = profile_of(deep(6, 64, 4, tanh_op));
  REQUIRE(profile.predicted_gain());
  CHECK(profile.gain() == doctest::Approx(*profile.predicted_gain()).epsilon(0.15));
}

TEST_CASE("a vanishing gradient, a dead one and one that is not measured say so") {
  const auto first = [](const GradientProfile& profile) {
    return gradient_findings(profile)[0].sentences[0];
  };
  CHECK(first(profile_of(deep(12, 16, 0.1, relu))).find("vanishing") != std::string::npos);
  CHECK(first(profile_of(deep(12, 16, 40, relu))).find("exploding") != std::string::npos);
  CHECK(first(profile_of(deep(4, 16, 2, relu))).find("healthy") != std::string::npos);
  Graph dead;
  const Value x = dead.input("x", {2});
  dead.output("y", relu(relu(x) - 1000));
  CHECK(first(profile_of(dead)).find("no gradient") != std::string::npos);
  const Graph graph = deep(4, 16, 2, relu);
  const GradientProfile skipped = gradient_profile(graph, normal_samples(graph, 4, 1), {.point_limit = 10});
  CHECK(skipped.samples == 0);
  CHECK(gradient_findings(skipped)[0].verdict == Verdict::Unknown);
  CHECK(first(skipped).find("not measured") != std::string::npos);
  CHECK(skipped.predicted_gain());
}

TEST_CASE("the units of the output are no layer") {
  const GradientProfile plain = profile_of(deep(4, 16, 2, relu));
  Graph graph = deep(4, 16, 2, relu);
  const Output output = graph.outputs().front();
  graph.clear_outputs();
  const Value scale = graph.constant(Tensor::f32({1}, {1e6F}));
  graph.output(output.name, scale * graph.value(output.node) + 3e5);
  const GradientProfile scaled = profile_of(graph);
  CHECK(scaled.ratio() == doctest::Approx(plain.ratio()));
  CHECK(scaled.predicted_gain() == plain.predicted_gain());
}

TEST_CASE("a skip edge has no prediction, but is measured") {
  Graph graph;
  const Value x = graph.input("x", {4});
  const Value h = relu(x);
  graph.output("y", relu(h + x));
  const GradientProfile profile = profile_of(graph);
  CHECK_FALSE(profile.predicted_gain());
  CHECK(profile.samples == 16);
  CHECK(profile.layers[0].rms > 0);
}

TEST_CASE("steps, which no gradient passes, are no layers") {
  Graph graph;
  const Value z = graph.input("x", {"batch", 2}) * 3.0;
  graph.output("y", tanh_op(z - floor_op(z)));
  const GradientProfile profile = gradient_profile(graph, normal_samples(graph, 4, 1));
  REQUIRE_EQ(profile.layers.size(), 2);  // tanh and y
  CHECK_GT(profile.ratio(), 0);
}

TEST_CASE("a network that tells nothing but a class has no profile") {
  Graph classes;
  const Value h = relu(classes.input("x", {"batch", 3}));
  classes.output("class", argmax(h, 1));
  CHECK(profile_of(classes).layers.empty());
}
