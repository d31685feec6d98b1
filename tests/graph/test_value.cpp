#include "graph/value.h"

#include <doctest/doctest.h>

#include <cmath>

#include "graph/error.h"
#include "graph/evaluate.h"
#include "graph/graph.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"
#include "graph/scan.h"

using namespace crease;

// `if (x > 0)` would always take its first branch.
static_assert(!std::is_constructible_v<bool, Value>);

namespace {

Tensor truths(std::vector<double> values) {
  Tensor tensor(Type::boolean, {static_cast<int64_t>(values.size())});
  for (size_t i = 0; i < values.size(); ++i) tensor.set(static_cast<int64_t>(i), values[i]);
  return tensor;
}

}  // namespace

TEST_CASE("a value of no graph is not valid") {
  Graph graph;
  CHECK_FALSE(Value().valid());
  CHECK(graph.input("x", {}).valid());
}

TEST_CASE("not, and, or of truth values are elementwise") {
  Graph graph;
  const Value x = graph.input("x", {4});
  const Bindings at{{"x", Tensor::f32({4}, {-1, 1, 2, std::nanf("")})}};
  CHECK(evaluate(!(x > 0), at) == truths({1, 0, 0, 1}));
  CHECK(evaluate(x > 0 && x < 2, at) == truths({0, 1, 0, 0}));
  CHECK(evaluate(x < 0 || x >= 2, at) == truths({1, 0, 1, 0}));
}

TEST_CASE("compound assignments are the operators, and know their line") {
  Graph graph;
  const Value x = graph.input("x", {2}), z = graph.input("z", {3});
  Value y = x;
  y += x;
  y *= 3;
  y -= 1;
  y /= x;
  CHECK(evaluate(y, {{"x", Tensor::f32({2}, {1, 2})}}) == Tensor::f32({2}, {5, 5.5}));
  CHECK_THROWS_WITH_AS(y += z, doctest::Contains("test_value.cpp"), Error);
}

TEST_CASE("functions of the C library have their names for values, too") {
  Graph graph;
  const Value x = graph.input("x", {}, Type::f64);
  const Bindings at{{"x", Tensor::scalar(Type::f64, 1.25)}};
  CHECK(evaluate(cos(x), at).item() == doctest::Approx(std::cos(1.25)));
  CHECK(evaluate(erf(x), at).item() == doctest::Approx(std::erf(1.25)));
  CHECK(evaluate(expm1(x), at).item() == doctest::Approx(std::expm1(1.25)));
  CHECK(evaluate(log1p(x), at).item() == doctest::Approx(std::log1p(1.25)));
  CHECK(evaluate(floor(x), at).item() == 1);
}

TEST_CASE("whole powers are products, of any sign and exponent") {
  Graph graph;
  const Value x = graph.input("x", {3}, Type::f64);
  const Bindings at{{"x", Tensor::f64({3}, {-2, 0.5, 1.5})}};
  for (const int exponent : {0, 1, 2, 3, 7, 12, -1, -4}) {
    CAPTURE(exponent);
    const Tensor got = evaluate(pow(x, exponent), at);
    for (const int64_t i : {0, 1, 2})
      CHECK(got.at(i) == doctest::Approx(std::pow(at.at("x").at(i), exponent)));
  }
}

TEST_CASE("sums of products by a pattern") {
  Graph graph;
  const Value a = graph.input("a", {"b", 2}), w = graph.input("w", {2, 3}), s = graph.input("s", {3});
  const Bindings at{{"a", Tensor::f32({1, 2}, {1, 2})},
                    {"w", Tensor::f32({2, 3}, {1, 2, 3, 4, 5, 6})},
                    {"s", Tensor::f32({3}, {1, 0, -1})}};
  CHECK(evaluate(einsum("b i, i j -> b j", {a, w}), at) == evaluate(matmul(a, w), at));
  CHECK(evaluate(einsum("b i, i j, j -> b", {a, w, s}), at) == Tensor::f32({1}, {-6}));
  CHECK(evaluate(einsum("i j -> j i", {w}), at) == evaluate(transpose(w), at));
  CHECK_THROWS_WITH_AS(einsum("i ->", {}), doctest::Contains("[einsum] of nothing"), Error);
  CHECK_THROWS_WITH_AS(einsum("b i, j i -> b j", {a, w}), doctest::Contains("einsum"), Error);
}

