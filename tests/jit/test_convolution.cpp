#include "autodiff/reverse.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/lookup.h"
#include "graph/ops/reduction.h"
#include "jit/machine.h"
#include "tests/jit/oracle.h"

using namespace crease;
using namespace crease::test;

TEST_CASE("gradients of convolutions equal the interpreter") {
  for (int64_t stride : {1, 2})
    for (int64_t groups : {1, 2}) {
      CAPTURE(stride);
      CAPTURE(groups);
      Graph graph;
      const Value x = graph.input("x", {"batch", 4, 7, 9});
      const Value kernel = graph.parameter("kernel", dyadic(Type::f64, {6, 4 / groups, 3, 3}, 1));
      const Value wide = graph.input("wide", {"batch", 4, 7, 9}, Type::f64);
      const Value y = relu(conv2d(wide, kernel, {.stride = {stride}, .padding = {1}, .groups = groups}));
      const Value loss = sum(y * y);
      const std::vector<Value> variables{wide, kernel};
      const std::vector<Value> gradients = grad(loss, variables);
      graph.output("y", y);
      graph.output("dx", gradients[0]);
      graph.update(kernel, kernel - gradients[1] * 0.125);
      graph.output("x", x);
      check_both(graph,
                 {{"x", dyadic(Type::f32, {2, 4, 7, 9}, 2)}, {"wide", dyadic(Type::f64, {2, 4, 7, 9}, 3)}});
    }
}

TEST_CASE("convolutions whose padding skips turns of inner loops equal the interpreter") {
  for (int64_t stride : {1, 2})
    for (int64_t padding : {1, 2, 4}) {  // with 4 some turns skip everything
      CAPTURE(stride);
      CAPTURE(padding);
      Graph graph;
      const Value x = graph.input("x", {2, 2, 5, 16}), kernel = graph.input("kernel", {4, 2, 3, 3});
      const Value y = conv2d(x, kernel, {.stride = {stride}, .padding = {padding}});
      const std::vector<Value> gradients = grad(sum(y * y), std::vector<Value>{x, kernel});
      graph.output("y", y);
      graph.output("dx", gradients[0]);
      graph.output("dkernel", gradients[1]);
      check_both(graph, {{"x", dyadic(Type::f32, {2, 2, 5, 16}, 2)},
                         {"kernel", dyadic(Type::f32, {4, 2, 3, 3}, 3)}});
    }
}

TEST_CASE("gradients of pooling, also over overlapping windows, equal the interpreter") {
  for (int64_t stride : {1, 2, 3}) {
    CAPTURE(stride);
    Graph graph;
    const Value x = graph.input("x", {"batch", 3, 9, 11});
    const Value best = max_pool2d(x, {.window = {3}, .stride = {stride}});
    const Value average = average_pool2d(x, {.window = {2}, .stride = {stride}});
    const Value loss = sum(best * 2.0) + sum(average * average * 16.0);
    graph.output("dx", grad(loss, x));
    check_both(graph, {{"x", dyadic(Type::f32, {2, 3, 9, 11}, 2)}});
  }
}

TEST_CASE("gradients of lookups add up where indices repeat") {
  Graph graph;
  const Value table = graph.input("table", {5, 18}), index = graph.input("index", {"batch"}, Type::i64);
  const Value rows = gather(table, index);
  graph.output("dtable", grad(sum(rows * rows), table));
  graph.output("dpick", grad(sum(pick(rows, index)), table));
  check_both(graph,
             {{"table", dyadic(Type::f32, {5, 18}, 1)}, {"index", integers(Type::i64, {21}, -2, 6, 2)}});
}

TEST_CASE("every vector width gives the interpreter's convolution") {
  for (int bits : {128, 256, 512}) {
    if (bits > host_machine().vector_bits) continue;
    CAPTURE(bits);
    Graph graph;
    const Value x = graph.input("x", {"batch", 2, 6, 19}), kernel = graph.input("kernel", {8, 2, 3, 3});
    const Value y = relu(conv2d(x, kernel, {.padding = {1}}));
    graph.output("y", y);
    graph.output("dkernel", grad(sum(y), kernel));
    check_program(
        graph, {{"x", dyadic(Type::f32, {2, 2, 6, 19}, 1)}, {"kernel", dyadic(Type::f32, {8, 2, 3, 3}, 2)}},
        {.vector_bits = bits});
  }
}

TEST_CASE("images narrower than a vector equal the interpreter, several rows in one vector") {
  for (const int bits : {128, 256, 512})
    for (const int64_t side : {2, 4, 8}) {
      if (bits > host_machine().vector_bits) continue;
      CAPTURE(bits);
      CAPTURE(side);
      Graph graph;
      const Value x = graph.input("x", {4, 3, 8, side}), kernel = graph.input("kernel", {8, 3, 3, 3});
      const Value y = relu(conv2d(x, kernel, {.padding = {1}}));
      const Value deep = conv2d(y, graph.input("second", {4, 8, 3, 3}), {.padding = {1}});
      graph.output("y", deep);
      const std::vector<Value> gradients = grad(sum(deep * 0.5), std::vector<Value>{x, kernel});
      graph.output("dx", gradients[0]);
      graph.output("dkernel", gradients[1]);
      check_program(graph,
                    {{"x", dyadic(Type::f32, {4, 3, 8, side}, 1)},
                     {"kernel", dyadic(Type::f32, {8, 3, 3, 3}, 2)},
                     {"second", dyadic(Type::f32, {4, 8, 3, 3}, 3)}},
                    {.vector_bits = bits});
    }
}

TEST_CASE("what stands beside a product of turned tiles knows its place, wherever a vector begins") {
  for (const auto& [height, width] : {std::pair{5, 4}, {9, 2}, {10, 2}, {11, 2}})
    for (const int channels : {48, 64}) {
      Graph graph;
      const Value x = graph.input("x", {2, 40, height, width});
      const Value kernel = graph.parameter("kernel", dyadic(Type::f32, {40, channels, 1, 1}, 3));
      const Value counter = graph.constant(Tensor::scalar(Type::i64, 5));
      const Value drawn = graph.random({2, channels, height, width}, counter, 77);
      const Value y = conv_transpose2d(x, kernel);
      graph.output("y", where(drawn < 0.5, y, y * 0.25));
      CAPTURE(height);
      CAPTURE(width);
      CAPTURE(channels);
      check_both(graph, {{"x", dyadic(Type::f32, {2, 40, height, width}, 1)}});
    }
}
