#include <doctest/doctest.h>

#include "autodiff/reverse.h"
#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/reduction.h"
#include "tests/jit/oracle.h"

using namespace crease;
using namespace crease::test;

TEST_CASE("compiled programs report the kink that the interpreter reports, and run on") {
  for (int64_t n : {1, 7, 16, 67}) {
    Graph graph;
    const Value x = graph.input("x", {"batch", n});
    const Value loss = sum(relu(x) * 2.0);
    graph.output("dx", grad(loss, x, {.tie = Tie::trap}));
    Program program = compile(graph);
    Tensor values = real(Type::f32, {3, n}, 5);
    for (int64_t i = 0; i < values.count(); ++i) values.set(i, values.at(i) == 0 ? 1 : values.at(i));
    CHECK(program({{"x", values}}).at("dx").at(0) == (values.at(0) > 0 ? 2 : 0));
    CHECK(!program.trapped());
    Tensor hit = values;
    hit.set(2 * n + n / 2, 0);
    std::string want;
    try {
      evaluate(graph, {{"x", hit}});
    } catch (const Error& error) {
      want = error.what();
    }
    CHECK(want.find(fmt::format("element [2, {}]", n / 2)) != std::string::npos);
    program.bind({{"x", hit}});
    program.run();
    REQUIRE(program.trapped());
    CHECK(*program.trapped() == want);
    CHECK_THROWS_WITH_AS(program({{"x", hit}}), want.c_str(), Error);
    CHECK_NOTHROW(program({{"x", values}}));
  }
}

TEST_CASE("ties of two numbers and of a maximum over an axis tell their operands when compiled") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 19}), y = graph.input("y", {"batch", 19});
  graph.output("d", grad(sum(maximum(x, y)) + sum(reduce_max(x, {1})), x, {.tie = Tie::trap}));
  Program program = compile(graph);
  Tensor a(Type::f32, {3, 19}), b(Type::f32, {3, 19});
  for (int64_t i = 0; i < a.count(); ++i) a.set(i, static_cast<double>(i));
  const auto message = [&] {
    program.bind({{"x", a}, {"y", b}});
    program.run();
    return program.trapped().value_or("");
  };
  CHECK(message().find("maximum has no derivative at element [0, 0], where its operands are 0, 0:") !=
        std::string::npos);
  b.set(0, -1);
  CHECK(message().empty());
  b.set(40, 40);
  CHECK(message().find("element [2, 2], where its operands are 40, 40:") != std::string::npos);
  b.set(40, 0);
  a.set(20, 37);
  CHECK(message().find("reduce_max has no derivative at element [1], where its operand is 37:") !=
        std::string::npos);
}

TEST_CASE("a program without traps has no trap to read, and a trap survives fusion and updates") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 3});
  const Value w = graph.parameter("w", dyadic(Type::f32, {3, 32}, 1));
  const Value loss = sum(square(relu(matmul(x, w))));
  graph.update(w, w - grad(loss, w, {.tie = Tie::trap}) * 0.1);
  Program program = compile(graph);
  Tensor zero(Type::f32, {4, 3});
  CHECK_THROWS_AS(program({{"x", zero}}), Error);
  check_close(program.parameter("w"), dyadic(Type::f32, {3, 32}, 1));  // the trapped derivative counts as 0
}
