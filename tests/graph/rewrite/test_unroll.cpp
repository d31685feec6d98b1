#include "graph/rewrite/unroll.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "graph/error.h"
#include "graph/evaluate.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/scan.h"

using namespace crease;

namespace {

ScanResult running_maximum(const Value& start, const Value& x, const ScanOptions& options = {}) {
  return scan(
      {start}, {x}, {},
      [](const ScanArguments& now) {
        const Value next = maximum(now.carries[0], now.elements[0]);
        return ScanStep{.carries = {next}, .outputs = {next - now.carries[0]}};
      },
      options);
}

bool has_scan(const Graph& graph) {
  for (NodeId id = 0; id < graph.size(); ++id)
    if (graph.node(id).role == Role::Scan) return true;
  return false;
}

}  // namespace

TEST_CASE("a loop written out gives the same values, forward and in reverse") {
  for (const bool reverse : {false, true}) {
    Graph graph;
    const Value start = graph.input("start", {"n"}), x = graph.input("x", {4, "n"});
    const ScanResult loop = running_maximum(start, x, {.reverse = reverse});
    graph.output("last", loop.carries[0]);
    graph.output("all", loop.outputs[0]);
    const Graph written = unroll(graph).graph;
    CHECK(!has_scan(written));
    const Bindings at{{"start", Tensor::f32({2}, {0, 1})},
                      {"x", Tensor::f32({4, 2}, {1, 0, 3, 5, 2, 2, 7, 5})}};
    CHECK(evaluate(written, at) == evaluate(graph, at));
  }
}

TEST_CASE("nested loops, loops without steps and siblings are written out") {
  Graph graph;
  const Value start = graph.input("start", {}), x = graph.input("x", {2, 3}), none = graph.input("none", {0});
  const ScanResult outer = scan({start}, {x}, {}, [](const ScanArguments& now) {
    const ScanResult row = running_maximum(now.carries[0], now.elements[0]);
    return ScanStep{.carries = row.carries, .outputs = row.outputs};
  });
  const ScanResult empty = running_maximum(start, none);
  graph.output("last", outer.carries[0]);
  graph.output("all", outer.outputs[0]);
  graph.output("same", empty.carries[0]);
  graph.output("nothing", empty.outputs[0]);
  const Graph written = unroll(graph).graph;
  CHECK(!has_scan(written));
  int maxima = 0;
  for (NodeId id = 0; id < written.size(); ++id) {
    const Node& node = written.node(id);
    maxima += node.role == Role::Apply && node.op->name == "maximum" ? 1 : 0;
  }
  CHECK(maxima == 6);  // one for each step, whatever is read of it
  const Bindings at{{"start", Tensor::f32({}, {-1})},
                    {"x", Tensor::f32({2, 3}, {0, 2, 1, 5, 3, 6})},
                    {"none", Tensor::f32({0}, {})}};
  CHECK(evaluate(written, at) == evaluate(graph, at));
}

TEST_CASE("the Tie of a body goes to its nodes") {
  Graph graph;
  const Value start = graph.input("start", {}), x = graph.input("x", {2});
  const ScanResult loop = scan({start}, {x}, {}, [](const ScanArguments& now) {
    const Value next = relu(now.carries[0] + now.elements[0]);
    next.graph().set_tie(next, Tie::right);
    return ScanStep{.carries = {next}};
  });
  graph.output("last", loop.carries[0]);
  const Graph written = unroll(graph).graph;
  int right = 0;
  for (NodeId id = 0; id < written.size(); ++id) right += written.node(id).tie == Tie::right ? 1 : 0;
  CHECK(right == 2);
}

TEST_CASE("a length that is no number is refused by name") {
  Graph graph;
  const Value start = graph.input("start", {"n"}), x = graph.input("x", {"time", "n"});
  graph.output("last", running_maximum(start, x).carries[0]);
  CHECK_THROWS_WITH_AS(unroll(graph), doctest::Contains("[unroll] a loop of length 'time'"), Error);
}
