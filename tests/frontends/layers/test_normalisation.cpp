#include "frontends/layers/normalisation.h"
#include "frontends/model.h"

#include "graph/rewrite/simplify.h"
#include "graph/text.h"
#include "tests/frontends/layers/checks.h"
#include "tests/frontends/thrown.h"

namespace crease {
namespace {

using test::irregular;

struct MeanVariance {
  double mean = 0, variance = 0;  // biased
};

/// Over the elements of which `belongs` holds.
MeanVariance moments_of(const Tensor& x, const std::function<bool(int64_t)>& belongs) {
  double total = 0, squares = 0, count = 0;
  for (int64_t i = 0; i < x.count(); ++i)
    if (belongs(i)) total += x.at(i), count += 1;
  for (int64_t i = 0; i < x.count(); ++i)
    if (belongs(i)) squares += (x.at(i) - total / count) * (x.at(i) - total / count);
  return {total / count, squares / count};
}

/// (x - mean) / sqrt(variance + 1e-5), grouped by `group`.
std::vector<double> normalised(const Tensor& x, const std::function<int64_t(int64_t)>& group) {
  std::vector<double> result;
  for (int64_t i = 0; i < x.count(); ++i) {
    const MeanVariance own = moments_of(x, [&](int64_t k) { return group(k) == group(i); });
    result.push_back((x.at(i) - own.mean) / std::sqrt(own.variance + 1e-5));
  }
  return result;
}

TEST_CASE("batch norm in training uses the moments of the batch") {
  Graph graph;
  const Tensor input = irregular(Type::f64, {3, 2, 2, 2});
  const Value y = batch_norm(2)(graph.input("x", {"batch", 2, 2, 2}, Type::f64), Mode::Training);
  test::check_close(evaluate(y, {{"x", input}}), normalised(input, [](int64_t i) { return i / 4 % 2; }),
                    1e-12);
}

TEST_CASE("batch norm in evaluation uses the running moments, scale and shift") {
  Graph graph;
  const Value y = batch_norm(2, {.axis = -1})(graph.input("x", {"batch", 2}, Type::f64));
  graph.set_parameter("batch_norm.running_mean", Tensor::f64({2}, {1, -1}));
  graph.set_parameter("batch_norm.running_variance", Tensor::f64({2}, {4, 9}));
  graph.set_parameter("batch_norm.weight", Tensor::f64({2}, {2, 3}));
  graph.set_parameter("batch_norm.bias", Tensor::f64({2}, {5, 7}));
  test::check_close(evaluate(y, {{"x", Tensor::f64({1, 2}, {3, 5})}}),
                    {2 * 2 / std::sqrt(4 + 1e-5) + 5, 6 * 3 / std::sqrt(9 + 1e-5) + 7}, 1e-12);
}

TEST_CASE("a training step moves the running moments of batch norm and trains none of them") {
  Graph graph;
  const Tensor input = irregular(Type::f32, {5, 2});
  const Value x = graph.input("x", {"batch", 2});
  const Value y = sequential(batch_norm(2))(x, Mode::Training);
  const Graph step = train_step(mean(square(y)), sgd());
  const auto interpreted = evaluate(step, {{"x", input}});
  Program program = compile(step);
  program({{"x", input}});
  for (const int64_t channel : {0, 1}) {
    const MeanVariance batch = moments_of(input, [&](int64_t i) { return i % 2 == channel; });
    const double mean = 0.1 * batch.mean, variance = 0.9 + 0.1 * batch.variance * 5 / 4;
    CHECK(std::abs(interpreted.at("0.running_mean").at(channel) - mean) < 1e-6);
    CHECK(std::abs(interpreted.at("0.running_variance").at(channel) - variance) < 1e-6);
    CHECK(std::abs(program.parameter("0.running_mean").at(channel) - mean) < 1e-6);
    CHECK(std::abs(program.parameter("0.running_variance").at(channel) - variance) < 1e-6);
  }
  CHECK(step.updates().size() == 4);
}

TEST_CASE("fine-tuning in evaluation mode leaves the running moments as they are") {
  Graph graph;
  const auto net = sequential(linear(2, 3), batch_norm(3), linear(3, 1));
  graph.output("loss", mean(square(net(graph.input("x", {"batch", 2})))));
  // As it is, read back from text, and copied by a pass.
  for (Graph same : {graph, parse(to_string(graph)), simplify(graph).graph}) {
    set_parameters(same, parameters_of(graph));  // a text has no values
    const Graph step = train_step(same.result("loss"), adam());
    Program program = compile(step);
    program({{"x", irregular(Type::f32, {5, 2})}});
    for (const char* state : {"1.running_mean", "1.running_variance"})
      CHECK(program.parameter(state) == same.find(state).node().value);
    CHECK(program.parameter("1.bias") != same.find("1.bias").node().value);
    CHECK_FALSE(program.parameters().contains("adam.m/1.running_mean"));
  }
}

TEST_CASE("a batch of one sample or none, which has no variance, leaves the running moments as they are") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  const Value y = sequential(batch_norm(2))(x, Mode::Training);
  const Graph step = train_step(sum(square(y)), sgd());
  Program program = compile(step);
  for (const Tensor& batch : {Tensor(Type::f32, {0, 2}), Tensor::f32({1, 2}, {3, 4})}) {
    const Bindings inputs{{"x", batch}};
    program(inputs);
    for (const auto& values : {evaluate(step, inputs), program.parameters()}) {
      CHECK(values.at("0.running_mean") == Tensor::f32({2}, {0, 0}));
      CHECK(values.at("0.running_variance") == Tensor::f32({2}, {1, 1}));
    }
  }
}

TEST_CASE("both modes of a network in one graph have the same parameters") {
  Graph graph;
  const auto net = sequential(linear(2, 3), batch_norm(3), linear(3, 1));
  const Value x = graph.input("x", {"batch", 2});
  net(x, Mode::Training);
  const size_t before = graph.parameters().size();
  const Value y = net(x);
  CHECK(graph.parameters().size() == before);
  CHECK(extract({{"y", y}}).updates().empty());
}

TEST_CASE("layer norm and group norm equal their definition") {
  Graph graph;
  const Tensor input = irregular(Type::f64, {2, 4, 3});
  const Value x = graph.input("x", {"batch", 4, 3}, Type::f64);
  test::check_close(evaluate(layer_norm({3})(x), {{"x", input}}),
                    normalised(input, [](int64_t i) { return i / 3; }), 1e-12);
  test::check_close(evaluate(layer_norm({4, 3})(x), {{"x", input}}),
                    normalised(input, [](int64_t i) { return i / 12; }), 1e-12);
  test::check_close(evaluate(group_norm(2, 4)(x), {{"x", input}}),
                    normalised(input, [](int64_t i) { return i / 6; }), 1e-12);
}

TEST_CASE("normalisations have right gradients and compile to the same numbers") {
  test::check_layer([] { return batch_norm(2); }, {"batch", 2, 3}, {3, 2, 3}, Mode::Training);
  test::check_layer([] { return batch_norm(2); }, {"batch", 2, 3}, {3, 2, 3}, Mode::Evaluation, true);
  test::check_layer([] { return layer_norm({2, 3}); }, {"batch", 2, 3}, {2, 2, 3});
  test::check_layer([] { return group_norm(2, 4); }, {"batch", 4, 3}, {2, 4, 3});
}

TEST_CASE("numbers are brought to the units that were measured") {
  const Standardisation by{.mean = Tensor::f32({2}, {100, -1}), .deviation = Tensor::f32({2}, {10, 0.5F})};
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  const Tensor y = evaluate(unstandardise(by)(x), {{"x", Tensor::f32({2, 2}, {0, 0, 1, -2})}});
  CHECK(y == Tensor::f32({2, 2}, {100, -1, 110, -2}));
  CHECK(standardise(y, by) == Tensor::f32({2, 2}, {0, 0, 1, -2}));
  const Value wide = graph.input("wide", {"batch", 3});
  CHECK(
      test::holds(test::thrown_by([&] { unstandardise(by)(wide); }), "want floating [..., 2], as measured"));
}

TEST_CASE("normalisations say what does not fit") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 4});
  CHECK(test::holds(test::thrown_by([&] { batch_norm(3)(x); }), "want floating with 3 along axis 1"));
  CHECK(test::holds(test::thrown_by([&] { layer_norm({2, 4})(x); }), "last sizes [2, 4]"));
  CHECK(test::holds(test::thrown_by([] { layer_norm({2}, {.epsilon = 0}); }), "epsilon must be positive"));
  CHECK(test::holds(test::thrown_by([] { group_norm(3, 4); }), "got 4 and 3"));
  CHECK(test::holds(test::thrown_by([] { batch_norm(2, {.momentum = 2}); }), "momentum in [0, 1]"));
  const auto layer = batch_norm(4);
  layer(x, Mode::Training);
  CHECK(
      test::holds(test::thrown_by([&] { layer(x, Mode::Training); }), "use the layer once in training mode"));
}

}  // namespace
}  // namespace crease
