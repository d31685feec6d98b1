#include "graph/analysis/ball/ball.h"

#include <doctest/doctest.h>

#include "graph/analysis/ball/values.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"

using namespace crease;
using namespace crease::checker;

TEST_CASE("a product with a number below all doubles still has a radius") {
  const BallArithmetic arithmetic(4096);
  const Ball tiny{1, 0}, wide{0, 0x1p200};  // 2^-4096, and what may be 2^-3896
  const Ball product = arithmetic.times(tiny, wide);
  CHECK(product.radius > 0);
  CHECK(arithmetic.ends(product).high > Rational::dyadic(1, -4096 - 3896));
}

TEST_CASE("a sum of products below all doubles still has a radius") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 1}, Type::f64);
  const Value w = graph.parameter("w", Tensor::f64({1, 1}, {0x1p-1074}));
  // The difference is within some bits of 0, and the weight makes less of them than any double says.
  const Value y = matmul((sqrt(x) - sqrt(x)) * 0x1p-60, w);
  graph.output("y", y);
  const BallArithmetic arithmetic(64);
  const auto values = ball_values(graph, y.id(), {{Rational(2)}}, arithmetic);
  CHECK(values[0][0].radius > 0);
}
