#include "graph/draw.h"

#include <doctest/doctest.h>

#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"

using namespace crease;

namespace {

/// x, relu(x), x + relu(x): the edge from x to the sum is implied by the other two.
Graph skip() {
  Graph graph;
  const Value x = graph.input("x", {"batch", 4});
  graph.output("y", x + relu(x));
  return graph;
}

bool has(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a drawing shows nodes, arrows, styles and edge labels") {
  const std::string dot = to_dot(
      skip(),
      {.title = "skip", .nodes = {{1, {.note = "kinked", .fill = "palegreen"}}}, .edges = {{0, "s1"}}});
  CHECK(has(dot, "digraph"));
  CHECK(has(dot, "0[label=\"x: input\\nf32 [batch, 4]\", shape=ellipse]"));
  CHECK(has(
      dot,
      "1[label=\"%1: relu\\nf32 [batch, 4]\\nkinked\", shape=box, style=filled, fillcolor=\"palegreen\"]"));
  CHECK(has(dot, "0->1 [label=\"s1\"]"));
  CHECK(has(dot, "0->2"));
  CHECK(has(dot, "label=\"skip\""));
}

TEST_CASE("transitive reduction leaves out the arrow that others imply") {
  const std::string dot = to_dot(skip(), {.transitive_reduction = true});
  CHECK(has(dot, "0->1"));
  CHECK(has(dot, "1->2"));
  CHECK_FALSE(has(dot, "0->2"));
}

TEST_CASE("weights are drawn on request") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 2});
  graph.output("y", matmul(x, graph.parameter("w", Tensor(Type::f32, {2, 2}))));
  CHECK_FALSE(has(to_dot(graph), "w: parameter"));
  CHECK(has(to_dot(graph, {.weights = true}), "w: parameter"));
}

TEST_CASE("quotes, backslashes and newlines in a label stay inside it") {
  Graph graph = skip();
  const std::string dot = to_dot(graph, {.title = "a\"; b -> c; \\"});
  CHECK(has(dot, "label=\"a\\\"; b -> c; \\\\\""));
}
