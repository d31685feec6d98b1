#include <doctest/doctest.h>

#include "autodiff/directional.h"
#include "autodiff/ties.h"
#include "graph/evaluate.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/reduction.h"

using namespace crease;

namespace {

/// Slope of `op` at one point under a table.
double slope_at(const Op& op, double at, const TieTable& table) {
  Graph g;
  const Value x = g.input("x", {1}, Type::f64);
  return evaluate(grad(sum(op(x)), x, {.table = table}), {{"x", Tensor::f64({1}, {at})}}).item();
}

}  // namespace

TEST_CASE("tables give the slopes of other systems") {
  struct Row {
    TieTable table;
    double relu, leaky, abs, clip_low, clip_high, relu6_high, hard_tanh_high, hard_sigmoid_high;
  };
  for (const Row& row :
       {Row{ties::pytorch(), 0, 0.25, 0, 1, 1, 0, 0, 0}, Row{ties::jax(), 0, 1, 1, 0.5, 0.5, 0, 1, 0},
        Row{ties::tensorflow(), 0, 0.25, 0, 1, 1, 0, 1, 0},
        Row{ties::tinygrad(), 0, 1, 0, 1, 1, 1, 1, 1.0 / 6}, Row{ties::mlx(), 0, 1, 0, 0, 0, 0, 0, 0}}) {
    CHECK(slope_at(relu, 0, row.table) == row.relu);
    CHECK(slope_at(leaky_relu(0.25), 0, row.table) == row.leaky);
    CHECK(slope_at(abs_op, 0, row.table) == row.abs);
    CHECK(slope_at(clip(-1, 1), -1, row.table) == row.clip_low);
    CHECK(slope_at(clip(-1, 1), 1, row.table) == row.clip_high);
    CHECK(slope_at(clip(-1, 1), 0, row.table) == 1);
    CHECK(slope_at(clip(-1, 1), 2, row.table) == 0);
    CHECK(slope_at(relu6, 6, row.table) == row.relu6_high);
    CHECK(slope_at(hard_tanh, 1, row.table) == row.hard_tanh_high);
    CHECK(slope_at(hard_sigmoid, 3, row.table) == row.hard_sigmoid_high);
  }
}

TEST_CASE("pooling windows in a row give the first of tied elements, as in two dimensions") {
  const auto first_of_window = [](const TieTable& table) {
    Graph g;
    const Value x = g.input("x", {1, 1, 3}, Type::f64);
    const Value slopes = grad(sum(max_pool1d(x, {.window = {3}})), x, {.table = table});
    return evaluate(slopes, {{"x", Tensor::f64({1, 1, 3}, {1, 1, 1})}}).at(0);
  };
  CHECK(first_of_window(ties::pytorch()) == 1);
  CHECK(first_of_window(ties::jax()) == 1);
  CHECK(first_of_window(ties::tensorflow()) == 1);
  CHECK(first_of_window(ties::tinygrad()) == doctest::Approx(1.0 / 3));
}

TEST_CASE("the steepest slope is the greater in magnitude, the right one if equal") {
  CHECK(slope_at(leaky_relu(-3), 0, {.otherwise = KinkRule::steepest()}) == -3);
  CHECK(slope_at(leaky_relu(0.5), 0, {.otherwise = KinkRule::steepest()}) == 1);
  CHECK(slope_at(abs_op, 0, {.otherwise = KinkRule::steepest()}) == 1);
}

TEST_CASE("a node's Tie and the call's go before the call's table, and that before the graph's Tie") {
  Graph g;
  const Value x = g.input("x", {1}, Type::f64);
  const Value free = abs(x), fixed = abs(x);
  g.set_tie(fixed, Tie::left);
  g.set_tie(Tie::left);
  const TieTable right{.by_operation = {{"abs", Tie::right}}};
  const Bindings zero{{"x", Tensor::f64({1}, {0})}};
  CHECK(evaluate(grad(sum(free), x), zero).item() == -1);
  CHECK(evaluate(grad(sum(free), x, {.table = right}), zero).item() == 1);
  CHECK(evaluate(grad(sum(free), x, {.tie = Tie::mid, .table = right}), zero).item() == 0);
  CHECK(evaluate(grad(sum(fixed), x, {.table = right}), zero).item() == -1);
}

TEST_CASE("forward mode selects by the same table") {
  Graph g;
  const Value x = g.input("x", {1}, Type::f64), d = g.constant(Tensor::f64({1}, {2}));
  const Value y = abs(x);
  const std::vector<Value> tangent = linear_jvp({&y, 1}, {&x, 1}, {&d, 1}, {.table = ties::jax()});
  CHECK(evaluate(tangent[0], {{"x", Tensor::f64({1}, {0})}}).item() == 2);
}
