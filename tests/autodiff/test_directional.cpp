#include "autodiff/directional.h"

#include <doctest/doctest.h>

#include <functional>
#include <limits>

#include "autodiff/lock.h"
#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/leaf.h"
#include "graph/ops/lookup.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"
#include "tests/autodiff/numbers.h"

using namespace crease;
using crease::testing::numbers;

namespace {

using List = std::vector<double>;

/// f'(x; d) of a function of one vector.
List along(const List& at, const List& direction, const std::function<Value(const Value&)>& f) {
  Graph g;
  const auto size = static_cast<int64_t>(at.size());
  const Value x = g.input("x", {size}, Type::f64), d = g.input("d", {size}, Type::f64);
  return numbers(evaluate(directional_derivative(f(x), x, d),
                          {{"x", Tensor::f64({size}, at)}, {"d", Tensor::f64({size}, direction)}}));
}

}  // namespace

TEST_CASE("at a kink the tangent's sign picks the side") {
  CHECK(along({0, 0, 0}, {1, -1, 0}, [](const Value& x) { return relu(x); }) == List{1, 0, 0});
  CHECK(along({0, 0, 3}, {2, -2, -1}, [](const Value& x) { return abs(x); }) == List{2, 2, -1});
  CHECK(along({0, 0}, {1, -1}, [](const Value& x) { return leaky_relu(0.25)(x); }) == List{1, -0.25});
  CHECK(along({6, 6, 0, 0}, {1, -1, 1, -1}, [](const Value& x) { return relu6(x); }) == List{0, -1, 1, 0});
}

TEST_CASE("a composition that equals x has derivative d in every direction") {
  const auto same = [](const Value& x) { return relu(x) - relu(-x); };
  CHECK(along({0, 0, 1}, {1, -3, 2}, same) == List{1, -3, 2});
}

TEST_CASE("a tied maximum moves with the fastest of its arguments") {
  CHECK(along({2, 2, 1}, {-1, 5, 9}, [](const Value& x) { return reduce_max(x); }) == List{5});
  CHECK(along({2, 2, 7}, {-1, 5, 9}, [](const Value& x) { return reduce_min(x); }) == List{-1});
  CHECK(along({1, 1, 1, 0}, {3, -2, -4, 1}, [](const Value& x) { return maxout(x, 2); }) == List{3, -4});
}

TEST_CASE("one-sided difference quotients of piecewise-linear functions are met to the bit") {
  const auto f = [](const Value& x) { return max(relu(x) - 0.5, min(abs(x), 2.0 * x + 1.0)); };
  const List at{0, -1, 0.5, -0.25, 2}, direction{1, -0.5, 2, 0.75, -3};
  const double t = 0x1p-12;  // small enough to stay in one linear piece, and everything here is dyadic
  Graph g;
  const Value x = g.input("x", {5}, Type::f64);
  List ahead = at;
  for (size_t i = 0; i < at.size(); ++i) ahead[i] += t * direction[i];
  const List here = numbers(evaluate(f(x), {{"x", Tensor::f64({5}, at)}})),
             there = numbers(evaluate(f(x), {{"x", Tensor::f64({5}, ahead)}}));
  const List derivative = along(at, direction, f);
  for (size_t i = 0; i < at.size(); ++i) CHECK(derivative[i] == (there[i] - here[i]) / t);
}

TEST_CASE("tangents of another shape are refused") {
  Graph g;
  const Value x = g.input("x", {4}), d = g.input("d", {3});
  CHECK_THROWS_WITH_AS(static_cast<void>(directional_derivative(relu(x), x, d)),
                       doctest::Contains("tangent is f32[3], want f32[4]"), Error);
}

TEST_CASE("a tied position is that of the element that moves furthest, then the first") {
  const auto picked = [](const Value& from, const Value& by) {
    const auto row = [](const Value& x) { return reshape(x, {1, x.shape()[0]}); };
    return pick(row(from), argmax(row(by), 1));
  };
  const auto best = [=](const Value& x) { return picked(x, x); };
  CHECK(along({0, 0}, {0, 1}, best) == List{1});
  CHECK(along({0, 0}, {0, -1}, best) == List{0});
  CHECK(along({3, 3, 2}, {1, 2, 9}, best) == List{2});
  const auto active = [=](const Value& x) { return picked(x, relu(x)); };
  CHECK(along({-1, 0, 0}, {5, -2, -3}, active) == List{5});
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const auto first = [=](const Value& x) { return picked(2.0 * x, x); };
  CHECK(along({1, nan, 2}, {1, 5, 1}, first) == List{10});
}

TEST_CASE("random numbers whose counter jumps are those of the side of the tangent") {
  Graph g;
  const Value x = g.input("x", {2}, Type::f32), d = g.input("d", {2}, Type::f32);
  const auto drawn = [&](const Value& counter) { return sum(g.random({2}, counter, 7) * x); };
  const Value loss = drawn(argmax(x, 0)), first = drawn(g.constant(Tensor::scalar(Type::i64, 1)));
  const Bindings at{{"x", Tensor::f32({2}, {0, 0})}, {"d", Tensor::f32({2}, {0, 1})}};
  CHECK(evaluate(directional_derivative(loss, x, d), at) ==
        evaluate(directional_derivative(first, x, d), at));
}

TEST_CASE("an extremum of nothing does not move, one that is NaN moves by NaN") {
  CHECK(along({}, {}, [](const Value& x) { return reduce_max(x); }) == List{0});
  CHECK(along({}, {}, [](const Value& x) { return reduce_min(x); }) == List{0});
  const double infinite = std::numeric_limits<double>::infinity();
  CHECK(along({0, 0}, {1, 1}, [](const Value& x) { return reduce_max(-sqrt(x)); }) == List{-infinite});
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(std::isnan(along({1, nan}, {1, 1}, [](const Value& x) { return reduce_max(x); })[0]));
}

TEST_CASE("tangents of a repeated or computed variable add up, as gradients do") {
  Graph g;
  const Value x = g.input("x", {}, Type::f64), y = 2.0 * x;
  const Value loss = y * y, one = g.constant(1.0, Type::f64), ten = g.constant(10.0, Type::f64);
  const Bindings at{{"x", Tensor::scalar(Type::f64, 3)}};
  const auto value = [&](const Value& what) { return evaluate(what, at).item(); };
  for (const std::vector<Value>& wrt : {std::vector{x, y}, std::vector{x, x}}) {
    const std::vector<Value> gradient = grad(loss, wrt), tangents{one, ten};
    const double want = value(gradient[0]) + 10 * value(gradient[1]);
    CHECK(value(linear_jvp({&loss, 1}, wrt, tangents)[0]) == want);
    CHECK(value(jvp({&loss, 1}, wrt, tangents)[0]) == want);
    CHECK(value(locked_grad(loss, wrt, {tangents}).derivatives[0]) == want);
  }
  const Value top = reduce_max(g.constant(Tensor::f64({2}, {1, 1})) * x);
  const LockedGradient locked = locked_grad(top * x, std::vector{x, top}, {{one, ten}});
  CHECK(value(locked.gradient[0]) == 6);
  CHECK(value(locked.gradient[1]) == 3);
  CHECK(value(locked.derivatives[0]) == 36);
}
