#include "autodiff/jacobian.h"

#include <doctest/doctest.h>

#include "autodiff/directional.h"
#include "graph/error.h"
#include "graph/evaluate.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"

using namespace crease;

TEST_CASE("a Jacobian has a row for each element of the result") {
  Graph g;
  const Value x = g.input("x", {2, 2}, Type::f64);
  const Value y = stack({sum(square(x)), sum(x)});
  const Bindings at{{"x", Tensor::f64({2, 2}, {1, 2, 3, 4})}};
  CHECK(evaluate(jacobian(y, x), at) == Tensor::f64({2, 4}, {2, 4, 6, 8, 1, 1, 1, 1}));
  CHECK(evaluate(jacobian(sum(x), x), at) == Tensor::f64({1, 4}, {1, 1, 1, 1}));
}

TEST_CASE("a Jacobian takes the slopes that the tie selects") {
  Graph g;
  const Value x = g.input("x", {2}, Type::f64);
  const Bindings at{{"x", Tensor::f64({2}, {0, 3})}};
  CHECK(evaluate(jacobian(relu(x), x, {.tie = Tie::left}), at) == Tensor::f64({2, 2}, {0, 0, 0, 1}));
  CHECK(evaluate(jacobian(relu(x), x, {.tie = Tie::right}), at) == Tensor::f64({2, 2}, {1, 0, 0, 1}));
}

TEST_CASE("a Jacobian wants known sizes") {
  Graph g;
  const Value x = g.input("x", {"n"}, Type::f64), w = g.input("w", {2}, Type::f64);
  CHECK_THROWS_WITH_AS(jacobian(x * 2, x),
                       doctest::Contains("[jacobian] wants values of known size, got [n]"), Error);
  CHECK_THROWS_WITH_AS(jacobian(x * sum(w), w),
                       doctest::Contains("[jacobian] wants values of known size, got [n]"), Error);
}

TEST_CASE("derivatives take values in braces") {
  Graph g;
  const Value x = g.input("x", {2}, Type::f64), w = g.input("w", {2}, Type::f64),
              d = g.input("d", {2}, Type::f64);
  const Value loss = sum(x * x * w);
  const Bindings at{
      {"x", Tensor::f64({2}, {1, 2})}, {"w", Tensor::f64({2}, {3, 4})}, {"d", Tensor::f64({2}, {1, 0})}};
  const std::vector<Value> both = grad(loss, {x, w});
  CHECK(evaluate(both[0], at) == Tensor::f64({2}, {6, 16}));
  CHECK(evaluate(both[1], at) == Tensor::f64({2}, {1, 4}));
  CHECK(evaluate(jvp({loss}, {x}, {d})[0], at).item() == 6);
  CHECK(evaluate(vjp({x * w}, {x, w}, {d})[1], at) == Tensor::f64({2}, {1, 0}));
  CHECK(evaluate(hvp(loss, {x}, {d})[0], at) == Tensor::f64({2}, {6, 0}));
}
