#include <doctest/doctest.h>

#include <algorithm>

#include "autodiff/certified_gradient.h"
#include "autodiff/gradient_check.h"
#include "autodiff/lock.h"
#include "autodiff/reverse.h"
#include "graph/analysis/certificate.h"
#include "graph/analysis/check.h"
#include "graph/error.h"
#include "graph/ops/order.h"
#include "graph/ops/reduction.h"
#include "tests/autodiff/numbers.h"

using namespace crease;
using List = std::vector<double>;

TEST_CASE("the k-th smallest element is that of the sorted list, along any axis") {
  const List data{3, 1, 2, 1, 5, -1, 2, 2, 2, 0, 4, -3};
  for (const int axis : {0, 1, -1}) {
    Graph g;
    const Value x = g.input("x", {2, 3, 2}, Type::f64);
    const int64_t size = axis == 1 ? 3 : 2, stride = axis == 0 ? 6 : axis == 1 ? 2 : 1;
    for (int64_t k = 0; k < size; ++k) {
      List want;
      for (int64_t i = 0; i < 12; ++i) {
        if (i / stride % size != 0) continue;
        List line;
        for (int64_t j = 0; j < size; ++j) line.push_back(data[static_cast<size_t>(i + j * stride)]);
        std::sort(line.begin(), line.end());
        want.push_back(line[static_cast<size_t>(k)]);
      }
      const Tensor got = evaluate(kth_smallest(x, k, axis), {{"x", Tensor::f64({2, 3, 2}, data)}});
      CHECK(testing::numbers(got) == want);
    }
  }
}

TEST_CASE("a median of tied elements moves with the median of their tangents, and is locked to it") {
  Graph g;
  const Value x = g.input("x", {3}, Type::f64), d = g.input("d", {3}, Type::f64);
  const Value median = kth_smallest(x, 1);
  const LockedGradient locked = locked_grad(median, {&x, 1}, {{d}});
  const Bindings at{{"x", Tensor::f64({3}, {1, 1, 1})}, {"d", Tensor::f64({3}, {47, -37, -97})}};
  CHECK(evaluate(directional_derivative(median, x, d), at).item() == -37);
  CHECK(testing::numbers(evaluate(locked.gradient[0], at)) == List{0, 1, 0});
  CHECK(evaluate(locked.unresolved, at).item() == 0);
}

TEST_CASE("a tie of the k-th smallest has no sides: left and right give the first") {
  Graph g;
  const Value x = g.input("x", {4}, Type::f64);
  const Value second = kth_smallest(x, 2);
  const Bindings at{{"x", Tensor::f64({4}, {2, 0, 2, 5})}};
  const auto slopes = [&](const Tie& tie) {
    return testing::numbers(evaluate(grad(second, x, {.tie = tie}), at));
  };
  CHECK(slopes(Tie::left) == List{1, 0, 0, 0});
  CHECK(slopes(Tie::right) == List{1, 0, 0, 0});
  CHECK(slopes(Tie::mid) == List{0.5, 0, 0.5, 0});
  CHECK(slopes(Tie::min_norm) == List{0.5, 0, 0.5, 0});
}

TEST_CASE("a stable sort puts the tied element at the position that other systems differentiate") {
  Graph g;
  const Value x = g.input("x", {5}, Type::f64);
  const Bindings at{{"x", Tensor::f64({5}, {2, 0, 2, 5, 2})}};
  const std::vector<List> want{
      {0, 1, 0, 0, 0}, {1, 0, 0, 0, 0}, {0, 0, 1, 0, 0}, {0, 0, 0, 0, 1}, {0, 0, 0, 1, 0}};
  for (const TieTable& table :
       {ties::pytorch(), ties::jax(), ties::tensorflow(), ties::tinygrad(), ties::mlx()})
    for (int64_t k = 0; k < 5; ++k)
      CHECK(testing::numbers(evaluate(grad(kth_smallest(x, k), x, {.table = table}), at)) ==
            want[static_cast<size_t>(k)]);
}

TEST_CASE("a tie of order counts once, and only at the element that is selected") {
  Graph g;
  const Value x = g.input("x", {4}, Type::f64), d = g.input("d", {4}, Type::f64);
  const Value median = kth_smallest(x, 1);
  const LockedGradient locked = locked_grad(median, {&x, 1}, {{d}});
  const auto count = [&](const List& at, const List& along, const Value& what) {
    return evaluate(what, {{"x", Tensor::f64({4}, at)}, {"d", Tensor::f64({4}, along)}}).item();
  };
  CHECK(count({1, 1, 1, 1}, {0, 0, 1, 2}, locked.hits) == 1);
  CHECK(count({1, 1, 1, 1}, {0, 0, 1, 2}, locked.unresolved) == 1);
  CHECK(count({1, 1, 1, 1}, {0, 3, 1, 2}, locked.unresolved) == 0);
  CHECK(count({0, 1, 5, 5}, {1, 1, 1, 1}, locked.hits) == 0);
}

TEST_CASE("an element number outside the axis is an error") {
  Graph g;
  const Value x = g.input("x", {3}, Type::f64);
  CHECK_THROWS_AS(kth_smallest(x, 3), Error);
  CHECK_THROWS_AS(kth_smallest(x, -1), Error);
}

TEST_CASE("a tie at the selected element is no smooth point, and elements are not compared with themselves") {
  for (const int64_t k : {0, 1, 2})
    for (const List& at : {List{0, 0, 0}, List{0, 0, 1}, List{0, 1, 1}, List{1, 1, 2}, List{0, 1, 2}}) {
      CAPTURE(k);
      CAPTURE(at);
      Graph g;
      const Value x = g.input("x", {3}, Type::f64), loss = kth_smallest(x, k);
      g.output("loss", loss);
      const Bindings bound{{"x", Tensor::f64({3}, at)}};
      const CertifiedGradient result = certified_gradient(loss, {&x, 1}, bound);
      const auto tied = std::ranges::count(at, at[static_cast<size_t>(k)]);  // `at` is sorted
      CHECK(result.claim == (tied > 1 ? GradientClaim::BDirectional : GradientClaim::Smooth));
      CHECK(result.hits == (tied > 1 ? 1 : 0));
      if (tied > 1) CHECK(check(gradient_certificate(loss, {&x, 1}, bound, result), g).accepted);
    }
  Graph g;
  const Value x = g.input("x", {3}, Type::f64);
  const GradientCheck checked =
      check_gradients(kth_smallest(x, 1), {&x, 1}, {{"x", Tensor::f64({3}, {0, 1, 2})}});
  CHECK(checked.kinks == 0);
}
