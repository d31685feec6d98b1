#include "autodiff/second_order.h"

#include <doctest/doctest.h>

#include "autodiff/lock.h"
#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"
#include "tests/autodiff/numbers.h"

using namespace crease;
using crease::testing::numbers;
using List = std::vector<double>;

namespace {

/// d^2/dx^2 of f at x under a rule, by hessian.
double second(Value (*f)(const Value&), double at, const GradOptions& options) {
  Graph g;
  const Value x = g.input("x", {}, Type::f64);
  return evaluate(hessian(f(x), x, options), {{"x", Tensor::scalar(Type::f64, at)}}).item();
}

double second_along(Value (*f)(const Value&), double at, double direction) {
  Graph g;
  const Value x = g.input("x", {}, Type::f64), d = g.input("d", {}, Type::f64);
  return evaluate(locked_hessian(f(x), x, {d}).products[0],
                  {{"x", Tensor::scalar(Type::f64, at)}, {"d", Tensor::scalar(Type::f64, direction)}})
      .item();
}

/// A small network with relu, max and abs: 3 variables, which sits on kinks at 0.
Value network(const Value& x) {
  Graph graph = x.graph().handle();
  const Value w = graph.constant(Tensor::f64({3, 4}, {1, -1, 2, 0, 0, 1, -1, 1, 3, -2, 1, 1}));
  const Value hidden = relu(matmul(reshape({x}, {1, 3}), w));
  return sum(square(hidden)) + reduce_max(square(x)) * abs(sum(x)) + sum(exp(abs(x)));
}

}  // namespace

TEST_CASE("relu squared has second derivative 2 or 0 at 0, never anything between") {
  const auto f = [](const Value& x) { return square(relu(x)); };
  const auto product = [](const Value& x) { return relu(x) * relu(x); };
  for (const auto spelling : {+f, +product, +[](const Value& x) { return squared_relu(x); }}) {
    CHECK(second(spelling, 0, {.tie = Tie::left}) == 0);
    CHECK(second(spelling, 0, {.tie = Tie::right}) == 2);
    for (const Tie& mixed : {Tie::mid, Tie::value(0.75), Tie::min_norm})
      CHECK(second(spelling, 0, {.tie = mixed}) == 0);
    CHECK(second(spelling, 0, {.table = ties::pytorch()}) == 0);
    CHECK(second_along(spelling, 0, 1) == 2);
    CHECK(second_along(spelling, 0, -1) == 0);
    CHECK(second(spelling, 1, {}) == 2);
    CHECK(second(spelling, -1, {}) == 0);
  }
}

TEST_CASE("the side of a node's own Tie holds in every order") {
  Graph g;
  const Value x = g.input("x", {}, Type::f64), v = g.constant(3.0, Type::f64);
  const Value active = relu(x);
  g.set_tie(active, Tie::right);
  const Value loss = square(active) * active;
  const Value shifted = square(relu(x + 0.0) + 1.0);
  const Bindings at{{"x", Tensor::scalar(Type::f64, 0)}};
  CHECK(evaluate(hvp(square(active), {&x, 1}, {&v, 1})[0], at).item() == 6);
  CHECK(evaluate(hvp(loss, {&x, 1}, {&v, 1})[0], at).item() == 0);
  CHECK(evaluate(hvp(shifted, {&x, 1}, {&v, 1})[0], at).item() == 0);
}

TEST_CASE("hessians are symmetric at kinks, under sides and along directions") {
  Graph g;
  const Value x = g.input("x", {3}, Type::f64), d = g.input("d", {3}, Type::f64);
  const Value loss = network(x);
  std::vector<Value> all;
  for (const Tie& tie : {Tie::left, Tie::right, Tie::mid, Tie::min_norm})
    all.push_back(hessian(loss, x, {.tie = tie}));
  all.push_back(locked_hessian(loss, x, {d}).products[0]);
  for (const List& point : {List{0, 0, 0}, List{1, 1, 0}, List{1, -1, 0}, List{0.5, 2, -1}}) {
    const Bindings at{{"x", Tensor::f64({3}, point)}, {"d", Tensor::f64({3}, {3, -5, 7})}};
    for (const Tensor& h : evaluate(g, at, all)) {
      REQUIRE(h.count() == 9);
      for (int64_t i = 0; i < 3; ++i)
        for (int64_t j = 0; j < i; ++j)
          CHECK(h.at(3 * i + j) == doctest::Approx(h.at(3 * j + i)).epsilon(1e-13));
    }
  }
}

TEST_CASE("a Hessian-vector product along a direction is the difference of locked gradients on that side") {
  Graph g;
  const Value x = g.input("x", {3}, Type::f64), d = g.input("d", {3}, Type::f64);
  const std::vector<std::vector<Value>> directions{{d}};
  const Value loss = network(x);
  const Value product = locked_hvp(loss, {&x, 1}, directions, {&d, 1}).products[0];
  const Value gradient = locked_grad(loss, {&x, 1}, directions).gradient[0];
  const List direction{3, -5, 7};
  const auto bound = [&](double step) {
    return Bindings{{"x", Tensor::f64({3}, {3 * step, -5 * step, 7 * step})},
                    {"d", Tensor::f64({3}, direction)}};
  };
  const double h = 0x1p-20;
  const List got = numbers(evaluate(product, bound(0))), here = numbers(evaluate(gradient, bound(0))),
             there = numbers(evaluate(gradient, bound(h)));
  // Third derivatives are below 1e3 here, so the quotient is off by less than 1e3 h / 2.
  for (size_t i = 0; i < 3; ++i) CHECK(got[i] == doctest::Approx((there[i] - here[i]) / h).epsilon(1e-3));
}

TEST_CASE("a second derivative tells which kinks its directions leave open") {
  Graph g;
  const Value x = g.input("x", {2}, Type::f64), d = g.input("d", {2}, Type::f64);
  const Value loss = sum(square(relu(x)));
  const LockedSecond hessian = locked_hessian(loss, x, {d});
  const LockedSecond product = locked_hvp(loss, {&x, 1}, {{d}}, {&d, 1});
  const auto counts = [&](const List& direction) {
    const std::vector<Value> wanted{hessian.hits, hessian.unresolved, product.hits, product.unresolved};
    List all;
    for (const Tensor& count :
         evaluate(g, {{"x", Tensor::f64({2}, {0, 1})}, {"d", Tensor::f64({2}, direction)}}, wanted))
      all.push_back(count.item());
    return all;
  };
  CHECK_EQ(counts({0, 1}), List{1, 1, 1, 1});
  CHECK_EQ(counts({1, 0}), List{1, 0, 1, 0});
}

TEST_CASE("the Hessian of several elements is that of the formula") {
  Graph g;
  const Value x = g.input("x", {2}, Type::f64);
  const Value first = reshape(slice(x, 0, 0, 1), {}), other = reshape(slice(x, 0, 1, 2), {});
  const Value h = hessian(first * first * other + exp(other), x);
  const List want{6, 4, 4, std::exp(3.0)};
  CHECK(numbers(evaluate(h, {{"x", Tensor::f64({2}, {2, 3})}})) == want);
}

TEST_CASE("a variable of unknown size has no Hessian as one tensor") {
  Graph g;
  const Value x = g.input("x", {"n"}, Type::f64);
  CHECK_THROWS_WITH_AS(static_cast<void>(hessian(sum(square(x)), x)),
                       doctest::Contains("[hessian] wants values of known size"), Error);
}