TEST_CASE("dimensions of size 1 come and go, and equal shapes are stacked") {
  Graph graph;
  const Value x = graph.input("x", {2, 3});
  CHECK(unsqueeze(x, 0).shape() == Shape{1, 2, 3});
  CHECK(unsqueeze(x, 2).shape() == Shape{2, 3, 1});
  CHECK(unsqueeze(x, -1).shape() == Shape{2, 3, 1});
  CHECK(unsqueeze(x, -3).shape() == Shape{1, 2, 3});
  CHECK(squeeze(unsqueeze(x, 1), 1).shape() == x.shape());
  CHECK(squeeze(unsqueeze(x, -1), -1).shape() == x.shape());
  CHECK_THROWS_WITH_AS(unsqueeze(x, 3), doctest::Contains("[unsqueeze] axis 3 of [2, 3]: want -3 to 2"),
                       Error);
  CHECK_THROWS_WITH_AS(squeeze(x, 0), doctest::Contains("[squeeze] dimension 0 of [2, 3] is not 1"), Error);
  const Bindings at{{"x", Tensor::f32({2, 3}, {1, 2, 3, 4, 5, 6})}};
  CHECK(evaluate(stack({x, -x}), at) == Tensor::f32({2, 2, 3}, {1, 2, 3, 4, 5, 6, -1, -2, -3, -4, -5, -6}));
  CHECK(evaluate(stack({x, x * 2}, -1), at) ==
        Tensor::f32({2, 3, 2}, {1, 2, 2, 4, 3, 6, 4, 8, 5, 10, 6, 12}));
}

TEST_CASE("one axis may stand alone") {
  Graph graph;
  const Value x = graph.input("x", {2, 3});
  CHECK(sum(x, 1).shape() == Shape{2});
  CHECK(mean(x, -1, true).shape() == Shape{2, 1});
  CHECK(reduce_max(x, {0, 1}).shape() == Shape{});
  static_assert(!std::is_convertible_v<bool, Axes>);
}

TEST_CASE("inputs that a result does not need may be left out") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2}), label = graph.input("label", {"batch"}, Type::i32);
  const Value other = graph.input("other", {"time"});
  const Value y = sum(x, 1);
  const Bindings at{{"x", Tensor::f32({1, 2}, {3, 4})}};
  CHECK(evaluate(y, at).item() == 7);
  graph.output("y", y);
  CHECK(evaluate(graph, at).at("y").item() == 7);
  CHECK(needed_inputs(graph, roots(graph)) == std::vector<NodeId>{x.id()});
  CHECK_THROWS_WITH_AS(evaluate(y, {{"label", Tensor::i32({1}, {0})}}),
                       doctest::Contains("input 'x' f32[batch, 2] is not bound"), Error);
  // What is given is checked all the same.
  CHECK_THROWS_WITH_AS(evaluate(y, {{"x", at.at("x")}, {"label", Tensor::i32({2}, {0, 0})}}),
                       doctest::Contains("dimension 'batch'"), Error);
  // Who gives a named dimension its size is needed.
  const Value ones = broadcast_to(graph.constant(1.0), {"time"});
  const std::vector<NodeId> wanted{ones.id()};
  CHECK(needed_inputs(graph, wanted) == std::vector<NodeId>{other.id()});
  CHECK(evaluate(ones, {{"other", Tensor(Type::f32, {3})}}).sizes() == std::vector<int64_t>{3});
  CHECK_THROWS_WITH_AS(evaluate(ones), doctest::Contains("input 'other' f32[time] is not bound"), Error);
}

TEST_CASE("who gives a loop over time its length is needed") {
  Graph graph;
  const Value x = graph.input("x", {"time"}), start = graph.input("start", {});
  const auto doubled = [](const ScanArguments& arguments) {
    return ScanStep{.carries = {arguments.carries[0] * 2}, .outputs = {}};
  };
  const Value end = scan({start}, {}, {}, doubled, {.length = Dim("time")}).carries[0];
  const std::vector<NodeId> wanted{end.id()};
  CHECK(needed_inputs(graph, wanted) == std::vector<NodeId>{start.id(), x.id()});
  CHECK(evaluate(end, {{"start", Tensor::f32({}, {1})}, {"x", Tensor(Type::f32, {3})}}).item() == 8);
}
