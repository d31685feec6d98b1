#include "autodiff/census.h"

#include <doctest/doctest.h>

#include "autodiff/reverse.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/reduction.h"
#include "tests/jit/oracle.h"

using namespace crease;
using namespace crease::test;

namespace {

/// sum(v * relu(x w) reduced by max over pairs of units), with a census.
Graph two_layers(int64_t n) {
  Graph graph;
  const Value x = graph.input("x", {"batch", 3});
  const Value w = graph.parameter("w", integers(Type::f32, {3, n}, -1, 1, 3));
  const Value v = graph.parameter("v", integers(Type::f32, {n}, -1, 1, 5));
  const Value hidden = relu(matmul(x, w));
  graph.set_name(hidden, "hidden");
  const Value loss = sum(hidden * v) + sum(reduce_max(hidden, {1}));
  const auto gradients = grad(loss, std::vector{w, v}, {.census = true});
  graph.output("hidden", hidden);
  graph.output("dw", gradients[0]);
  return graph;
}

}  // namespace

TEST_CASE("compiled counts are those of a loop over the values, at lengths around whole vectors") {
  for (const int64_t n : {1, 7, 8, 15, 16, 17, 64, 67}) {
    CAPTURE(n);
    const Graph graph = two_layers(n);
    const Tensor x = integers(Type::f32, {5, 3}, -1, 1, 9), w = graph.find("w").node().value,
                 v = graph.find("v").node().value;
    int64_t hits = 0, live = 0, tied = 0;
    for (int64_t b = 0; b < 5; ++b) {
      std::vector<double> z(static_cast<size_t>(n), 0.0);
      for (int64_t j = 0; j < n; ++j)
        for (int64_t i = 0; i < 3; ++i) z[static_cast<size_t>(j)] += x.at(b * 3 + i) * w.at(i * n + j);
      double top = 0;
      int64_t winners = 0, last = 0;
      for (const double value : z) top = std::max(top, value);
      for (int64_t j = 0; j < n; ++j)
        if (std::max(z[static_cast<size_t>(j)], 0.0) == top) ++winners, last = j;
      tied += winners > 1 ? 1 : 0;
      for (int64_t j = 0; j < n; ++j) {
        if (z[static_cast<size_t>(j)] != 0) continue;
        ++hits;
        live += v.at(j) + (j == last ? 1 : 0) != 0 ? 1 : 0;
      }
    }
    for (const bool fuse : {false, true})
      for (const int optimisation : {0, 2}) {
        Program program = compile(graph, {.fuse = fuse, .optimisation = optimisation});
        const Bindings at{{"x", x}};
        const auto census = census_of(graph, at, program(at));
        REQUIRE(census.size() == 2);
        CHECK(census[0].node == "hidden");
        CHECK(census[0].elements == 5 * n);
        CHECK(census[0].hits == hits);
        CHECK(census[0].live == live);
        CHECK(census[0].ties == 0);
        CHECK(census[1].elements == 5);
        CHECK(census[1].hits == tied);
        CHECK(census[1].ties == tied);
      }
  }
}

TEST_CASE("compiled counts are the interpreter's for every kinked activation, and change no gradient") {
  const auto with = [](bool census, const Op& op) {
    Graph graph;
    const Value x = graph.input("x", {"batch", 19});
    graph.output("dx", grad(sum(square(op(x))), x, {.census = census}));
    return graph;
  };
  for (const Op& op : {relu, relu6, hard_tanh, hard_swish, hard_sigmoid, abs_op, elu}) {
    CAPTURE(op.name);
    const Graph counted = with(true, op), plain = with(false, op);
    const Bindings at{{"x", integers(Type::f32, {7, 19}, -7, 7, 11)}};
    Program program = compile(counted), other = compile(plain);
    const auto results = program(at), wanted = evaluate(counted, at);
    check_close(results.at("dx"), other(at).at("dx"));
    const auto got = census_of(counted, at, results), want = census_of(counted, at, wanted);
    REQUIRE(got.size() == want.size());
    CHECK(plain.outputs().size() == 1);
    for (size_t i = 0; i < got.size(); ++i) {
      CHECK(got[i].hits == want[i].hits);
      CHECK(got[i].live == want[i].live);
      CHECK(got[i].jumps == 0);
    }
  }
}

TEST_CASE("a subnormal is a hit where subnormals are flushed, and none where they are kept") {
  Graph graph;
  const Value x = graph.input("x", {67});
  graph.output("dx", grad(sum(relu(x)), x, {.census = true}));
  Tensor values(Type::f32, {67});
  for (int64_t i = 0; i < 67; ++i) values.set(i, i % 3 == 0 ? 1e-40 : 1.0);
  const Bindings at{{"x", values}};
  for (const Subnormals subnormals : {Subnormals::Keep, Subnormals::Flush}) {
    if (!FloatMode::supports(subnormals)) continue;
    Program program = compile(graph, {.subnormals = subnormals});
    CHECK(census_of(graph, at, program(at))[0].hits == (subnormals == Subnormals::Keep ? 0 : 23));
  }
}
