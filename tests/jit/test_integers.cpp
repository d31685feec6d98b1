// Integers: interpreter and compiled code wrap around, cut off and start extrema alike, to the bit.
#include <limits>

#include "graph/integers.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/reduction.h"
#include "graph/text.h"
#include "tests/jit/oracle.h"

using namespace crease;
using namespace crease::test;

namespace {

constexpr int64_t least = std::numeric_limits<int64_t>::lowest(), most = std::numeric_limits<int64_t>::max();

/// The one operation "y = %1" over input x of some type.
Graph of(const std::string& type, const std::string& shape, const std::string& line) {
  return parse("input %0 x: " + type + "[" + shape + "]\n%1: " + line + "\noutput y = %1\n");
}

}  // namespace

TEST_CASE(
    "sums and products of integers wrap around, and differences in a body do not before they are stored") {
  const Tensor i32 = Tensor::i32({4}, {2147483647, -2147483647 - 1, 65536, 3});
  const Tensor i64 = Tensor::i64({4}, {most, least, (int64_t{1} << 53) + 1, 3});
  Tensor u8(Type::u8, {4});
  for (int64_t i = 0; i < 4; ++i) u8.set(i, 80.0 * static_cast<double>(i) + 3);
  for (const Tensor& x : {i32, i64, u8}) {
    Graph graph;
    const Value value = graph.input("x", {4}, x.type());
    graph.output("sum", sum(value));
    graph.output("product", product(value));
    graph.output("twice", value + value);
    graph.output("square", value * value);
    graph.output("opposite", -value);
    graph.output("plus", value * 3.0 + 1.0);
    check_both(graph, {{"x", x}});
  }
  const Tensor twice =
      evaluate(parse("input %0 x: i64[4]\n%1: i64[4] = add(%0, %0)\noutput y = %1\n"), {{"x", i64}}).at("y");
  CHECK(integer_at(twice, 0) == -2);
  CHECK(integer_at(twice, 1) == 0);
  CHECK(integer_at(twice, 2) == (int64_t{1} << 54) + 2);
  const Graph compared =
      of("u8", "4", "u8[4] = c loop \"d0 -> d0\" assign {select(less(x0 - 100, 0), 1, 2)}(%0)");
  check_both(compared, {{"x", u8}});
  CHECK(evaluate(compared, {{"x", u8}}).at("y").at(0) == 1);
}

TEST_CASE(
    "numbers that no integer type holds are cut off towards 0, at the limits of i64, then wrapped; NaN is "
    "0") {
  const double inf = std::numeric_limits<double>::infinity();
  const Tensor x = Tensor::f64({8}, {std::nan(""), inf, -inf, 3e9, -3e9, 300.9, -0.5, 1e300});
  for (const std::string type : {"i64", "i32", "u8", "bool"}) {
    CAPTURE(type);
    const Graph graph = of("f64", "8", type + "[8] = cast loop \"d0 -> d0\" assign {x0}(%0)");
    check_both(graph, {{"x", x}});
    check_program(graph, {{"x", x}}, {.vector_bits = 128});
  }
  const Tensor cut =
      evaluate(of("f64", "8", "i32[8] = cast loop \"d0 -> d0\" assign {x0}(%0)"), {{"x", x}}).at("y");
  const std::vector<double> want{0, -1, 0, -1294967296, 1294967296, 300, 0, -1};
  for (int64_t i = 0; i < 8; ++i) CHECK(cut.at(i) == want[static_cast<size_t>(i)]);
}

TEST_CASE("the extremum of no integers is the limit of their type") {
  for (const Type type : {Type::i64, Type::i32, Type::u8, Type::boolean}) {
    CAPTURE(to_string(type));
    Graph graph;
    const Value x = graph.input("x", {"batch", 3}, type);
    graph.output("max", reduce_max(x, {0}));
    graph.output("min", reduce_min(x, {0}));
    for (const int64_t batch : {0, 1, 5}) check_both(graph, {{"x", integers(type, {batch, 3}, 0, 1, 7)}});
    const auto none = evaluate(graph, {{"x", Tensor(type, {0, 3})}});
    CHECK(integer_at(none.at("max"), 0) == lowest_of(type));
    CHECK(integer_at(none.at("min"), 2) == highest_of(type));
  }
}

TEST_CASE("an extremum over one point alone is at position 0") {
  const Graph graph = of("f32", "4", "i64[4] = a loop \"d0 -> d0\" argmax {x0}(%0)");
  check_both(graph, {{"x", dyadic(Type::f32, {4}, 3)}});
}

TEST_CASE("constants of 64 bits keep all of them") {
  Graph graph;
  const Value x = graph.input("x", {3}, Type::i64);
  graph.output("y", x + graph.constant(Tensor::i64({}, {(int64_t{1} << 60) + 1})));
  const Tensor y = compile(graph)({{"x", Tensor(Type::i64, {3})}}).at("y");
  CHECK(integer_at(y, 2) == (int64_t{1} << 60) + 1);
}

TEST_CASE("truth values are stored as such, in the interpreter and compiled") {
  Graph graph;
  const Value x = graph.input("x", {2}, Type::boolean);
  graph.output("both", x + x);
  graph.output("negated", -x);
  Tensor truth(Type::boolean, {2});
  truth.set(0, 1);
  for (const auto& [name, value] : evaluate(graph, {{"x", truth}})) {
    CHECK(value.at(0) == 1);
    CHECK(value.at(1) == 0);
  }
  check_both(graph, {{"x", truth}});
}
