#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/leaf.h"
#include "tests/jit/oracle.h"

using namespace crease;
using namespace crease::test;

TEST_CASE("a program of many different kernels, in several object files, equals the interpreter") {
  Graph graph;
  Bindings inputs;
  for (int64_t i = 1; i <= 12; ++i) {
    const std::string number = std::to_string(i);
    const Value x = graph.input("x" + number, {i + 2, 5}), w = graph.input("w" + number, {5, 3 * i + 1});
    graph.output("y" + number, relu(matmul(x, w)));
    inputs.emplace("x" + number, dyadic(Type::f32, {i + 2, 5}, 1));
    inputs.emplace("w" + number, dyadic(Type::f32, {5, 3 * i + 1}, 2));
  }
  check_both(graph, inputs);
}
