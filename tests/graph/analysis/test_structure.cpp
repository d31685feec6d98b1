#include "graph/analysis/structure.h"

#include <doctest/doctest.h>

#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"

using namespace crease;

namespace {

Value dense(Graph& graph, const Value& x, const char* name) {
  return matmul(x, graph.parameter(name, Tensor(Type::f32, {4, 4})));
}

}  // namespace

TEST_CASE("a residual block is found between its fork and its sum") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 4});
  const Value stem = relu(dense(graph, x, "w0"));
  const Value inner = relu(dense(graph, stem, "w1"));
  const Value outer = dense(graph, inner, "w2");
  const Value joined = stem + outer;
  const Value head = relu(joined);
  graph.output("y", head);
  const Structure facts = structure(graph);
  REQUIRE_EQ(facts.regions.size(), 1u);
  const Region& block = facts.regions[0];
  CHECK_EQ(block.entry, stem.id());
  CHECK_EQ(block.exit, joined.id());
  CHECK(block.residual);
  CHECK_EQ(block.inside.front(), inner.id() - 1);  // the matrix product before the inner relu
  CHECK_EQ(block.inside.back(), outer.id());
  const std::vector<NodeId> stages{x.id(), stem.id() - 1, stem.id(), joined.id(), head.id()};
  CHECK_EQ(facts.stages, stages);
}

TEST_CASE("branches that meet in a product are a region, not a residual block") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 4});
  const Value gate = relu(x) * tanh(x);
  graph.output("y", gate);
  const Structure facts = structure(graph);
  REQUIRE_EQ(facts.regions.size(), 1u);
  CHECK_EQ(facts.regions[0].exit, gate.id());
  CHECK_FALSE(facts.regions[0].residual);
}

TEST_CASE("paths into different outputs never join") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 4});
  graph.output("a", relu(x));
  graph.output("b", tanh(x));
  const Structure facts = structure(graph);
  REQUIRE_EQ(facts.regions.size(), 1u);
  CHECK_EQ(facts.regions[0].exit, -1);
  CHECK_EQ(facts.stages, std::vector<NodeId>{x.id()});
}

TEST_CASE("structure of a graph without outputs is an error") {
  const Graph graph;
  CHECK_THROWS_WITH_AS(structure(graph), doctest::Contains("no outputs"), Error);
}
