#include "frontends/layers.h"

#include <doctest/doctest.h>

#include <cmath>

#include "frontends/layers/normalisation.h"
#include "frontends/models.h"
#include "graph/error.h"
#include "graph/evaluate.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/hold.h"
#include "graph/text.h"

namespace crease {
namespace {

std::vector<std::string> parameter_names(const Graph& graph) {
  std::vector<std::string> names;
  for (const NodeId id : graph.parameters()) names.push_back(graph.node(id).name);
  return names;
}

using Names = std::vector<std::string>;

TEST_CASE("a linear layer computes x W + b") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  const Value y = linear(2, 3)(x);
  graph.set_parameter("linear.weight", Tensor::f32({2, 3}, {1, 2, 3, 4, 5, 6}));
  graph.set_parameter("linear.bias", Tensor::f32({3}, {10, 20, 30}));
  CHECK(y.shape() == Shape{"batch", 3});
  CHECK(evaluate(y, {{"x", Tensor::f32({1, 2}, {1, -1})}}) == Tensor::f32({1, 3}, {7, 17, 27}));
}

TEST_CASE("a layer without bias has one parameter") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  linear(2, 3, {.bias = false})(x);
  CHECK(parameter_names(graph) == Names{"linear.weight"});
}

TEST_CASE("sequential takes operations, layers and functions, and names parameters by position") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  const auto net =
      sequential(linear(2, 4), relu, [](const Value& v) { return v * 2; }, linear(4, 1, {.bias = false}));
  CHECK(net(x).shape() == Shape{"batch", 1});
  CHECK(parameter_names(graph) == Names{"0.weight", "0.bias", "3.weight"});
}

TEST_CASE("a layer that was moved away is the same layer still") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  Layer layer = linear(2, 2);
  const Layer moved = std::move(layer);
  moved(x);
  layer(x);  // NOLINT(bugprone-use-after-move): what is asked here
  CHECK(parameter_names(graph) == Names{"linear.weight", "linear.bias"});
}

TEST_CASE("names given by the user replace positions") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  const auto encoder =
      sequential(linear(2, 2).named("in"), relu, linear(2, 2, {.bias = false})).named("encoder");
  encoder(x);
  CHECK(parameter_names(graph) == Names{"encoder.in.weight", "encoder.in.bias", "encoder.2.weight"});
}

TEST_CASE("a layer called twice in a graph shares its weights, another layer has its own") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  const auto layer = linear(2, 2, {.bias = false});
  const auto net = sequential(layer, relu, layer);
  net(net(x));
  layer(x);
  CHECK(parameter_names(graph) == Names{"0.weight"});
  linear(2, 2, {.bias = false})(x);
  linear(2, 2, {.bias = false})(x);
  sequential(linear(2, 2, {.bias = false}))(x);
  CHECK(parameter_names(graph) ==
        Names{"0.weight", "linear.weight", "linear1.weight", "sequential1.0.weight"});
}

TEST_CASE("a layer called in two graphs has parameters with equal numbers in both") {
  const auto net = sequential(linear(2, 2));
  Graph first, second;
  net(first.input("x", {1, 2}));
  net(second.input("x", {1, 2}));
  CHECK(first.find("0.weight").node().value == second.find("0.weight").node().value);
}

TEST_CASE("a layer keeps its name in a graph that uses only some of the layers") {
  const Layer encoder = linear(2, 2), decoder = linear(2, 2), other = linear(2, 2);
  Graph both, part, reversed;
  decoder(encoder(both.input("x", {1, 2})));
  decoder(part.input("x", {1, 2}));
  CHECK(parameter_names(part) == Names{"linear1.weight", "linear1.bias"});
  CHECK(both.find("linear1.weight").node().value == part.find("linear1.weight").node().value);
  // Where the name is taken, the next free one.
  const Value x = reversed.input("x", {1, 2});
  other(x), encoder(x), decoder(x);
  CHECK(reversed.parameters().size() == 6);
  CHECK_NOTHROW(reversed.find("linear2.weight"));
}

TEST_CASE("parameters are found by the path of their layer") {
  Graph graph;
  const Value x = graph.input("x", {3, 2});
  sequential(linear(2, 4), batch_norm(4)).named("net")(x);
  linear(2, 2).named("network")(x);
  const auto names = [](const std::vector<Value>& values) {
    Names found;
    for (const Value& value : values) found.push_back(value.node().name);
    return found;
  };
  CHECK(names(parameters_under(graph, "net")) ==
        Names{"net.0.weight", "net.0.bias", "net.1.weight", "net.1.bias"});
  CHECK(names(parameters_under(graph, "net.1")) == Names{"net.1.weight", "net.1.bias"});
  CHECK(parameters_under(graph, "").size() == 6);
  CHECK_THROWS_WITH_AS(
      parameters_under(graph, "ne"),
      doctest::Contains("[parameters_under] no parameter under 'ne'; there are: net.0.weight"), Error);
}

