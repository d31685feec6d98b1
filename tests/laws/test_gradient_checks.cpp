// check_gradients over every operation of every family, at kinks and ties, under every rule.
#include <doctest/doctest.h>

#include "autodiff/gradient_check.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/order.h"
#include "graph/ops/reduction.h"
#include "tests/laws/subjects.h"

using namespace crease;
using namespace crease::laws;

namespace {

std::vector<Value> floating_inputs(const Graph& graph) {
  std::vector<Value> values;
  for (const NodeId id : graph.inputs())
    if (is_floating(graph.node(id).type)) values.push_back(graph.value(id));
  return values;
}

/// Derivatives that are infinite or jump at halves have no differences to be held against.
bool is_checkable(const Subject& subject) {
  return subject.name != "divide" && subject.name != "log" && subject.name != "log1p" &&
         subject.name != "sqrt";
}

std::vector<Subject> all_subjects() {
  std::vector<Subject> list = subjects(3);
  list.push_back(
      {"kth_smallest", [](Graph& graph) { return kth_smallest(graph.input("x0", {4, 5}, Type::f64), 2); }});
  list.push_back({"norm2", [](Graph& graph) { return norm2(graph.input("x0", {3, 4}, Type::f64), {1}); }});
  return list;
}

}  // namespace

TEST_CASE("the gradient check accepts every operation at kinks and ties, under every rule") {
  for (const Subject& subject : all_subjects())
    for (const Tie& tie : {Tie::left, Tie::right, Tie::mid, Tie::value(0.25), Tie::min_norm}) {
      Graph graph;
      const Value y = subject.build(graph);
      const std::vector<Value> variables = floating_inputs(graph);
      if (!is_floating(y.type()) || variables.empty() || !is_checkable(subject)) continue;
      CAPTURE(subject.name);
      CAPTURE(to_string(tie));
      CHECK_NOTHROW(check_gradients(sum(y * 0.5), variables, halves(graph),
                                    {.gradient = {.tie = tie}, .directions = 2, .axes = 4}));
    }
}
