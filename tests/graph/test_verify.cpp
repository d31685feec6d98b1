#include "graph/verify.h"

#include <doctest/doctest.h>

#include <functional>
#include <memory>

#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/lookup.h"
#include "graph/ops/order.h"
#include "graph/ops/reduction.h"

using namespace crease;

namespace {

/// The problems of a graph whose relu node was changed.
std::vector<std::string> problems_after(const std::function<void(Node&)>& change) {
  Graph graph;
  const Value x = graph.input("x", {"batch", 3});
  Node node = relu(x).node();
  change(node);
  graph.copy(node, std::vector<Value>(node.operands.size(), x));
  return problems(graph);
}

void change_op(Node& node, const std::function<void(Op&)>& change) {
  auto op = std::make_shared<Op>(*node.op);
  change(*op);
  node.op = op;
}

bool mentions(const std::vector<std::string>& found, std::string_view part) {
  for (const std::string& problem : found)
    if (problem.find(part) != std::string::npos) return true;
  return false;
}

std::string bug(const Graph& before, const Rewrite& after) {
  try {
    verify_pass(before, after, "test pass");
  } catch (const Bug& error) {
    return error.what();
  }
  return "no bug";
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

Graph kinked(std::optional<Tie> tie) {
  Graph graph;
  const Value y = relu(graph.input("x", {3}));
  if (tie) graph.set_tie(y, *tie);
  graph.output("y", y);
  return graph;
}

}  // namespace

TEST_CASE("graphs made by the operations are sound") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 3});
  const Value w = graph.parameter("w", Tensor(Type::f32, {3, 2}));
  const Value loss = mean(relu(matmul(x, w)));
  graph.output("loss", loss);
  graph.update(w, w * 2);
  graph.random({4}, graph.input("counter", {}, Type::i64), 1);
  CHECK(problems(graph).empty());
  CHECK_NOTHROW(verify(graph));
}

TEST_CASE("each broken invariant is found, with node and source line") {
  const auto found = problems_after([](Node& node) { node.loops.write.pop_back(); });
  REQUIRE(found.size() == 2);
  CHECK(contains(found[0], "[relu] the access of the result has 1 dimensions, its shape is [batch, 3]"));
  CHECK(contains(found[0], "(node %2 (test_verify.cpp:"));
  CHECK(contains(found[1], "assigns one element at all 3 points of loop 'd1'"));
}

TEST_CASE("broken loops are found") {
  const auto with = [](auto change) { return problems_after([&](Node& node) { change(node.loops); }); };
  CHECK(mentions(with([](Loops& l) { l.reads.clear(); }), "1 operands, but accesses for 0"));
  CHECK(mentions(with([](Loops& l) { l.labels[1].name = "d0"; }), "label 'd0' stands for two loops"));
  CHECK(mentions(with([](Loops& l) { l.labels[1].name = "1 d"; }), "label '1 d' is not a name"));
  CHECK(
      mentions(with([](Loops& l) { l.labels[0].extent = Dim(4); }), "loop 'd0' runs to 4, but dimension 0"));
  CHECK(mentions(with([](Loops& l) { l.labels[0].extent = Dim("time"); }), "dimension 'time' of its loops"));
  CHECK(mentions(with([](Loops& l) { l.write[0].terms[0].label = 7; }), "uses loop 7 of 2"));
  CHECK(mentions(with([](Loops& l) { l.write[0].terms[0].coefficient = 0; }), "a term with coefficient 0"));
  CHECK(mentions(with([](Loops& l) { l.write[0].terms = {{1, 1}, {0, 1}}; }), "are not in order"));
  CHECK(mentions(with([](Loops& l) { l.reads[0][0] = {.lookup = 3}; }), "looked up by operand 3 of 1"));
  CHECK(mentions(with([](Loops& l) { l.reads[0][0] = {.lookup = 0}; }),
                 "operand 0, which is f32: want integers"));
  CHECK(mentions(with([](Loops& l) { l.reads[0][0] = {.lookup = 0}; }), "looked up and looks up itself"));
  CHECK(mentions(with([](Loops& l) { l.reads[0][0] = {.terms = {{0, 1}}, .lookup = 0}; }), "mixes a lookup"));
}

TEST_CASE("broken shapes, bodies and types are found") {
  CHECK(mentions(problems_after([](Node& n) { n.shape[0] = Dim("time"); }), "dimension 'time' of its shape"));
  CHECK(mentions(problems_after([](Node& n) { n.op = nullptr; }), "has no operation"));
  const auto with = [](auto change) { return problems_after([&](Node& node) { change_op(node, change); }); };
  CHECK(mentions(with([](Op& op) { op.body = Body(2, Scalar::argument(1)); }), "wants 2 operands, got 1"));
  CHECK(mentions(with([](Op& op) { op.body = Body(1, Scalar::index(2)); }), "uses loop 2 of 2"));
  CHECK(mentions(with([](Op& op) { op.body = Body(1, Scalar::size("time")); }),
                 "dimension 'time' of the body"));
  CHECK(mentions(with([](Op& op) { op.type = ResultType::Boolean; }), "truth values as f32: want bool"));
  CHECK(mentions(with([](Op& op) { op.combine = Combine::ArgMax; }), "positions as f32: want i64"));
}

