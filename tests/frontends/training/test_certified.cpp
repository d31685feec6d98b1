#include <doctest/doctest.h>

#include <random>

#include "frontends/crease.h"
#include "tests/frontends/thrown.h"

using namespace crease;
using crease::test::holds;
using crease::test::thrown_by;

namespace {

/// Two classes by the sign of the first number: the outputs are x0 and -x0.
Graph sign_network() {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  graph.output("y", matmul(x, graph.parameter("w", Tensor::f32({2, 2}, {1, -1, 0, 0}))));
  return graph;
}

Dataset points() {
  return {.x = Tensor::f32({4, 2}, {0.5, 1, 0.25, 2, -0.75, 0, 0.125, 0}),
          .y = Tensor::i32({4}, {0, 0, 1, 1}),
          .classes = 2,
          .name = "points"};
}

}  // namespace

TEST_CASE("samples are proved to keep their class up to their distance from the border, and no further") {
  const auto proved = [](double within) {
    return certified_accuracy(sign_network(), points(), within).proved;
  };
  CHECK(certified_accuracy(sign_network(), points(), 0).right == 3);
  CHECK(proved(0.2) == 3);
  CHECK(proved(0.26) == 2);
  CHECK(proved(0.5) == 1);  // a point of the border is no longer of the class
  CHECK(proved(0.7499) == 1);
  CHECK(proved(0.75) == 0);
}

TEST_CASE("no moved sample leaves a class that it was proved to keep") {
  Graph graph = network(mlp({6, 16, 16, 3}, relu, {.bias_init = uniform(-0.5, 0.5)}), 6);
  std::mt19937 random(4);
  std::uniform_real_distribution<double> uniform(-1, 1);
  Dataset data{.x = Tensor(Type::f32, {40, 6}), .y = Tensor(Type::i32, {40}), .classes = 3, .name = "random"};
  for (int64_t i = 0; i < data.x.count(); ++i) data.x.set(i, uniform(random));
  const std::string input = graph.node(graph.inputs()[0]).name;
  const auto classes_of = [&](const Tensor& x) {
    const Tensor y = evaluate(graph, {{input, x}}).begin()->second;
    std::vector<int64_t> best(40, 0);
    for (int64_t i = 0; i < 40; ++i)
      for (int64_t k = 1; k < 3; ++k)
        if (y.at(i * 3 + k) > y.at(i * 3 + best[static_cast<size_t>(i)])) best[static_cast<size_t>(i)] = k;
    return best;
  };
  const std::vector<int64_t> own = classes_of(data.x);
  for (int64_t i = 0; i < 40; ++i) data.y.set(i, static_cast<double>(own[static_cast<size_t>(i)]));
  constexpr double within = 0.05;
  const Certified lines = certified_accuracy(graph, data, within);
  CHECK(lines.proved >= 3);
  for (int trial = 0; trial < 20; ++trial) {
    Tensor moved = data.x;
    for (int64_t i = 0; i < moved.count(); ++i) moved.set(i, data.x.at(i) + within * uniform(random));
    const std::vector<int64_t> classes = classes_of(moved);
    for (size_t i = 0; i < 40; ++i) CHECK((classes[i] == own[i] || !lines.kept[i]));
  }
  const Certified intervals = certified_accuracy(graph, data, within, LineUse::None);
  CHECK(lines.right == 40);
  CHECK(lines.proved >= intervals.proved);
}

TEST_CASE("certified accuracy refuses data without classes and distances that are none") {
  Dataset numbers = points();
  numbers.y = Tensor::f32({4}, {1, 2, 3, 4});
  numbers.classes = 0;
  CHECK(holds(thrown_by([&] { certified_accuracy(sign_network(), numbers, 0.1); }), "not classes"));
  CHECK(
      holds(thrown_by([&] { certified_accuracy(sign_network(), points(), -1); }), "a number of at least 0"));
}
