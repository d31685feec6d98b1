// Windows side by side, and rows that are shorter than a vector: several of them make one.
#include "autodiff/reverse.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"
#include "jit/machine.h"
#include "tests/jit/oracle.h"

using namespace crease;
using namespace crease::test;

namespace {

struct Case {
  std::vector<int64_t> windows;  // of the result, rows and columns
  PoolOptions options = {};
  Type type = Type::f32;
};

const std::vector<Case> cases{
    {{4, 4}},
    {{8, 8}},
    {{2, 2}, {}, Type::f64},
    {{5, 4}, {.window = {2, 4}}},
    {{3, 8}, {.window = {4, 1}}},
    {{4, 2}, {.window = {1, 8}}},
    {{3, 5}, {.window = {3}}},
    {{1, 1}, {.window = {2}}},
    {{2, 16}, {.window = {2}}},
    {{4, 4}, {.window = {2}, .stride = {1}}},
    {{4, 4}, {.window = {2}, .stride = {3}}},
    {{4, 8}, {.window = {3}, .stride = {2}, .padding = {1}}},
};

int64_t at(const std::vector<int64_t>& values, size_t axis) {
  return values[std::min(axis, values.size() - 1)];
}

std::vector<int64_t> image_of(const Case& it) {
  std::vector<int64_t> image{3, 2};
  for (size_t axis = 0; axis < 2; ++axis) {
    const int64_t window = at(it.options.window, axis);
    const int64_t stride = it.options.stride.empty() ? window : at(it.options.stride, axis);
    image.push_back((it.windows[axis] - 1) * stride + window - 2 * at(it.options.padding, axis));
  }
  return image;
}

/// The pooled relu(x) and the gradient of its product with `weight`.
Graph pooled(const Case& it, bool average, const Tie& tie, bool named_batch) {
  Graph graph;
  const std::vector<int64_t> image = image_of(it);
  Shape shape{named_batch ? Dim("batch") : Dim(3), 2, image[2], image[3]};
  const Value x = graph.input("x", shape, it.type);
  shape[2] = it.windows[0], shape[3] = it.windows[1];
  const Value weight = graph.input("weight", shape, it.type);
  const Value y = average ? average_pool2d(relu(x), it.options) : max_pool2d(relu(x), it.options);
  graph.output("y", y);
  graph.output("dx", grad(sum(y * weight), x, {.tie = tie}));
  return graph;
}

Bindings data_of(const Case& it) {
  return {{"x", integers(it.type, image_of(it), -2, 2, 1)},
          {"weight", dyadic(it.type, {3, 2, it.windows[0], it.windows[1]}, 2)}};
}

}  // namespace

TEST_CASE("pooling and its gradient equal the interpreter for windows of every form, at every width") {
  for (const Case& it : cases)
    for (const Tie& tie : {Tie::left, Tie::right})
      for (const int bits : {128, 256, 512}) {
        if (bits > host_machine().vector_bits) continue;
        CAPTURE(it.windows[0]);
        CAPTURE(it.windows[1]);
        CAPTURE(bits);
        check_program(pooled(it, false, tie, bits != 256), data_of(it), {.vector_bits = bits});
      }
}

// Up to four windows of overlapping ones add quotients of at most 2 / 9, each rounded, in another order.
TEST_CASE("average pooling and its gradient equal the interpreter, also where nothing is fused") {
  for (const Case& it : cases)
    for (const bool fuse : {true, false}) {
      CAPTURE(it.windows[0]);
      CAPTURE(it.windows[1]);
      check_program(pooled(it, true, Tie::left, true), data_of(it), {.fuse = fuse}, 4, 1);
    }
}

