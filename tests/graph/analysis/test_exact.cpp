#include "graph/analysis/exact.h"

#include <doctest/doctest.h>

#include <array>
#include <functional>

#include "graph/analysis/ball/values.h"
#include "graph/analysis/check_replay.h"
#include "graph/analysis/enclosed_witness.h"
#include "graph/ops/arithmetic.h"

using namespace crease;

namespace {

using Map = std::function<Value(const Value&)>;

/// A map applied to one number again and again.
Graph iterated(const Map& map, int times) {
  Graph graph;
  Value x = graph.input("x", {});
  for (int k = 0; k < times; ++k) x = map(x);
  graph.output("y", x);
  return graph;
}

bool has_exact_value(const Graph& graph, const Rational& at) {
  const NodeId y = graph.outputs()[0].node;
  return evaluate_exactly(graph, {{graph.inputs()[0], {at}}}, std::array{y}).has_value();
}

Value newton(const Value& x) { return (x + 2.0 / x) * 0.5; }  // twice the digits with every step
Value logistic(const Value& x) { return 4.0 * x * (1.0 - x); }

}  // namespace

TEST_CASE("numbers that double their digits with every step have exact values for few steps only") {
  for (const Map& map : {Map(newton), Map(logistic), Map([](const Value& x) { return x / 3.0 * x + 1.0; })}) {
    CHECK(has_exact_value(iterated(map, 5), Rational(1, 3)));
    CHECK_FALSE(has_exact_value(iterated(map, 200), Rational(1, 3)));
  }
  CHECK_FALSE(has_exact_value(iterated([](const Value& x) { return square(x); }, 200), Rational(1, 2)));
}

TEST_CASE("sums of long fractions stop too: the map divides by what it adds to") {
  const Map map = [](const Value& x) { return (x + 1.0) / (x + 3.0) + (x + 2.0) / (x + 5.0); };
  CHECK(has_exact_value(iterated(map, 5), 2));
  CHECK_FALSE(has_exact_value(iterated(map, 60), 2));
}

TEST_CASE("numbers that could grow and do not have exact values after any number of steps") {
  const Map map = [](const Value& x) { return (x + 1.0) / (x + 3.0) + (x + 2.0) / (x + 5.0); };
  CHECK(has_exact_value(iterated(map, 60), 1));  // 2/4 + 3/6 = 1
  CHECK(has_exact_value(iterated(logistic, 200), Rational(3, 4)));
}

TEST_CASE("enclosed values grow no further than 2^16384, and a witness search ends there") {
  const Graph graph = iterated(logistic, 200);
  const NodeId y = graph.outputs()[0].node, x = graph.inputs()[0];
  CHECK_THROWS_WITH_AS(checker::ball_values(graph, y, {{Rational(7)}}, checker::BallArithmetic(256)),
                       "a number is 2^16384 or more", checker::Refused);
  CHECK_FALSE(enclosed_witness(graph, y, x));
  CHECK(enclosed_witness(iterated(logistic, 5), iterated(logistic, 5).outputs()[0].node, x));
}
