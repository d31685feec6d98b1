#include "jit/fuse_siblings.h"

#include <doctest/doctest.h>

#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/reduction.h"
#include "graph/scan.h"
#include "jit/fuse.h"
#include "jit/lower.h"
#include "tests/jit/oracle.h"

using namespace crease;

namespace {

Kernels merged(const Graph& graph) {
  Kernels program = merge_siblings(fuse(lower(graph)));
  verify(program);
  return program;
}

Tensor numbers(std::vector<int64_t> sizes) {
  Tensor tensor(Type::f32, std::move(sizes));
  for (int64_t i = 0; i < tensor.count(); ++i) tensor.set(i, static_cast<double>(i * 7919 % 61) / 16 - 1.5);
  return tensor;
}

}  // namespace

TEST_CASE("sums over the same elements are one pass") {
  Graph graph;
  const Value x = graph.input("x", {"n", 5, 7}), g = graph.input("g", {"n", 5, 7});
  graph.output("scale", sum(x * g, {0, 2}));
  graph.output("shift", sum(g, {0, 2}));
  CHECK(fuse(lower(graph)).kernels.size() == 2);
  const Kernels program = merged(graph);
  REQUIRE(program.kernels.size() == 1);
  CHECK(program.kernels[0].reductions.size() == 2);
  for (const int64_t n : {1, 3, 40})
    test::check_both(graph, {{"x", numbers({n, 5, 7})}, {"g", numbers({n, 5, 7})}}, 4, 64);
}

TEST_CASE("a sum that another one needs, and one over other dimensions, stay kernels of their own") {
  Graph graph;
  const Value x = graph.input("x", {"n", 5});
  graph.output("y", sum(x * sum(x, {0}, true), {0}));
  CHECK(merged(graph).kernels.size() == fuse(lower(graph)).kernels.size());
  Graph other;
  const Value y = other.input("x", {"n", 5});
  other.output("rows", sum(y, {0}));
  other.output("columns", sum(y, {1}));
  CHECK(merged(other).kernels.size() == 2);
  test::check_both(other, {{"x", numbers({9, 5})}}, 4, 64);
}

TEST_CASE("products of matrices are not summed beside others") {
  Graph graph;
  const Value x = graph.input("x", {"n", 8}), w = graph.input("w", {8, 4}), v = graph.input("v", {8, 4});
  graph.output("a", matmul(x, w));
  graph.output("b", matmul(x, v));
  const Kernels program = merged(graph);
  CHECK(program.kernels.size() == 2);
  for (const Kernel& kernel : program.kernels) CHECK(is_contraction(kernel));
}

TEST_CASE("what a kernel between two sums writes and the second reads keeps them apart") {
  Graph graph;
  const Value x = graph.input("x", {"n", 6});
  const Value first = sum(x, {0});
  graph.output("first", first);
  graph.output("second", sum(x * matmul(first * 2.0, graph.constant(numbers({6, 6}))), {0}));
  const Kernels program = merged(graph);
  verify(program);
  test::check_both(graph, {{"x", numbers({4, 6})}}, 8, 512);
}

TEST_CASE("sums in a loop over time and outside of it are not one kernel") {
  Graph graph;
  const Value x = graph.input("x", {"time", 6});
  const Value total = scan({sum(x, {0})}, {x}, {}, [](const ScanArguments& now) {
                        return ScanStep{.carries = {now.carries[0] + now.elements[0]}, .outputs = {}};
                      }).carries[0];
  graph.output("y", total + sum(x * x, {0}));
  verify(merged(graph));
  test::check_both(graph, {{"x", numbers({5, 6})}}, 8, 64);
}
