#include <doctest/doctest.h>

#include "graph/error.h"
#include "graph/evaluate.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/leaf.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"
#include "graph/rewrite/fold.h"
#include "graph/rewrite/rewrite.h"
#include "graph/rewrite/share.h"
#include "graph/rewrite/tidy.h"
#include "graph/text.h"
#include "graph/verify.h"

using namespace crease;

namespace {

Graph checked(const Graph& before, const Rewrite& result) {
  CHECK_NOTHROW(verify_pass(before, result, "pass"));
  CHECK_NOTHROW(verify(result.graph));
  CHECK(result.graph.size() <= before.size());
  return result.graph;
}

}  // namespace

TEST_CASE("share merges equal computations, whatever their operations are called") {
  const Op other{.name = "ramp", .doc = "relu by another name.", .body = [](Scalar x) { return max(x, 0); }};
  Graph graph;
  const Value x = graph.input("x", {3});
  graph.output("y", relu(x * 2) + other(x * 2));
  const Graph after = checked(graph, share(graph));
  CHECK(after.size() == 4);
  CHECK(after.result("y").node().operands == std::vector<NodeId>{2, 2});
}

TEST_CASE("share keeps kinked nodes with different ties apart") {
  Graph graph;
  const Value x = graph.input("x", {3});
  const Value a = relu(x), b = relu(x), c = relu(x);
  graph.set_tie(b, Tie::right);
  graph.set_tie(c, Tie::left);  // not the same as no tie: a grad call may bring another
  graph.output("y", a + b + c);
  CHECK(checked(graph, share(graph)).size() == graph.size());
}

TEST_CASE("share merges constants by bits and random leaves by seed and counter") {
  Graph graph;
  const Value counter = graph.input("counter", {}, Type::i64);
  const Value a = graph.random({4}, counter, 1), b = graph.random({4}, counter, 1),
              c = graph.random({4}, counter, 2);
  graph.output("random", a + b + c);
  graph.output("zero", graph.constant(0.0) + graph.constant(0.0));
  graph.output("negative", graph.constant(0.0) + graph.constant(-0.0));
  const Graph after = checked(graph, share(graph));
  CHECK(after.size() == graph.size() - 3);
}

TEST_CASE("share does not merge what differs in loops, type or constants") {
  Graph graph;
  const Value x = graph.input("x", {3, 3});
  graph.output("y", sum(x, {0}) + sum(x, {1}) + sum(transpose(x), {0}));
  graph.output("a", graph.constant(1.0));
  graph.output("b", graph.constant(1.0, Type::f64));
  graph.output("i", iota(graph, {3}, 0) + iota(graph, {3}, 0));
  CHECK(checked(graph, share(graph)).size() == graph.size() - 1);
}

TEST_CASE("share gives a name to the node that stays") {
  Graph graph;
  const Value x = graph.input("x", {3});
  const Value a = relu(x), b = relu(x);
  graph.set_name(b, "named");
  graph.output("y", a + b);
  CHECK(share(graph).graph.node(1).name == "named");
}

TEST_CASE("fold computes what reads only constants") {
  Graph graph;
  const Value x = graph.input("x", {2});
  const Value c = relu(graph.constant(Tensor::f32({2}, {-1, 2})) * 3 + 1);
  graph.output("y", x + c);
  const Graph after = checked(graph, fold(graph));
  CHECK(after.size() == 3);
  CHECK(after.node(1).value == Tensor::f32({2}, {0, 7}));
  CHECK(to_string(after.node(1).where).starts_with("test_share_fold.cpp"));
}

TEST_CASE("fold leaves parameters, random leaves, named dimensions and large results alone") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  const Value p = graph.parameter("p", Tensor(Type::f32, {2}));
  const Value one = graph.constant(1.0);
  graph.output("p", p + one);
  graph.output("random", graph.random({2}, graph.constant(Tensor::scalar(Type::i64, 0)), 1));
  graph.output("named", x + broadcast_to(one, {"batch", 2}));
  graph.output("large", broadcast_to(one, {2000}));
  CHECK(checked(graph, fold(graph)).size() == graph.size());
}

TEST_CASE("fold does not compute for long") {
  Graph graph;
  const Value a = graph.constant(Tensor(Type::f32, {128, 128}));
  graph.output("long", matmul(a, a));
  graph.output("short", matmul(a, graph.constant(Tensor(Type::f32, {128, 2}))));
  const Graph after = checked(graph, fold(graph));
  CHECK(after.result("long").node().role == Role::Apply);
  CHECK(after.result("short").node().role == Role::Constant);
}

TEST_CASE("tidy does all passes and maps nodes through them") {
  Graph graph;
  const Value x = graph.input("x", {3});
  const Value two = graph.constant(1.0) + graph.constant(1.0);
  const Value y = relu(x * two) + relu(x * 2.0) + (graph.constant(0.0) - graph.constant(0.0));
  graph.output("y", y);
  const Rewrite result = tidy(graph, Derivatives::Settled);
  CHECK(checked(graph, result).size() == 4);
  CHECK(result.new_id[static_cast<size_t>(y.id())] == result.graph.result("y").id());
}