TEST_CASE("a layer keeps no graph alive") {
  const Layer layer = sequential(linear(3, 2), batch_norm(2));
  std::weak_ptr<const void> first;
  {
    Graph g;
    first = layer(g.input("x", {4, 3}), Mode::Training).graph_identity();
    CHECK_FALSE(first.expired());
  }
  CHECK(first.expired());
  Graph g;
  layer(g.input("x", {4, 3}));
  CHECK(g.parameters().size() == 6);
}

TEST_CASE("seeds change the numbers of all layers inside, and copies do not share weights") {
  const auto net = sequential(linear(2, 2), linear(2, 2));
  Graph graph;
  const Value x = graph.input("x", {1, 2});
  net.seeded(1).named("a")(x);
  net.seeded(2).named("a2")(x);
  net.seeded(2).named("b")(x);
  CHECK(graph.parameters().size() == 12);
  CHECK_FALSE(graph.find("a.0.weight").node().value == graph.find("b.0.weight").node().value);
  CHECK_FALSE(graph.find("b.0.weight").node().value == graph.find("b.1.weight").node().value);
}

TEST_CASE("parameters have the type of the input") {
  Graph graph;
  linear(2, 2)(graph.input("x", {1, 2}, Type::f64));
  CHECK(graph.find("linear.weight").type() == Type::f64);
}

TEST_CASE("mlp puts the activation between linear layers only") {
  const Graph graph = network(mlp({4, 3, 2}, relu), 4);
  CHECK(parameter_names(graph) == Names{"0.weight", "0.bias", "2.weight", "2.bias"});
  CHECK(graph.result("logits").shape() == Shape{"batch", 2});
  CHECK(graph.result("logits").node().op->name != "relu");
  const Graph price = network(mlp({4, 3, 1}, relu), 4, "price", Type::f64);
  CHECK(price.result("price").type() == Type::f64);
}

TEST_CASE("activations are found by name") {
  CHECK(activation_named("relu").name == "relu");
  CHECK(activation_named("swish").name == "silu");
  CHECK_THROWS_WITH_AS(activation_named("rule"), doctest::Contains("unknown name 'rule': the catalogue has"),
                       Error);
  CHECK_THROWS_AS(activation_named("matmul"), Error);
}

TEST_CASE("layers refuse what does not fit") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 3});
  CHECK_THROWS_WITH_AS(
      linear(2, 2)(x),
      doctest::Contains("[linear] the input does not fit: got f32 [batch, 3], want floating [..., 2]"),
      Error);
  CHECK_THROWS_WITH_AS(linear(0, 2), doctest::Contains("[linear] sizes must be positive: got in 0, out 2"),
                       Error);
  CHECK_THROWS_WITH_AS(linear(2, 2)(Value()), doctest::Contains("[linear] the argument belongs to no graph"),
                       Error);
  CHECK_THROWS_WITH_AS(linear(2, 2).named(""), "[linear] a layer's name must not be empty", Error);
  CHECK_THROWS_WITH_AS(mlp({3}, relu),
                       doctest::Contains("[mlp] wants at least an input and an output size: got 1"), Error);
  linear(3, 3).named("a")(x);
  CHECK_THROWS_WITH_AS(linear(3, 3).named("a")(x),
                       doctest::Contains("the name 'a' is taken by another layer"), Error);
}

}  // namespace
}  // namespace crease

TEST_CASE("names that several functions share are layers like their records") {
  using namespace crease;  // beside ::tanh and its like of the C library
  const auto text = [](const Layer& net) {
    Graph graph;
    graph.output("y", net(graph.input("x", {"batch", 2})));
    return to_string(graph);
  };
  const std::string want = text(sequential(linear(2, 4), tanh_op, linear(4, 1), exp_op));
  CHECK(text(sequential(linear(2, 4), tanh, linear(4, 1), exp)) == want);
  CHECK(text(sequential({linear(2, 4), tanh, linear(4, 1), exp})) == want);
  CHECK(text(sequential(abs, sin)) == text(sequential(abs_op, sin_op)));
  CHECK(text(tanh) == text(tanh_op));
  CHECK(text(mlp({2, 4, 1}, sigmoid)) == text(mlp({2, 4, 1}, sigmoid_op)));
  CHECK(text(sequential(relu, log, sqrt, softplus, cos, erf, floor, log1p, expm1, stop_gradient, relu, relu))
            .find("softplus") != std::string::npos);
}
