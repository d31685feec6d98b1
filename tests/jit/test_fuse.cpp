#include "jit/fuse.h"

#include <doctest/doctest.h>

#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/lookup.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"
#include "jit/lower.h"

using namespace crease;

namespace {

Kernels fused(const Graph& graph) {
  Kernels program = fuse(lower(graph));
  verify(program);
  return program;
}

}  // namespace

TEST_CASE("bias and activation go into the matrix product") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 8}), w = graph.input("w", {8, 4}), b = graph.input("b", {4});
  graph.output("y", relu(matmul(x, w) + b));
  const Kernels program = fused(graph);
  REQUIRE(program.kernels.size() == 1);
  CHECK(is_contraction(program.kernels[0]));
  CHECK(program.kernels[0].stores.size() == 1);
}

TEST_CASE("softmax is one kernel of three phases") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 10});
  const Value e = exp(x - reduce_max(x, {1}, true));
  graph.output("y", e / sum(e, {1}, true));
  const Kernels program = fused(graph);
  REQUIRE(program.kernels.size() == 1);
  CHECK(program.kernels[0].reductions.size() == 2);
  CHECK(program.kernels[0].loops.size() == 3);
}

TEST_CASE("a transposed operand is read in place") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 8}), w = graph.input("w", {4, 8});
  graph.output("y", matmul(x, transpose(w)));
  const Kernels program = fused(graph);
  REQUIRE(program.kernels.size() == 1);
  CHECK(is_contraction(program.kernels[0]));
}

TEST_CASE("no computation is repeated inside a matrix product") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 8}), w = graph.input("w", {8, 4});
  graph.output("y", matmul(relu(x), w));
  CHECK(fused(graph).kernels.size() == 2);
}

TEST_CASE("a kernel between two others that feeds the second keeps them apart") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 8}), w = graph.input("w", {8, 8});
  const Value y = matmul(x, w);
  // y cannot take in the last product's sum: the middle product needs y and feeds it.
  graph.output("y", y + matmul(y, w));
  const Kernels program = fused(graph);
  REQUIRE(program.kernels.size() == 2);
  CHECK(program.kernels[1].nodes.size() == 2);
}

TEST_CASE("names tell operations and shape") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 8}), w = graph.input("w", {8, 4});
  graph.output("y", relu(matmul(x, w)));
  Kernels program = fused(graph);
  name_kernels(program, graph);
  CHECK(program.kernels[0].name == "matmul_relu_batchx4");
}
