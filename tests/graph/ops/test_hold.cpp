#include "graph/ops/hold.h"

#include <doctest/doctest.h>

#include "graph/analysis/balance/balance.h"
#include "graph/analysis/linear_units.h"
#include "graph/analysis/linearity.h"
#include "graph/analysis/own_bias.h"
#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/verify.h"

using namespace crease;

namespace {

/// x W, then `between`, then V.
template <class Between>
Graph network(Between between) {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  const Value hidden = matmul(x, graph.parameter("w", Tensor::f32({2, 2}, {1, 2, 3, 4})));
  graph.output("y", matmul(between(hidden), graph.parameter("v", Tensor::f32({2, 1}, {1, -1}))));
  return graph;
}

Value as_it_is(const Value& x) { return x; }
Value held(const Value& x) { return stop_gradient(x); }
Value held_relu(const Value& x) { return stop_gradient(relu(x)); }

}  // namespace

TEST_CASE("what is held is found where a variable moves it") {
  Graph g;
  const Value x = g.input("x", {2}), y = g.input("y", {2});
  const Value c = stop_gradient(x), loss = c * y;
  CHECK(held_between(g, {loss}, {x}) == c.id());
  CHECK_FALSE(held_between(g, {loss}, {y}));
  CHECK_FALSE(held_between(g, {y}, {x}));
  CHECK(held_in_network(network(held)).has_value());
  CHECK_FALSE(held_in_network(network(as_it_is)));
}

TEST_CASE("analyses of the function look through what is held, those of its gradient do not") {
  const Graph graph = network(held), free = network(as_it_is);
  CHECK(linearity(graph).parts.back() == Part::Affine);
  CHECK_FALSE(linear_units(free).empty());  // gradient flow conserves a matrix
  CHECK(linear_units(graph).empty());
  const auto conserved = [](const Graph& network) { return balance_findings(network).front(); };
  CHECK(conserved(network(as_it_is)).verdict == Verdict::Proved);
  CHECK(conserved(network(held_relu)).verdict == Verdict::Unknown);
  CHECK(conserved(network(held_relu)).sentences[0].find("stop_gradient") != std::string::npos);
}

TEST_CASE("the own-bias theorem does not cover what is held") {
  Graph g;
  const Value b = g.parameter("b", Tensor(Type::f64, {4})), x = g.input("x", {4}, Type::f64);
  const std::vector<NodeId> ends{stop_gradient(relu(x + b)).id()}, wrt{b.id()};
  const OwnBiasReport report = own_bias(g, ends, wrt);
  CHECK_FALSE(report.certified());
  CHECK(report.operations.back().problem == "stop_gradient holds it constant");
}

TEST_CASE("a pass may leave the place of a movement to what is held, and not drop what holds") {
  Graph g;
  const Value x = g.input("x", {3}), held = stop_gradient(x), moved = identity(held);
  g.output("y", moved);
  const auto became = [&](std::vector<NodeId> new_id) {
    Graph after = g;
    after.clear_outputs();
    after.output("y", after.value(new_id[static_cast<size_t>(moved.id())]));
    return Rewrite{after, std::move(new_id)};
  };
  CHECK_NOTHROW(verify_pass(g, became({x.id(), held.id(), held.id()}), "good"));
  CHECK_THROWS_WITH_AS(verify_pass(g, became({x.id(), moved.id(), moved.id()}), "bad"),
                       doctest::Contains("or is not held as it was"), Bug);
}
