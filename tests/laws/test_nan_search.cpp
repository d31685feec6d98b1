// Where numbers of a format can become NaN: what is not named cannot.
#include <doctest/doctest.h>

#include <limits>

#include "frontends/crease.h"
#include "graph/analysis/bounds/range.h"

using namespace crease;

namespace {

constexpr double kLargestHalf = 65504, kLargestFloat = 0x1.fffffep127;

/// The reason found in a network of one output, for inputs from -1 to 1.
std::string nan_of(const Graph& graph, double largest = kLargestFloat) {
  return first_possible_nan(BoxAnalysis(graph, {.all = Interval{-1, 1}}), largest);
}

}  // namespace

TEST_CASE("what is made of parameters alone can be NaN, too") {
  Graph graph;
  const Value p = graph.parameter("p", Tensor::f32({2}, {-2, 1}));
  graph.output("y", graph.input("x", {2}) + log(p));
  CHECK(nan_of(graph).ends_with("the logarithm of a negative number"));
  Graph stored;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  stored.output("y", stored.input("x", {2}) * stored.parameter("p", Tensor::f32({2}, {nan, 1})));
  CHECK(nan_of(stored) == "p: it holds NaN");
}

TEST_CASE("a body can overflow inside, though what it reads does not") {
  const Op op{.name = "op", .doc = "0, where nothing overflows.", .body = [](Scalar x) {
                const Scalar large = exp(100 * x);
                return large * 2 - (large + large);
              }};
  Graph graph;
  graph.output("y", op(graph.input("x", {2})));
  REQUIRE(std::isnan(evaluate(graph, {{"x", Tensor::f32({2}, {1, 1})}}).at("y").at(0)));
  CHECK(nan_of(graph).ends_with("inf - inf"));
  CHECK(nan_of(graph, 1e300).empty());
}

TEST_CASE("products of a sum can overflow with both signs, and so can sums of some terms") {
  Graph products;
  const Value large = products.input("x", {1, 2}) * 300;
  products.output("y", matmul(large, reshape(large, {2, 1})));
  CHECK(nan_of(products, kLargestHalf).ends_with("infinities of both signs can meet in a sum"));
  CHECK(nan_of(products).empty());
  Graph terms;
  terms.output("y", sum(terms.input("x", {4}) * 40000));
  CHECK(nan_of(terms, kLargestHalf).ends_with("infinities of both signs can meet in a sum"));
  CHECK(nan_of(terms).empty());
  Graph factors;
  factors.output("y", product(factors.input("x", {4}) * 200));
  CHECK(nan_of(factors, kLargestHalf).ends_with("0 can meet infinity in a product"));
  CHECK(nan_of(factors).empty());
}

TEST_CASE("what happens inside of a loop over time is not called free of NaN") {
  Graph graph;
  const Value x = graph.input("x", {3, 2});
  const ScanResult loop = scan(
      {graph.constant(Tensor(Type::f32, {2}))}, {x}, {},
      [](const ScanArguments& at) -> ScanStep { return {.carries = {log(at.elements[0]) + at.carries[0]}}; });
  graph.output("y", loop.carries[0]);
  CHECK(nan_of(graph).ends_with("what happens inside of a loop over time is not known"));
}