TEST_CASE("pooling between convolutions: windows, masks and scatters are two kernels") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2, 8, 32});
  const Value k = graph.parameter("k", integers(Type::f32, {3, 2, 3, 3}, -1, 1, 1));
  const Value m = graph.parameter("m", integers(Type::f32, {2, 3, 3, 3}, -1, 1, 2));
  const Value y = conv2d(max_pool2d(relu(conv2d(x, k, {.padding = {1}}))), m, {.padding = {1}});
  graph.output("dk", grad(sum(square(y)), k));
  const Program program = compile(graph, {.keep_dumps = true});
  const std::string& text = program.dumps().fused;
  CAPTURE(text);
  CHECK(text.find("kernel fill") == std::string::npos);
  CHECK(count_of(text, "kernel max_pool2d_last_tied") == 1);
  CHECK(count_of(text, "kernel d_max_pool2d_d_relu") == 1);
  CHECK(count_of(text, "kernel d_relu") == 0);
  check_program(graph, {{"x", integers(Type::f32, {3, 2, 8, 32}, -1, 1, 3)}});
}

TEST_CASE("threads share pooling and its gradient by whole windows") {
  for (const Case& it : cases)
    for (const int threads : {2, 3, 7}) {
      CAPTURE(it.windows[0]);
      CAPTURE(it.windows[1]);
      CAPTURE(threads);
      const CompileOptions options{.threads = threads, .split_all = true};
      check_program(pooled(it, false, Tie::left, true), data_of(it), options);
      check_program(pooled(it, true, Tie::left, false), data_of(it), options, 4, 1);
    }
}

TEST_CASE("short rows run by whole vectors") {
  const int lanes = host_machine().vector_bits / 32;
  if (lanes <= 4) return;
  Graph graph;
  graph.output("y", max_pool2d(graph.input("x", {"batch", 2, 8, 8})));
  const std::string plan = compile(graph, {.keep_dumps = true}).dumps().schedule;
  CAPTURE(plan);
  CHECK(plan.find(fmt::format("x < 32*batch by {}", lanes)) != std::string::npos);
}

TEST_CASE("operands that repeat along or across short rows equal the interpreter for every number of rows") {
  for (const int64_t row : {2, 4, 8})
    for (const int64_t rows : {1, 2, 3, 7, 8, 9, 33}) {
      CAPTURE(row);
      CAPTURE(rows);
      Graph graph;
      const Value x = graph.input("x", {"rows", row}), bias = graph.input("bias", {row});
      const Value factor = graph.input("factor", {"rows", 1}),
                  every = graph.input("every", {"rows", 2 * row});
      graph.output("y", relu(x + bias) * factor + slice(every, 1, 0, 2 * row, 2));
      graph.output("exponential", exp(relu(x + bias) * factor));
      check_program(graph,
                    {{"x", dyadic(Type::f32, {rows, row}, 1)},
                     {"bias", dyadic(Type::f32, {row}, 2)},
                     {"factor", dyadic(Type::f32, {rows, 1}, 3)},
                     {"every", dyadic(Type::f32, {rows, 2 * row}, 4)}},
                    {}, 2);
    }
}

// The loop around short rows may be two loops already, one of which says where there is padding.
TEST_CASE("padding around several short rows stays where it is, at every width") {
  for (const auto& sizes :
       std::vector<std::vector<int64_t>>{{2, 2, 2}, {3, 2, 4}, {2, 4, 2}, {5, 8, 2}, {2, 3, 4}})
    for (const Type type : {Type::f32, Type::f64})
      for (const int bits : {128, 256, 512}) {
        if (bits > host_machine().vector_bits) continue;
        CAPTURE(to_string(sizes));
        CAPTURE(bits);
        Graph graph;
        const Value x = graph.input("x", Shape(sizes.begin(), sizes.end()), type),
                    row = graph.input("row", {sizes[2]}, type);
        for (const int axis : {0, 1}) {
          const Value padded = pad(x, axis, 1, 2);
          graph.output("relu" + std::to_string(axis), relu(padded));
          graph.output("sum" + std::to_string(axis), padded + row);
        }
        check_program(graph, {{"x", dyadic(type, sizes, 1)}, {"row", dyadic(type, {sizes[2]}, 2)}},
                      {.vector_bits = bits});
      }
}
