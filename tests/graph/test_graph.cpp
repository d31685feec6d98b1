#include "graph/graph.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "graph/error.h"
#include "graph/evaluate.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/lookup.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"
#include "graph/text.h"
#include "graph/verify.h"

using namespace crease;

namespace {

template <class F>
std::string error_of(F action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

TEST_CASE("a shape mismatch shows both shapes, both source lines and the call's line") {
  Graph graph;
  const Value a = graph.input("a", {2, 3}), b = graph.input("b", {4, 3});
  const std::string error = error_of([&] { a + b; });
  CHECK(contains(error, "[add] shapes [2, 3] and [4, 3] do not broadcast"));
  CHECK(contains(error, "(at test_graph.cpp:"));
  CHECK(contains(error, "operand f32[2, 3] = %0 'a' (test_graph.cpp:"));
  CHECK(contains(error, "operand f32[4, 3] = %1 'b' (test_graph.cpp:"));
  CHECK(contains(error_of([&] { matmul(a, b); }), "dimension 'i' has size 3 in operand 0"));
}

TEST_CASE("mixing graphs, using values of no graph and wrong counts are errors") {
  Graph graph, other;
  const Value a = graph.input("a", {2}), b = other.input("b", {2});
  CHECK(contains(error_of([&] { a + b; }), "operands belong to different graphs"));
  CHECK(contains(error_of([&] { a + b; }), "build both in one, and give a scan what its step needs"));
  CHECK(contains(error_of([&] { relu(Value()); }), "belongs to no graph"));
  CHECK(contains(error_of([&] { Value().shape(); }), "belongs to no graph"));
  CHECK(contains(error_of([&] { relu(a, a); }), "[relu] takes 1 operands, got 2"));
  CHECK(contains(error_of([&] { graph.output("y", b); }), "belongs to another graph"));
  CHECK(contains(error_of([&] { graph.update(a, b); }), "belongs to another graph"));
  const Bindings inputs{{"a", Tensor::f32({2}, {1, 2})}};
  CHECK(contains(error_of([&] { evaluate(graph, inputs, {&b, 1}); }), "wanted value is not of this graph"));
  CHECK(contains(error_of([&] { evaluate(Graph(), {}, {&b, 1}); }), "wanted value is not of this graph"));
}

TEST_CASE("integers are not divided, by powers of two neither") {
  Graph graph;
  const Value x = graph.input("x", {1, 1, 4}, Type::i32);
  for (const double divisor : {1.0, 2.0, 3.0})
    CHECK(contains(error_of([&] { x / divisor; }), "[divide_by] wants floating point, got i32 (at test_gra"));
  CHECK(contains(error_of([&] { 2 / x; }), "wants floating-point operands"));
  CHECK(contains(error_of([&] { average_pool1d(x); }), "[average_pool1d] wants floating point, got i32 (at"));
}

TEST_CASE("records that reach for what is not there are refused when they are applied") {
  Graph graph;
  const Value x = graph.input("x", {3}), i = graph.input("i", {3}, Type::i32);
  const auto apply = [&](const char* loops, const Body& body, const Shape& result = {}) {
    const Op op{.name = "reach", .doc = "", .loops = loops, .body = body, .result = result};
    return error_of([&] { op(x, i); });
  };
  const Scalar v = Scalar::argument(0);
  CHECK(contains(apply("@7, b -> b", Body(2, v)), "[reach] operand 0 is looked up by operand 7 of 2 (at "));
  CHECK(contains(apply("b, b -> @2", Body(2, v), {4}), "the result is looked up by operand 2 of 2"));
  CHECK(contains(apply("b, @0 -> b", Body(2, v)), "operand 1 is looked up by operand 0, which is f32"));
  CHECK(contains(apply("b, @1 -> b", Body(2, v)), "operand 1 is looked up and looks up itself"));
  CHECK(contains(apply("b, b -> b", Body(2, Scalar::argument(900'000))),
                 "the body x900000 wants 900001 operands, got 2"));
  CHECK(contains(apply("b, b -> b", Body(2, v + Scalar::index(1))), "the body x0 + i1 uses loop 1 of 1"));
  CHECK(apply("@1, b -> b", Body(2, v)) == "no error");
  CHECK(contains(error_of([] { Scalar::argument(-1); }), "[scalar] argument -1: want 0 or more"));
  CHECK(contains(error_of([] { Scalar::index(-1); }), "[scalar] label -1: want 0 or more"));
}

TEST_CASE("a constant of whole numbers is refused a fraction") {
  Graph graph;
  CHECK(contains(error_of([&] { graph.constant(0.5, Type::i32); }), "[constant] 0.5 is no i32"));
  CHECK(contains(error_of([&] { graph.constant(std::nan(""), Type::i64); }), "[constant] nan is no i64"));
  CHECK(graph.constant(-2, Type::i32).node().value.item() == -2);
  CHECK(graph.constant(0.5, Type::f64).node().value.item() == 0.5);
}

TEST_CASE("names are checked when they are given") {
  Graph graph;
  const Value x = graph.input("x", {2});
  CHECK(contains(error_of([&] { graph.input("x", {3}); }), "the name 'x' is taken by node %0 'x'"));
  CHECK(contains(error_of([&] { graph.parameter("x", Tensor()); }), "the name 'x' is taken"));
  CHECK(contains(error_of([&] { graph.input("a b", {3}); }), "name 'a b' is not allowed"));
  CHECK(contains(error_of([&] { graph.input("a b", {3}); }), "- only (test_graph.cpp:"));
  CHECK(contains(error_of([&] { graph.input("", {3}); }), "name '' is not allowed"));
  graph.output("y", x);
  CHECK(contains(error_of([&] { graph.output("y", x); }), "output 'y' exists already"));
  CHECK(contains(error_of([&] { graph.find("z"); }), "no input or parameter 'z'; there are: x"));
  CHECK(contains(error_of([&] { graph.result("z"); }), "no output 'z'; there are: y"));
  CHECK(contains(error_of([&] { graph.set_name(x, "renamed"); }), "keeps its name"));
  CHECK(graph.size() == 1);
}

TEST_CASE("updates want a parameter and its shape and type, once") {
  Graph graph;
  const Value p = graph.parameter("p", Tensor(Type::f32, {2})), x = graph.input("x", {2});
  CHECK(contains(error_of([&] { graph.update(x, p); }), "is no parameter"));
  CHECK(contains(error_of([&] { graph.update(p, graph.input("wide", {3})); }),
                 "it is f32[2], the new value f32[3]"));
  CHECK(
      contains(error_of([&] { graph.update(p, graph.input("d", {2}, Type::f64)); }), "the new value f64[2]"));
  graph.update(p, x);
  CHECK(contains(error_of([&] { graph.update(p, x); }), "parameter 'p' is updated twice"));
  CHECK(contains(error_of([&] { graph.output("p", x); }),
                 "output 'p' has the name of a parameter that is updated, %0 'p' (test_graph.cpp:"));
  const Value q = graph.parameter("q", Tensor(Type::f32, {2}));
  graph.output("q", q);
  CHECK(contains(error_of([&] { graph.update(q, x); }), "update of 'q': an output has that name, node %"));
  CHECK(contains(error_of([&] { graph.set_parameter("p", Tensor(Type::f32, {3})); }),
                 "parameter 'p' is f32[2], got f32[3]"));
  CHECK(contains(error_of([&] { graph.set_parameter("x", Tensor(Type::f32, {2})); }), "'x' is no parameter"));
}

TEST_CASE("copies are deep, handles of values are not") {
  Graph graph;
  const Value x = graph.input("x", {2});
  Graph copy = graph;
  relu(x);
  CHECK(graph.size() == 2);
  CHECK(copy.size() == 1);
  CHECK(x.graph().size() == 2);
  copy.input("y", {1});
  CHECK(graph.size() == 2);
  Value kept;
  {
    Graph temporary;
    kept = relu(temporary.input("x", {3}));
  }
  CHECK(kept.shape() == Shape{3});
}

TEST_CASE("types: floating wins, integers stay exact, truth values and positions have their own") {
  Graph graph;
  const Value f = graph.input("f", {2}), d = graph.input("d", {2}, Type::f64),
              i = graph.input("i", {2}, Type::i64);
  CHECK((f + i).type() == Type::f32);
  CHECK((f + d).type() == Type::f64);
  CHECK((i + i).type() == Type::i64);
  CHECK((f < d).type() == Type::boolean);
  CHECK(argmax(f).type() == Type::i64);
  CHECK(gather(d, i).type() == Type::f64);
  CHECK(contains(error_of([&] { exp(i); }), "wants floating-point operands"));
  CHECK(contains(error_of([&] { gather(d, f); }), "the index must be an integer, got f32"));
  const int64_t big = (int64_t{1} << 52) - 1;  // the interpreter is exact up to 2^53
  const Tensor sum = evaluate(
      i + i,
      {{"f", Tensor(Type::f32, {2})}, {"d", Tensor(Type::f64, {2})}, {"i", Tensor::i64({2}, {big, 1})}});
  CHECK(sum.read<int64_t>()[0] == 2 * big);
}

TEST_CASE("ancestors and roots are what results need") {
  Graph graph;
  const Value x = graph.input("x", {2}), p = graph.parameter("p", Tensor(Type::f32, {2}));
  const Value dead = exp(x), y = relu(p), z = x + y;
  graph.output("z", z);
  graph.update(p, y);
  CHECK(roots(graph) == std::vector<NodeId>{z.id(), y.id()});
  const std::vector<NodeId> wanted = roots(graph);
  CHECK(ancestors(graph, wanted) == std::vector<NodeId>{x.id(), p.id(), y.id(), z.id()});
  CHECK(dead.id() == 2);
}

TEST_CASE("a node is constant if no input, parameter or random number reaches it") {
  Graph graph;
  const Value c = graph.constant(2.0), x = graph.input("x", {}), p = graph.parameter("p", Tensor());
  const Value counter = graph.constant(Tensor::scalar(Type::i64, 0));
  CHECK(is_constant(graph, exp(c * c + c).id()));
  CHECK_FALSE(is_constant(graph, (c * x).id()));
  CHECK_FALSE(is_constant(graph, relu(p + c).id()));
  CHECK_FALSE(is_constant(graph, graph.random({2}, counter, 1).id()));
  const Graph copied = graph;
  CHECK(is_constant(copied, c.id()));
  CHECK_FALSE(is_constant(copied, x.id()));
}

TEST_CASE("bindings are checked by name, type, rank and size") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 3}), n = graph.input("n", {"batch"}, Type::i32);
  graph.output("y", x);
  graph.output("m", n);
  const Tensor good(Type::f32, {2, 3}), count(Type::i32, {2});
  const auto failure = [&](const Bindings& inputs) { return error_of([&] { evaluate(graph, inputs); }); };
  CHECK(failure({{"x", good}, {"n", count}}) == "no error");
  CHECK(failure({{"x", good}, {"n", Tensor::i64({2}, {-7, 2147483647})}}) == "no error");
  CHECK(contains(failure({{"x", good}, {"n", Tensor::i64({2}, {1, (int64_t{1} << 32) + 1})}}),
                 "input 'n' holds i32, which has no 4294967297: element 1 of the i64 given"));
  CHECK(contains(failure({{"x", good}}), "input 'n' i32[batch] is not bound (declared at test_graph.cpp:"));
  CHECK(contains(failure({{"x", good}, {"n", count}, {"z", good}}), "no input 'z'; the graph has: x, n"));
  CHECK(contains(failure({{"x", Tensor(Type::f32, {2, 4})}, {"n", count}}), "dimension 1 is 4, want 3"));
  CHECK(contains(failure({{"x", Tensor(Type::f32, {2})}, {"n", count}}), "wants shape [batch, 3], got [2]"));
  CHECK(contains(failure({{"x", good}, {"n", Tensor(Type::i32, {5})}}),
                 "dimension 'batch' is 5 in input 'n', but 2"));
  CHECK(
      contains(failure({{"x", Tensor(Type::i32, {2, 3})}, {"n", count}}), "holds f32, got a tensor of i32"));
  CHECK(failure({{"x", Tensor(Type::f64, {2, 3})}, {"n", Tensor(Type::i64, {2})}}) == "no error");
}

TEST_CASE("the interpreter at the edges: empty tensors, infinities, NaN and ties") {
  constexpr float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  Graph graph;
  const Value x = graph.input("x", {"n"});
  const auto value = [&](const Value& y, std::vector<float> data) {
    const auto n = static_cast<int64_t>(data.size());
    return evaluate(y, {{"x", Tensor::f32({n}, data)}});
  };
  CHECK(value(sum(x), {}).item() == 0);
  CHECK(value(product(x), {}).item() == 1);
  CHECK(value(reduce_max(x), {}).item() == -inf);
  CHECK(value(reduce_min(x), {}).item() == inf);
  CHECK(value(relu(x), {}).count() == 0);
  CHECK(std::isnan(value(reduce_max(x), {1, nan, 3}).item()));
  CHECK(std::isnan(value(reduce_min(x), {nan, 1}).item()));
  CHECK(std::isnan(value(mean(x), {}).item()));
  CHECK(value(argmax(x), {2, 5, 5}).item() == 1);
  CHECK(value(argmax(x), {2, nan, 5}).item() == 1);
  CHECK(value(argmax(x), {-inf, -inf}).item() == 0);
  CHECK(value(reduce_max(x), {-inf, -inf}).item() == -inf);
  CHECK(std::isnan(value(relu(x), {nan}).at(0)));
  CHECK(value(sum(x), {1e8F, 1, -1e8F}).item() == 1);
}

TEST_CASE("indices outside a table give zeros") {
  Graph graph;
  const Value table = graph.input("table", {2, 2}), index = graph.input("index", {4}, Type::i32);
  const Bindings inputs{{"table", Tensor::f32({2, 2}, {1, 2, 3, 4})},
                        {"index", Tensor::i32({4}, {1, -1, 2, 0})}};
  CHECK(evaluate(gather(table, index), inputs) == Tensor::f32({4, 2}, {3, 4, 0, 0, 0, 0, 1, 2}));
  CHECK(evaluate(one_hot(index, 2), inputs) == Tensor::f32({4, 2}, {0, 1, 0, 0, 0, 0, 1, 0}));
}

TEST_CASE("random numbers are a function of seed, counter and index alone") {
  Graph graph;
  const Value counter = graph.input("counter", {}, Type::i64);
  const Value a = graph.random({"n"}, counter, 7), b = graph.random({2, 3}, counter, 7);
  graph.input("n", {"n"});
  const auto draw = [&](const Value& v, int64_t c, int64_t n) {
    return evaluate(
        v, {{"counter", Tensor::scalar(Type::i64, static_cast<double>(c))}, {"n", Tensor(Type::f32, {n})}});
  };
  CHECK(draw(a, 3, 6).reshaped({2, 3}) == draw(b, 3, 1));
  CHECK(draw(a, 3, 6) == draw(a, 3, 9).rows(0, 6));
  CHECK_FALSE(draw(a, 3, 6) == draw(a, 4, 6));
  CHECK_FALSE(draw(a, 3, 6) == draw(a, -3, 6));
  double total = 0;
  for (int64_t i = 0; i < 10000; ++i) {
    const float u = philox_uniform(1, 2, i);
    CHECK_UNARY(u >= 0 && u < 1);
    total += static_cast<double>(u);
  }
  CHECK(std::abs(total / 10000 - 0.5) < 5 * std::sqrt(1.0 / 12 / 10000));  // 5 standard errors of the mean
}

TEST_CASE("reshapes and convolutions of nothing are sound, and read back") {
  Graph graph;
  const Value none = graph.input("x", {2, 0, 3});
  graph.output("merged", flatten(none, 0));
  graph.output("split", reshape(flatten(none, 0), {4, 5, 0}));
  const Value image = graph.input("image", {2, 0, 4});
  graph.output("to_none", conv1d(image, graph.input("k", {0, 0, 2})));
  graph.output("from_none", conv1d(image, graph.input("l", {3, 0, 2})));
  graph.output("to_none_again", conv_transpose1d(graph.input("y", {2, 3, 4}), graph.input("m", {3, 0, 2})));
  graph.output("from_none_again", conv_transpose1d(image, graph.input("n", {0, 3, 2})));
  CHECK(problems(graph).empty());
  CHECK(equal(parse(to_string(graph)), graph));
}

TEST_CASE("reshape keeps the order of elements, through any shapes, and refuses the rest") {
  Graph graph;
  const Value x = graph.input("x", {2, 3, 4});
  Tensor data(Type::f32, {2, 3, 4});
  for (int64_t i = 0; i < 24; ++i) data.set(i, static_cast<double>(i));
  for (const Shape& shape :
       {Shape{24}, {4, 3, 2}, {6, 4}, {2, 12}, {1, 2, 1, 3, 4, 1}, {8, 3}, {3, 8}, {2, 2, 2, 3}})
    CHECK(evaluate(reshape(x, shape), {{"x", data}}) == data.reshaped(sizes_of(shape)));
  CHECK(contains(error_of([&] { reshape(x, {5, 5}); }),
                 "[reshape] [5, 5] does not hold the elements of [2, 3, 4]"));
  const Value named = graph.input("named", {"batch", 6});
  CHECK(reshape(named, {"batch", 2, 3}).shape() == Shape{"batch", 2, 3});
  CHECK(reshape(named, {1, "batch", 6, 1}).shape() == Shape{1, "batch", 6, 1});
  CHECK(contains(error_of([&] { reshape(named, {12}); }), "a named dimension must be kept whole"));
  CHECK(contains(error_of([&] { reshape(named, {"time", 6}); }), "a named dimension must be kept whole"));
}

TEST_CASE("reshape of empty tensors and scalars") {
  Graph graph;
  const Value empty = graph.input("empty", {0, 3}), one = graph.input("one", {1, 1});
  CHECK(reshape(empty, {3, 0}).shape() == Shape{3, 0});
  CHECK(reshape(empty, {0}).shape() == Shape{0});
  CHECK(reshape(one, {}).shape() == Shape{});
  CHECK(reshape(reshape(one, {}), {1}).shape() == Shape{1});
  const Value named = graph.input("named", {"batch", 0, 2, "time", 3});
  CHECK(reshape(named, {"batch", 5, 0, 7, "time", 3}).shape() == Shape{"batch", 5, 0, 7, "time", 3});
  CHECK(flatten(graph.input("leading", {"batch", 0, 2})).shape() == Shape{"batch", 0});
  CHECK(contains(error_of([&] { reshape(named, {"batch", 2, "time", 0}); }), "does not hold the elements"));
  CHECK(problems(graph).empty());
  CHECK(equal(parse(to_string(graph)), graph));
}

TEST_CASE("sizes that pass 2^62 on the way are refused, not wrapped around") {
  Graph graph;
  constexpr int64_t large = int64_t{1} << 32, most = int64_t{1} << 62, all = (most - 1) * 2 + 1;
  const Value square = graph.input("square", {large, large}), row = graph.input("row", {1, 1, 8});
  const Value kernel = graph.input("kernel", {1, 1, 3}), wide = graph.input("wide", {1, most, 3});
  CHECK(contains(error_of([&] { flatten(square, 0); }),
                 "[flatten] [4294967296, 4294967296] has more elements than 2^62 (at test_graph.cpp:"));
  CHECK(contains(error_of([&] { reshape(graph.input("x", {most / 2, 16}), {0}); }), "[reshape] ["));
  CHECK(contains(error_of([&] { reshape(row, {large, large, 0}); }), "[reshape] ["));
  CHECK(slice(row, 2, 1, 8, all).shape() == Shape{1, 1, 1});
  const Value long_row = graph.input("long_row", {most});
  CHECK(contains(error_of([&] { concat({long_row, long_row}, 0); }), "[concat] dimension 0 has more"));
  for (const ConvOptions& options : {ConvOptions{.padding = {1}, .dilation = {all}}, {.padding = {most}}})
    CHECK(contains(error_of([&] { conv1d(row, kernel, options); }), "do not fit size 8 (at"));
  for (const ConvTransposeOptions& options :
       {ConvTransposeOptions{.stride = {most}}, {.padding = {all}}, {.dilation = {most}}})
    CHECK(contains(error_of([&] { conv_transpose1d(row, kernel, options); }), "do not fit size 8 (at"));
  const Value nothing = graph.input("nothing", {1, 0, 8}), no_kernel = graph.input("none", {0, 2, 3});
  CHECK(contains(error_of([&] { conv_transpose1d(nothing, no_kernel, {.groups = all}); }),
                 "groups of 2 channels are more than a tensor can hold (at"));
  CHECK(contains(error_of([&] { conv1d(nothing, wide, {.groups = 4}); }), "do not fit 4 groups"));
  const PoolOptions window{.window = {most + 1}, .padding = {most}};
  CHECK(contains(error_of([&] { max_pool1d(row, window); }), "do not fit size 8 (at"));
  const PoolOptions pair{.window = {large, large}, .padding = {large / 2}};
  const Value image = graph.input("image", {1, 1, 8, 8});
  CHECK(average_pool2d(image, pair).shape() == Shape{1, 1, 1, 1});
}

TEST_CASE("an operation that wants a size says which named dimension has none, with the call's line") {
  Graph graph;
  const Value x = graph.input("x", {"n", "t"}), image = graph.input("image", {"n", 2, "h", "w"});
  const Value loose = graph.input("loose", {"n", "c", "h", 4});
  CHECK(contains(error_of([&] { slice(x, 1, 0, 2); }),
                 "[slice] dimension 1 of [n, t] has no size yet: want a number there, not a name (at "
                 "test_graph.cpp:"));
  CHECK(contains(error_of([&] { pad(x, 0, 1, 0); }), "[pad] dimension 0 of [n, t] has no size yet"));
  CHECK(contains(error_of([&] { reverse(x, -1); }), "[reverse] dimension 1 of [n, t] has no size yet"));
  CHECK(contains(error_of([&] { concat({x, x}, 1); }), "[concat] dimension 1 of [n, t] has no size yet"));
  CHECK(contains(error_of([&] { maxout(x, 2); }), "[maxout] dimension 1 of [n, t] has no size yet"));
  CHECK(contains(error_of([&] { flatten(image); }), "[flatten] dimension 2 of [n, 2, h, w] has no size yet"));
  CHECK(contains(error_of([&] { average_pool2d(image); }), "[average_pool2d] dimension 2 of [n, 2, h, w]"));
  const Value kernel = graph.input("kernel", {2, 2, 3, 3});
  for (const Value& input : {image, loose}) {
    CHECK(contains(error_of([&] { conv2d(input, kernel); }), "[conv2d] dimension "));
    CHECK(contains(error_of([&] { conv_transpose2d(input, kernel); }), "[conv_transpose2d] dimension "));
  }
}

TEST_CASE("a graph that was moved away says so, and can be assigned to") {
  Graph graph;
  const Value x = graph.input("x", {2});
  Graph moved = std::move(graph);
  CHECK(moved.find("x").id() == x.id());
  const std::string away = "this graph was moved away: use the one that it was moved to";
  // NOLINTBEGIN(bugprone-use-after-move): what is asked here
  CHECK(error_of([&] { graph.input("y", {2}); }) == away);
  CHECK(error_of([&] { graph.output("y", x); }) == "output 'y': the value belongs to another graph");
  CHECK(error_of([&] { graph.output("y", Value()); }) == away);
  CHECK(error_of([&] { graph.size(); }) == away);
  CHECK(error_of([&] { static_cast<void>(graph.handle()); }) == away);
  CHECK(error_of([&] { const Graph copy(graph); }) == away);
  CHECK(error_of([&] { moved = graph; }) == away);
  CHECK(error_of([&] { evaluate(graph, {}); }) == away);
  CHECK(error_of([&] { static_cast<void>(to_string(graph)); }) == away);
  // NOLINTEND(bugprone-use-after-move)
  graph = moved;
  CHECK(graph.find("x").shape() == Shape{2});
}

TEST_CASE("numbers beside values in max, min, where and comparisons are part of the body") {
  Graph graph;
  const Value x = graph.input("x", {3});
  const Bindings at{{"x", Tensor::f32({3}, {-1, 0, 2})}};
  const auto is = [&](const Value& y, const std::vector<float>& want) {
    return evaluate(y, at).converted(Type::f32) == Tensor::f32({3}, want);
  };
  CHECK(is(max(x, 0), {0, 0, 2}));
  CHECK(is(max(0.5, x), {0.5F, 0.5F, 2}));
  CHECK(is(min(max(x, -0.5), 1), {-0.5F, 0, 1}));
  CHECK(is(min(1, x), {-1, 0, 1}));
  CHECK(is(where(x > 0, log(x), 0), {0, 0, static_cast<float>(std::log(2.0))}));
  CHECK(is(where(x >= 0, 7, x), {-1, 7, 7}));
  CHECK(is(x < 0, {1, 0, 0}));
  CHECK(is(x <= 0, {1, 1, 0}));
  CHECK(is(0 < x, {0, 0, 1}));
  CHECK(is(0 <= x, {0, 1, 1}));
  CHECK(is(0 > x, {1, 0, 0}));
  CHECK(is(0 >= x, {1, 1, 0}));
  CHECK((x < 0).type() == Type::boolean);
  const Value whole = graph.input("whole", {2}, Type::i64);
  CHECK(max(whole, 3).type() == Type::i64);
  CHECK(contains(error_of([&] { max(whole, 0.5); }), "0.5 is no i64, the type of the value beside it"));
  graph.output("y", where(x > 1, min(x, 5), 0));
  CHECK(equal(parse(to_string(graph)), graph));
}

TEST_CASE("where wants truth values for its condition") {
  Graph graph;
  const Value x = graph.input("x", {2}), i = graph.input("i", {2}, Type::i32);
  CHECK(contains(error_of([&] { where(x, x, x); }),
                 "[where] the condition must be bool: got f32, want a comparison (at test_graph.cpp:"));
  CHECK(contains(error_of([&] { where(i, x, 0); }), "[where] the condition must be bool: got i32"));
  CHECK(contains(error_of([&] { where(i, 0, x); }), "[where] the condition must be bool: got i32"));
}

TEST_CASE("truth values other than 0 and 1 are refused wherever they come in") {
  Tensor wrong(Type::boolean, {3});
  wrong.write<uint8_t>()[1] = 2;
  const std::string got = " holds bool: got 2 at element 1, want 0 or 1";
  Graph graph;
  CHECK(error_of([&] { graph.constant(wrong); }) == "a constant" + got);
  CHECK(error_of([&] { graph.parameter("p", wrong); }) == "parameter p" + got);
  graph.parameter("p", Tensor(Type::boolean, {3}));
  CHECK(error_of([&] { graph.set_parameter("p", wrong); }) == "parameter p" + got);
  graph.input("x", {3}, Type::boolean);
  graph.input("bytes", {3}, Type::u8);
  CHECK(error_of([&] { bind(graph, {{"x", wrong}, {"bytes", Tensor(Type::u8, {3})}}); }) == "input x" + got);
  CHECK(error_of([&] { bind(graph, {{"x", Tensor(Type::boolean, {3})}, {"bytes", wrong}}); }) ==
        "input bytes" + got);
}

TEST_CASE("axes and options out of range are errors with the call's line") {
  Graph graph;
  const Value x = graph.input("x", {2, 3});
  CHECK(contains(error_of([&] { sum(x, {2}); }),
                 "[sum] axis 2 of shape [2, 3]: want -2 to 1 (at test_graph.cpp:"));
  CHECK(contains(error_of([&] { sum(x, {0, -2}); }), "axis -2 of [2, 3] is given twice"));
  CHECK(contains(error_of([&] { transpose(x, {0}); }), "order has 1 axes, [2, 3] has 2"));
  CHECK(contains(
      error_of([&] { slice(x, 1, 2, 5); }),
      "[slice] begin 2, end 5, stride 1 of dimension 1 of [2, 3]: want 0 <= begin <= end <= its size"));
  CHECK(contains(error_of([&] { slice(x, 1, 0, 3, 0); }), "[slice]"));
  CHECK(contains(error_of([&] { pad(x, 0, -1, 0); }), "[pad] -1 before"));
  const int64_t half = int64_t{1} << 62;
  CHECK(contains(error_of([&] { pad(x, 0, half, half); }), "more than a tensor can hold"));
  CHECK(contains(error_of([&] { pad(x, 0, half - 1, 0); }), "more than a tensor can hold"));
  CHECK(contains(error_of([&] { broadcast_to(x, {3}); }), "[broadcast_to] [2, 3] does not repeat to [3]"));
  CHECK(contains(error_of([&] { concat({x, graph.input("y", {2, 4})}, 0); }), "differ outside dimension 0"));
  CHECK(contains(error_of([&] { maxout(x, 2); }), "do not split into groups of 2"));
  CHECK(contains(error_of([&] { max_pool2d(x); }), "[max_pool2d] wants [n, c, h, w]"));
  CHECK(contains(error_of([&] { clip(2, 1); }), "[clip] low 2 is above high 1"));
  CHECK(contains(error_of([&] { leaky_relu(std::nan("")); }), "is not finite"));
  CHECK(contains(error_of([&] { conv1d(x, x); }), "[conv1d] wants x and kernel with 3 dimensions"));
  CHECK(contains(error_of([&] { one_hot(graph.input("i", {2}, Type::i32), 0); }), "[one_hot] 0 classes"));
}
