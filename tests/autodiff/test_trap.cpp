#include "autodiff/trap.h"

#include <doctest/doctest.h>

#include "autodiff/directional.h"
#include "autodiff/reverse.h"
#include "graph/error.h"
#include "graph/evaluate.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/reduction.h"
#include "graph/text.h"

using namespace crease;

namespace {

Tensor numbers(std::vector<int64_t> sizes, std::vector<double> values) {
  Tensor tensor(Type::f32, std::move(sizes));
  for (size_t i = 0; i < values.size(); ++i) tensor.set(static_cast<int64_t>(i), values[i]);
  return tensor;
}

template <class F>
std::string message_of(const F& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a trap springs at the kink, and names node, line and the first element") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 3});
  const Value y = relu(x);
  graph.set_name(y, "hidden");
  graph.output("dx", grad(sum(y * 2.0), x, {.tie = Tie::trap}));
  const auto run = [&](const std::vector<double>& values) {
    return evaluate(graph, {{"x", numbers({2, 3}, values)}}).at("dx");
  };
  CHECK(run({1, -1, 2, 3, 4, -5}).at(0) == 2);
  CHECK(run({1, -1, 2, 3, 4, -5}).at(1) == 0);
  const std::string message = message_of([&] { run({1, -1, 2, 3, 0, 0}); });
  CHECK(has(message, "[trap] relu has no derivative at element [1, 1], where its operand is 0: "));
  CHECK(has(message, "Tie::trap selects none (node %"));
  CHECK(has(message, "; select one by set_tie(value, Tie::left) or grad(..., {.tie = Tie::left}), or move "));
  CHECK(has(message, " 'hidden', "));
  CHECK(has(message, "test_trap.cpp:"));
  CHECK(has(message_of([&] { run({0, -1, 2, 3, 0, 0}); }), "element [0, 0]"));
}

TEST_CASE("a trap on one node leaves others alone") {
  Graph graph;
  const Value x = graph.input("x", {2});
  const Value trapped = relu(x), free = abs_op(x - 1.0);
  graph.set_tie(trapped, Tie::trap);
  graph.output("dx", grad(sum(trapped + free), x));
  CHECK(evaluate(graph, {{"x", numbers({2}, {1, 2})}}).at("dx").at(0) ==
        0);  // 1 - 1: abs is left at its kink
  CHECK(has(message_of([&] { evaluate(graph, {{"x", numbers({2}, {1, 0})}}); }), "relu"));
}

TEST_CASE("ties of arguments spring traps: two numbers, a maximum over an axis") {
  Graph graph;
  const Value x = graph.input("x", {2, 3}), y = graph.input("y", {2, 3});
  graph.output("pair", grad(sum(maximum(x, y)), x, {.tie = Tie::trap}));
  const Tensor a = numbers({2, 3}, {1, 2, 3, 4, 5, 6}), b = numbers({2, 3}, {0, 3, 2, 9, 5, 1});
  CHECK(has(message_of([&] { evaluate(graph, {{"x", a}, {"y", b}}); }),
            "element [1, 1], where its operands are 5, 5:"));
  Graph pool;
  const Value z = pool.input("z", {2, 3});
  pool.output("dz", grad(sum(reduce_max(z, {1})), z, {.tie = Tie::trap}));
  CHECK(evaluate(pool, {{"z", a}}).at("dz").at(2) == 1);
  CHECK(has(message_of([&] { evaluate(pool, {{"z", numbers({2, 3}, {1, 2, 3, 7, 1, 7})}}); }),
            "reduce_max has no derivative at element [1], where its operand is 7:"));
}

TEST_CASE("smooth operations and points beside the kink are free, NaN in front of a kink is not") {
  Graph graph;
  const Value x = graph.input("x", {2});
  const int before = graph.size();
  grad(sum(tanh_op(x)), x, {.tie = Tie::trap});
  CHECK(!has(to_string(graph), "trap"));
  CHECK(graph.size() > before);
  graph.output("dx", grad(sum(relu(x)), x, {.tie = Tie::trap}));
  CHECK(evaluate(graph, {{"x", numbers({2}, {-1e-40, 1e-40})}}).at("dx").at(1) == 1);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(has(message_of([&] { evaluate(graph, {{"x", numbers({2}, {1, nan})}}); }),
            "element [1], where its operand is nan:"));
  Graph pool;
  const Value z = pool.input("z", {3});
  pool.output("dz", grad(reduce_max(z, {0}), z, {.tie = Tie::trap}));
  CHECK(has(message_of([&] { evaluate(pool, {{"z", numbers({3}, {1, nan, 2})}}); }), "operand is nan:"));
}

TEST_CASE("forward mode with selected slopes traps too, and text keeps traps") {
  Graph graph;
  const Value x = graph.input("x", {2}), d = graph.input("d", {2});
  const Value y = relu(x);
  graph.output("t", linear_jvp(std::vector{y}, std::vector{x}, std::vector{d}, {.tie = Tie::trap})[0]);
  const Bindings hit{{"x", numbers({2}, {1, 0})}, {"d", numbers({2}, {1, 1})}};
  CHECK(has(message_of([&] { evaluate(graph, hit); }), "element [1]"));
  const Graph again = parse(to_string(graph));
  CHECK(has(message_of([&] { evaluate(again, hit); }), "[trap] relu has no derivative at element [1]"));
}

TEST_CASE("a trap springs where the comparison of its node is even in f32") {
  Graph graph;
  const Value x = graph.input("x", {3});
  graph.output("dx", grad(sum(clip(-0.1, 0.1)(x)), x, {.tie = Tie::trap}));
  CHECK(has(message_of([&] { evaluate(graph, {{"x", numbers({3}, {0, 1, 0.1F})}}); }),
            "[trap] clip has no derivative at element [2]"));
  CHECK(evaluate(graph, {{"x", numbers({3}, {0, 1, 0.125})}}).at("dx").at(0) == 1);
}
