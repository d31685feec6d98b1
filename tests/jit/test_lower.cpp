#include "jit/lower.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "autodiff/reverse.h"
#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/lookup.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"

using namespace crease;

TEST_CASE("a matrix product is a loop nest with a sum inside") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 3}), w = graph.input("w", {3, 4});
  graph.output("y", matmul(x, w));
  const Kernels program = lower(graph);
  verify(program);
  CHECK(to_string(program) ==
        "buffer x: input f32[batch, 3]\n"
        "buffer w: input f32[3, 4]\n"
        "buffer matmul_2: result f32[batch, 4]\n"
        "\n"
        "kernel matmul(_0 < batch, j < 4; i < 3)\n"
        "  %0: f32 = read x[_0, i]\n"
        "  %1: f32 = read w[i, j]\n"
        "  %2: f32 = multiply %0 %1\n"
        "  %3: f32 = result of $0\n"
        "  $0: f32 = sum %2\n"
        "  matmul_2[_0, j] = %3\n");
}

TEST_CASE("reshapes are views and make no kernel") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2, 3});
  graph.output("y", relu(reshape(flatten(x), {"batch", 3, 2})));
  const Kernels program = lower(graph);
  CHECK(program.kernels.size() == 1);
  CHECK(storage_of(program, program.kernels[0].code[0].buffer) == 0);
}

TEST_CASE("padding is inverted to a read with conditions, not scattered") {
  Graph graph;
  graph.output("y", pad(graph.input("x", {"batch", 5}), 1, 2, 1));
  const Kernels program = lower(graph);
  REQUIRE(program.kernels.size() == 1);
  CHECK_FALSE(is_scatter(program.kernels[0]));
  const std::string text = to_string(program.kernels[0], program.buffers);
  CAPTURE(text);
  CHECK(text.find("0 <= o1-2 < 5") != std::string::npos);
}

TEST_CASE("the gradient of windows side by side writes each element once, without a fill") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2, 6, 8});
  graph.output("dx", grad(sum(square(average_pool2d(x, {.window = {3, 2}}))), x));
  const Kernels program = lower(graph);
  const Kernel& last = program.kernels.back();
  const std::string text = to_string(last, program.buffers);
  CAPTURE(text);
  CHECK_FALSE(is_scatter(last));
  CHECK(text.find("[n, c, 3*y+ky, 2*x+kx] = ") != std::string::npos);
  CHECK(std::ranges::none_of(program.kernels, [](const Kernel& it) { return it.name == "fill"; }));
}

TEST_CASE("the gradient of windows with gaps between them scatters after a fill") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2, 5, 5});
  graph.output("dx", grad(sum(square(max_pool2d(x, {.window = {2}, .stride = {3}}))), x));
  const Kernels program = lower(graph);
  CHECK(std::ranges::any_of(program.kernels, [](const Kernel& it) { return it.name == "fill"; }));
}

TEST_CASE("positions count whose loops are their digits") {
  const std::vector<Loop> loops{{"y", {5, {}}}, {"k", {2, {}}}, {"n", {1, {"batch"}}}};
  const auto count = [&](std::vector<Term> terms, int64_t offset = 0) {
    return counted({.terms = std::move(terms), .offset = offset}, loops);
  };
  CHECK(count({{0, 1}}) == Extent{5, {}});
  CHECK(count({{0, 2}, {1, 1}}) == Extent{10, {}});
  CHECK(count({{0, 1}, {1, 5}}) == Extent{10, {}});
  CHECK(count({{0, 1}, {2, 5}}) == Extent{5, {"batch"}});
  CHECK_FALSE(count({{0, 3}, {1, 1}}));
  CHECK_FALSE(count({{0, 1}, {1, 1}}));
  CHECK_FALSE(count({{1, 1}, {2, 3}}));
  CHECK_FALSE(count({{0, 2}}));
  CHECK_FALSE(count({{0, 1}}, 1));
  CHECK_FALSE(count({}));
}

TEST_CASE("sums at looked-up places scatter after a fill") {
  Graph graph;
  const Value index = graph.input("index", {"batch"}, Type::i32), x = graph.input("x", {"batch", 4});
  auto op = std::make_shared<Op>(Op{.name = "add_rows",
                                    .doc = "",
                                    .loops = "",
                                    .body = [](Scalar, Scalar v) { return v; },
                                    .combine = Combine::Sum});
  Resolved resolved;
  resolved.loops.labels = {{"b", "batch"}, {"j", 4}};
  resolved.loops.reads = {{{.terms = {{0, 1}}}}, {{.terms = {{0, 1}}}, {.terms = {{1, 1}}}}};
  resolved.loops.write = {{.lookup = 0}, {.terms = {{1, 1}}}};
  resolved.shape = {1000, 4};
  graph.output("y", graph.apply_resolved(op, resolved, {index, x}, Type::f32, {}));
  const Kernels program = lower(graph);
  REQUIRE(program.kernels.size() == 2);
  CHECK(program.kernels[0].name == "fill");
  CHECK(is_scatter(program.kernels[1]));
}

TEST_CASE("a specialised dimension is a number everywhere") {
  Graph graph;
  graph.output("y", mean(graph.input("x", {"batch", 3}), {0}));
  const Kernels program = lower(graph, {{"batch", 8}});
  CHECK(program.symbols.empty());
  CHECK(to_string(program).find("batch") == std::string::npos);
}

TEST_CASE("verify names the kernel that breaks a rule") {
  Graph graph;
  graph.output("y", relu(graph.input("x", {4})));
  Kernels program = lower(graph);
  program.kernels[0].stores[0].value = 99;
  CHECK_THROWS_AS(verify(program), Bug);
}