TEST_CASE("broken leaves are found") {
  Graph graph;
  const Value counter = graph.input("counter", {}, Type::i64), x = graph.input("x", {2});
  Node random = graph.random({4}, counter, 1).node();
  random.type = Type::i32;
  graph.copy(random, {x});
  Node constant = graph.constant(1.0).node();
  constant.shape = {"batch"};
  graph.copy(constant, {});
  constant.shape = {2};
  graph.copy(constant, {});
  const auto found = problems(graph);
  CHECK(mentions(found, "random numbers are i32"));
  CHECK(mentions(found, "the counter is f32[2]: want one i64"));
  CHECK(mentions(found, "a constant has a named dimension in [batch]"));
  CHECK(mentions(found, "holds a tensor f32[], declared f32[2]"));
  CHECK(mentions(found, "dimension 'batch' of its shape [batch] is bound by no input"));
}

TEST_CASE("verify lists all problems at once") {
  Graph graph;
  const Value x = graph.input("x", {3});
  Node node = relu(x).node();
  node.loops.labels[0].name = "";
  node.shape = {3, 3};
  graph.copy(node, {x});
  try {
    verify(graph);
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    CHECK(contains(error.what(), "the graph is not sound, 2 problems:\n  [relu] label '' is not a name"));
    CHECK(
        contains(error.what(), "\n  [relu] the access of the result has 1 dimensions, its shape is [3, 3]"));
  }
}

TEST_CASE("a pass that changes nothing is accepted") {
  const Graph before = kinked(Tie::right);
  CHECK(bug(before, {before, {0, 1}}) == "no bug");
}

TEST_CASE("a pass that drops or changes a tie is refused") {
  CHECK(contains(bug(kinked(Tie::right), {kinked({}), {0, 1}}),
                 "[test pass] kinked node %1 (test_verify.cpp:"));
  CHECK(contains(bug(kinked(Tie::right), {kinked({}), {0, 1}}), "had tie right and became node %1"));
  CHECK(contains(bug(kinked(Tie::right), {kinked(Tie::left), {0, 1}}), "with tie left"));
  CHECK(contains(bug(kinked({}), {kinked(Tie::left), {0, 1}}), "had no tie and became"));
}

TEST_CASE("a pass that drops the tie of the graph is refused") {
  Graph before = kinked({});
  before.set_tie(Tie::mid);
  CHECK(contains(bug(before, {kinked({}), {0, 1}}), "the graph had tie mid and has no tie"));
}

TEST_CASE("a pass that drops the rule of an order or of a norm is refused") {
  Graph before, after;
  const Value y = kth_smallest(before.input("x", {3}), 1);
  after.input("x", {3});
  for (NodeId id = 1; id < before.size(); ++id) {
    Node node = before.node(id);
    change_op(node, [](Op& op) { op.attributes.clear(); });
    std::vector<Value> operands;
    for (const NodeId operand : node.operands) operands.push_back(after.value(operand));
    after.copy(node, operands);
  }
  CHECK(contains(bug(before, {after, {0, 1, 2}}), "changed its order or its slope at 0"));
  CHECK(bug(before, {before, {0, 1, 2}}) == "no bug");
  CHECK(y.id() == 2);
}

TEST_CASE("a tie of a smooth node may go") {
  Graph before, after;
  const Value y = exp(before.input("x", {3}));
  before.set_tie(y, Tie::right);
  exp(after.input("x", {3}));
  CHECK(bug(before, {after, {0, 1}}) == "no bug");
}

TEST_CASE("a pass that loses results or maps them wrongly is refused") {
  const Graph before = kinked({});
  Graph none = before, renamed = before, moved = before;
  none.clear_outputs();
  CHECK(contains(bug(before, {none, {0, 1}}), "1 outputs and 0 updates became 0 and 0"));
  renamed.clear_outputs();
  renamed.output("z", renamed.value(1));
  CHECK(contains(bug(before, {renamed, {0, 1}}), "output 'y', node %1"));
  CHECK(contains(bug(before, {before, {0, 0}}), "output 'y'"));
  CHECK(contains(bug(before, {before, {0, -1}}), "output 'y'"));
  CHECK(contains(bug(before, {before, {0, 2}}), "went to %2 of a graph with 2 nodes"));
  CHECK(contains(bug(before, {before, {0}}), "maps 1 nodes of a graph with 2"));
}

TEST_CASE("a pass that changes a shape or a type is refused") {
  const Graph before = kinked({});
  Graph other;
  relu(other.input("x", {4}));
  CHECK(contains(bug(before, {other, {0, -1}}), "was f32[3] and became f32[4]"));
}

TEST_CASE("a pass that loses an update is refused") {
  Graph before;
  const Value p = before.parameter("p", Tensor(Type::f32, {2}));
  before.update(p, p * 2);
  Graph after = before;
  after.clear_outputs();
  after.update(after.value(0), after.value(0));
  CHECK(contains(bug(before, {after, {0, 1}}), "the update of %0 'p'"));
}
