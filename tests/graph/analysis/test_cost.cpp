#include "graph/analysis/cost.h"

#include <doctest/doctest.h>

#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"

using namespace crease;

TEST_CASE("a dense layer costs two operations a weight and sample") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 64});
  const Value weight = graph.parameter("w", Tensor(Type::f32, {64, 10}));
  const Value unused = graph.parameter("unused", Tensor(Type::f32, {1000}));
  const Value y = matmul(x, weight);
  graph.output("y", relu(y));
  const CostReport report = cost(graph, {{"batch", 32}});
  const Cost& layer = report.nodes[static_cast<size_t>(y.id())];
  CHECK_EQ(layer.operations, 2.0 * 32 * 64 * 10);
  CHECK_EQ(layer.bytes_read, 4.0 * (32 * 64 + 64 * 10));
  CHECK_EQ(layer.bytes_written, 4.0 * 32 * 10);
  CHECK_EQ(report.total.operations, 2.0 * 32 * 64 * 10 + 32 * 10);
  CHECK_EQ(report.parameters, 640);
  CHECK_EQ(report.parameter_bytes, 2560);
  CHECK_EQ(report.nodes[static_cast<size_t>(unused.id())].bytes_read, 0);
}

TEST_CASE("an operand that is read twice is counted once, and shared terms of a body too") {
  Graph graph;
  const Value x = graph.input("x", {8});
  const Value y = x * x;
  graph.output("y", y);
  CHECK_EQ(cost(graph).nodes[static_cast<size_t>(y.id())].bytes_read, 32.0);
  const Scalar a = max(Scalar::argument(0), 0);
  CHECK_EQ(operation_count(a * a), 2);
}

TEST_CASE("named dimensions without a size count as one") {
  Graph graph;
  graph.output("y", relu(graph.input("x", {"batch", 3})));
  CHECK_EQ(cost(graph).total.operations, 3.0);
}