TEST_CASE("fold does small computed leaves") {
  Graph graph;
  graph.output("y", iota(graph, {4}, 0, Type::i64));
  CHECK(checked(graph, fold(graph)).result("y").node().value == Tensor::i64({4}, {0, 1, 2, 3}));
}

TEST_CASE("remove_dead keeps what outputs and updates need, inputs and parameters") {
  Graph graph;
  const Value x = graph.input("x", {3}), unused = graph.input("unused", {1});
  const Value p = graph.parameter("p", Tensor(Type::f32, {3}));
  exp(x);
  const Value kept = relu(x);
  graph.output("y", kept);
  graph.update(p, p - kept);
  const Rewrite result = remove_dead(graph);
  CHECK(checked(graph, result).size() == graph.size() - 1);
  CHECK(result.new_id[3] == -1);
  CHECK(result.new_id[4] == 3);
}

TEST_CASE("two passes in a row map nodes through both") {
  Graph graph;
  const Value x = graph.input("x", {3});
  const Value y = relu(x) + relu(x);
  exp(y);
  graph.output("y", y);
  const Rewrite first = remove_dead(graph);
  const Rewrite both = then(first, share(first.graph));
  CHECK(both.new_id == std::vector<NodeId>{0, 1, 1, 2, -1});
  CHECK_NOTHROW(verify_pass(graph, both, "both"));
}

TEST_CASE("an access stays inside only if it does so for every size of named dimensions") {
  const Loops loops{.labels = {{"b", "batch"}, {"i", 3}, {"none", 0}}, .reads = {}, .write = {}};
  const auto inside = [&](AffineIndex index, const Dim& dim) {
    return always_inside({std::move(index)}, loops, {dim});
  };
  CHECK(inside({.terms = {{0, 1}}}, "batch"));
  CHECK_FALSE(inside({.terms = {{0, 1}}}, "time"));
  CHECK_FALSE(inside({.terms = {{0, 1}}}, 1000));
  CHECK_FALSE(inside({.terms = {{0, 1}}, .offset = 1}, "batch"));
  CHECK_FALSE(inside({}, "batch"));
  CHECK(inside({.terms = {{1, 2}}, .offset = 1}, 6));
  CHECK_FALSE(inside({.terms = {{1, 2}}, .offset = 1}, 5));
  CHECK_FALSE(inside({.terms = {{1, -1}}, .offset = 1}, 5));
  CHECK(inside({.terms = {{1, -1}}, .offset = 2}, 3));
  CHECK(inside({.terms = {{2, 7}}}, 1));
  CHECK_FALSE(inside({}, 0));
  CHECK_FALSE(inside({.lookup = 0}, 3));
}

TEST_CASE("an access covers a tensor only if its labels count all elements") {
  const Loops loops{.labels = {{"b", "batch"}, {"i", 3}, {"j", 2}, {"one", 1}}, .reads = {}, .write = {}};
  const Loops empty{.labels = {{"b", "batch"}, {"i", 3}, {"none", 0}}, .reads = {}, .write = {}};
  const auto all = [&](const Access& access, const Shape& shape) { return covers(access, loops, shape); };
  const AffineIndex b{.terms = {{0, 1}}}, i{.terms = {{1, 1}}}, j{.terms = {{2, 1}}};
  CHECK(all({b, i, j}, {"batch", 3, 2}));
  CHECK(all({b, {.terms = {{1, 2}, {2, 1}}}}, {"batch", 6}));
  CHECK(all({b, {.terms = {{1, 1}, {2, 3}, {3, 1}}}}, {"batch", 6}));
  CHECK(all({b, {}, i}, {"batch", 1, 3}));
  CHECK(covers({b, i, {.terms = {{2, 1}}}}, empty, {"batch", 3, 0}));
  CHECK_FALSE(all({i, j}, {3, 2}));  // a batch of none has no point
  CHECK_FALSE(all({b, i}, {"time", 3}));
  CHECK_FALSE(all({b, i}, {"batch", 4}));
  CHECK_FALSE(all({b, {.terms = {{1, 1}}, .offset = 1}}, {"batch", 3}));
  CHECK_FALSE(all({b, {.terms = {{1, 2}}}}, {"batch", 3}));
  CHECK_FALSE(all({b, {.terms = {{1, -1}}, .offset = 2}}, {"batch", 3}));
  CHECK_FALSE(all({b, i, i}, {"batch", 3, 3}));
  CHECK_FALSE(all({b, {.terms = {{1, 3}, {2, 1}}}}, {"batch", 9}));
  CHECK_FALSE(all({b, {}}, {"batch", 2}));
  CHECK_FALSE(all({b, {.lookup = 0}}, {"batch", 3}));
  CHECK_FALSE(covers({b, i}, empty, {"batch", 3}));  // nor have loops over nothing
}
