#include "autodiff/census.h"

#include <doctest/doctest.h>

#include "autodiff/reverse.h"
#include "graph/graph.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/order.h"
#include "graph/ops/reduction.h"

using namespace crease;

namespace {

Tensor numbers(std::vector<int64_t> sizes, const std::vector<double>& values) {
  Tensor tensor(Type::f32, std::move(sizes));
  for (size_t i = 0; i < values.size(); ++i) tensor.set(static_cast<int64_t>(i), values[i]);
  return tensor;
}

std::vector<KinkCounts> count(const Graph& graph, const Bindings& inputs) {
  return census_of(graph, inputs, evaluate(graph, inputs));
}

}  // namespace

TEST_CASE("the census counts what sits on kinks, and what of it the gradient feels") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 4}), w = graph.input("w", {4});
  const Value hidden = relu(x);
  graph.set_name(hidden, "hidden");
  graph.output("dx", grad(sum(hidden * w), x, {.census = true}));
  const auto census = count(
      graph, {{"x", numbers({2, 4}, {0, -1, 0, 2, 0, 1, 1e-40, -1e-40})}, {"w", numbers({4}, {1, 1, 0, 1})}});
  REQUIRE(census.size() == 1);
  CHECK(census[0].node == "hidden");
  CHECK(census[0].operation == "relu");
  CHECK(std::string(census[0].where.file_name()).ends_with("test_census.cpp"));
  CHECK(census[0].elements == 8);
  CHECK(census[0].hits == 3);
  CHECK(census[0].live == 2);  // the third one is multiplied by 0
  CHECK(census[0].ties == 0);
  CHECK(census[0].jumps == 0);
}

TEST_CASE("ties of arguments, of windows and of order statistics are hits and ties") {
  Graph graph;
  const Value x = graph.input("x", {2, 3}), y = graph.input("y", {2, 3});
  const Value pairs = maximum(x, y), windows = reduce_max(x, {1}), middle = kth_smallest(x, 1);
  const Value loss = sum(pairs) + sum(windows) + sum(middle);
  graph.output("dx", grad(loss, x, {.census = true}));
  const Bindings at{{"x", numbers({2, 3}, {1, 1, 0, 5, 5, 5})}, {"y", numbers({2, 3}, {1, 0, 0, 5, 6, 7})}};
  const auto census = count(graph, at);
  REQUIRE(census.size() == 3);
  // y is no variable: then maximum(x, y) is one function of x, with a kink but no tie of what moves.
  CHECK(census[0].hits == 3);
  CHECK(census[0].ties == 0);
  CHECK(census[1].operation == "reduce_max");
  CHECK(census[1].elements == 2);
  CHECK(census[1].hits == 2);
  CHECK(census[1].ties == 2);
  CHECK(census[1].live == 2);
  CHECK(census[2].elements == 2);
  CHECK(census[2].ties == 2);
  Graph both;
  const Value a = both.input("a", {2}), b = both.input("b", {2});
  const auto gradients = grad(sum(maximum(a, b)), std::vector{a, b}, {.census = true});
  both.output("da", gradients[0]);
  const auto tied = count(both, {{"a", numbers({2}, {1, 2})}, {"b", numbers({2}, {1, 3})}});
  REQUIRE(tied.size() == 1);
  CHECK(tied[0].hits == 1);
  CHECK(tied[0].ties == 1);
}

TEST_CASE("jumps are counted where the value jumps and nowhere else") {
  Graph graph;
  const Value x = graph.input("x", {5});
  const Op step{
      .name = "heaviside", .doc = "Jumps at 0.", .body = [](Scalar t) { return select(t > 0, t + 1, t); }};
  const Op whole{.name = "whole", .doc = "Jumps at integers.", .body = [](Scalar t) { return floor(t) + t; }};
  const Value first = step(x), second = whole(x), third = elu(x);
  graph.output("dx", grad(sum(first) + sum(second) + sum(third), x, {.census = true}));
  const auto census = count(graph, {{"x", numbers({5}, {0, 1, 1.5, -2, 0})}});
  REQUIRE(census.size() >= 2);
  CHECK(census[0].jumps == 2);
  CHECK(census[0].hits == 0);
  CHECK(census[1].jumps == 4);
  for (size_t i = 2; i < census.size(); ++i) CHECK(census[i].jumps == 0);
}

TEST_CASE("no live hit at any node: every rule gives the same gradient") {
  Graph graph;
  const Value x = graph.input("x", {4}), w = graph.input("w", {4});
  const Value loss = sum(relu(abs_op(x)) * w);
  std::vector<std::pair<std::string, Tie>> rules{{"l", Tie::left}, {"r", Tie::right}, {"m", Tie::mid}};
  for (const auto& [name, tie] : rules) graph.output(name, grad(loss, x, {.tie = tie}));
  grad(loss, x, {.census = true});
  const auto run = [&](const std::vector<double>& weights) {
    const Bindings at{{"x", numbers({4}, {0, -1, 3, 0})}, {"w", numbers({4}, weights)}};
    const auto results = evaluate(graph, at);
    int64_t live = 0;
    for (const KinkCounts& it : census_of(graph, at, results)) live += it.live;
    bool same = true;
    for (int64_t i = 0; i < 4; ++i)
      same &=
          results.at("l").at(i) == results.at("r").at(i) && results.at("l").at(i) == results.at("m").at(i);
    CHECK((live == 0) == same);
    return live;
  };
  CHECK(run({0, 2, 3, 0}) == 0);
  CHECK(run({0, 2, 3, 1}) > 0);
}

TEST_CASE("smooth graphs have no census, counts add up, and graphs without one read as empty") {
  Graph graph;
  const Value x = graph.input("x", {3});
  graph.output("dx", grad(sum(tanh_op(x)), x, {.census = true}));
  CHECK(graph.outputs().size() == 1);
  CHECK(count(graph, {{"x", numbers({3}, {0, 0, 0})}}).empty());
  std::vector<KinkCounts> total;
  const KinkCounts one{.node = "a",
                       .operation = "relu",
                       .where = {},
                       .elements = 4,
                       .hits = 3,
                       .ties = 2,
                       .jumps = 1,
                       .live = 1};
  add_to(total, {one});
  add_to(total, {one});
  CHECK(total[0].elements == 8);
  CHECK(total[0].hits == 6);
  CHECK(total[0].live == 2);
  CHECK(to_string(total).find("elements") != std::string::npos);
}
