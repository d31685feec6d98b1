#include "graph/text.h"

#include <doctest/doctest.h>

#include <bit>
#include <limits>

#include "graph/error.h"
#include "graph/evaluate.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/leaf.h"
#include "graph/ops/lookup.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"

using namespace crease;

namespace {

void check_round_trip(const Graph& graph) {
  const std::string text = to_string(graph);
  CAPTURE(text);
  const Graph back = parse(text);
  CHECK(equal(back, graph));
  CHECK(to_string(back) == text);
}

std::string parse_error(std::string_view text) {
  try {
    parse(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

TEST_CASE("text shows one line a node and the results at the end") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 3});
  const Value w = graph.parameter("dense1.weight", Tensor(Type::f32, {3, 2}));
  const Value hidden = matmul(x, w);
  const Value y = leaky_relu(0.25)(hidden);
  graph.set_name(y, "hidden");
  graph.set_tie(y, Tie::right);
  graph.output("y", y);
  graph.update(w, graph.constant(Tensor(Type::f32, {3, 2})));
  CHECK(to_string(graph) ==
        "input %0 x: f32[batch, 3]\n"
        "param %1 dense1.weight: f32[3, 2]\n"
        "%2: f32[batch, 2] = matmul(%0, %1)\n"
        "%3 hidden: f32[batch, 2] = leaky_relu[slope=0.25](%2) tie=right\n"
        "const %4: f32[3, 2] = fill(0)\n"
        "output y = %3\n"
        "update dense1.weight = %4\n");
  check_round_trip(graph);
}

TEST_CASE("text of an operation outside the catalogue has its loops, combination and body") {
  Graph graph;
  const Value x = graph.input("x", {2, 3});
  graph.output("y", sum(x, {1}));
  CHECK(contains(to_string(graph), "%1: f32[2] = sum loop \"d0 d1 -> d0\" sum {x0}(%0)\n"));
  check_round_trip(graph);
}

TEST_CASE("text keeps apart the parameters that no optimizer changes") {
  Graph graph;
  const Value mean = graph.state("norm.running_mean", Tensor(Type::f32, {3}));
  graph.output("y", mean + graph.parameter("state", Tensor(Type::f32, {3})));
  CHECK(contains(to_string(graph),
                 "state %0 norm.running_mean: f32[3]\n"
                 "param %1 state: f32[3]\n"));
  check_round_trip(graph);
  CHECK(parse(to_string(graph)).node(mean.id()).state);
  Graph trained;
  const Value same = trained.parameter("norm.running_mean", Tensor(Type::f32, {3}));
  trained.output("y", same + trained.parameter("state", Tensor(Type::f32, {3})));
  CHECK_FALSE(equal(graph, trained));
}

TEST_CASE("text keeps every family of operations") {
  Graph graph;
  const Value x = graph.input("x", {2, 3, 4, 6});
  const Value k = graph.parameter("k", Tensor(Type::f32, {4, 3, 2, 2}));
  const Value index = graph.input("index", {2, 5}, Type::i32);
  const Value table = graph.input("table", {7, 3});
  graph.output("conv", conv2d(x, k, {.stride = {2, 1}, .padding = {1}, .dilation = {1, 2}}));
  graph.output("pool", max_pool2d(x, {.window = {2, 3}, .padding = {1}}));
  graph.output("average", average_pool2d(x));
  graph.output("mean", mean(x, {1, -1}, true));
  graph.output("argmax", argmax(x, 2));
  graph.output("maxout", maxout(x, 3));
  graph.output("flat", flatten(x));
  graph.output("reshape", reshape(x, {3, 2, 2, 12}));
  graph.output("transpose", transpose(x, {3, 0, 2, 1}));
  graph.output("slice", slice(x, 3, 1, 5, 2));
  graph.output("slice_front", slice(x, 3, 0, 5));
  graph.output("pad", pad(x, 0, 1, 2));
  graph.output("pad_end", pad(x, 0, 0, 2));
  graph.output("reverse", reverse(x, 1));
  graph.output("concat", concat({table, slice(table, 0, 0, 2)}, 0));
  graph.output("gather", gather(table, index));
  graph.output("pick", pick(table, graph.input("column", {7}, Type::i64)));
  graph.output("one_hot", one_hot(index, 4, Type::f64));
  graph.output("iota", iota(graph, {2, 5}, 1, Type::i64));
  graph.output("where", where(x < transpose(transpose(x)), x, -x));
  check_round_trip(graph);
}

TEST_CASE("text keeps scalars and broadcasts of scalars") {
  Graph graph;
  const Value s = graph.input("s", {});
  graph.output("a", relu(s));
  graph.output("b", broadcast_to(s, {2, 3}));
  graph.output("c", 3 - s * s / 7);
  graph.output("d", s + graph.input("x", {1, 4}));
  check_round_trip(graph);
}

TEST_CASE("text keeps named dimensions in shapes, loops and bodies") {
  Graph graph;
  const Value x = graph.input("x", {"batch", "time", 3});
  const Value b = graph.input("b", {3});
  graph.output("mean", mean(relu(x + b), {0, 1}));
  graph.output("flat", transpose(x, {1, 0, 2}));
  check_round_trip(graph);
}

TEST_CASE("text keeps ties of the graph and of nodes, names and random leaves") {
  Graph graph;
  graph.set_tie(Tie::min_norm);
  const Value counter = graph.input("counter", {}, Type::i64);
  const Value x = graph.random({"batch", 4}, counter, 0xffffffffffffffffULL);
  graph.input("x", {"batch"});
  const Value y = abs(x);
  graph.set_tie(y, Tie::value(1.0 / 3));
  graph.set_name(y, "1:strange-name/with.all");
  graph.output("loss:0", y);
  check_round_trip(graph);
}

TEST_CASE("text keeps constants to the bit") {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  const double tiny = std::numeric_limits<double>::denorm_min(),
               odd = std::bit_cast<double>(0xfff8000000000123ULL);
  Graph graph;
  graph.output("f64", graph.constant(Tensor::f64({8}, {0.1, -0.0, inf, -inf, nan, tiny, 1e300, odd})));
  const auto payload = std::bit_cast<float>(0x7fc00001U);
  graph.output("f32",
               graph.constant(Tensor::f32({2, 3}, {0.1F, -0.0F, 1e-45F, 3.4028235e38F, 16777216, payload})));
  graph.output("i64", graph.constant(Tensor::i64({2}, {INT64_MIN, INT64_MAX})));
  graph.output("i32", graph.constant(Tensor::i32({2}, {INT32_MIN, 7})));
  graph.output("u8", graph.constant(Tensor::scalar(Type::u8, 255)));
  graph.output("bool", graph.constant(Tensor(Type::boolean, {3})));
  graph.output("empty", graph.constant(Tensor(Type::f32, {0, 3})));
  graph.output("mixed", graph.constant(Tensor::f32({2}, {0.0F, -0.0F})));
  check_round_trip(graph);
}

TEST_CASE("a user's operation that takes a catalogue name keeps its own body") {
  const Op imposter{.name = "relu", .doc = "Not relu.", .body = [](Scalar x) { return max(x, 1); }};
  Graph graph;
  graph.output("y", imposter(graph.input("x", {4})));
  CHECK(contains(to_string(graph), "relu loop \"d0 -> d0\" assign {max(x0, 1)}(%0)"));
  check_round_trip(graph);
}

TEST_CASE("an operation deeper than any stack is applied, printed and read back") {
  Scalar body = Scalar::argument(0);
  for (int step = 0; step < 100'000; ++step) body = tanh(body);
  Graph graph;
  const Value x = graph.input("x", {2}), y = Op{.name = "deep", .doc = "", .body = Body(1, body)}(x);
  graph.output("y", y);
  CHECK(equal(parse(to_string(graph)), graph));
  CHECK(evaluate(y, {{"x", Tensor::f32({2}, {0, 1})}}).at(0) == 0);
}

TEST_CASE("operations named like keywords or with blanks survive") {
  for (const char* name : {"loop", "random", "random-flip", "scan.x", "loop/x", "scan-\"x\"", "looped", "",
                           "two words", "quote\"and\\slash", "tab\tand\x01"}) {
    const Op op{
        .name = name, .doc = "", .body = [](Scalar x) { return x + x; }, .attributes = {{"a b", -0.0}}};
    Graph graph;
    graph.output("y", op(graph.input("x", {4})));
    check_round_trip(graph);
  }
}

TEST_CASE("graphs differ in text and in equality by each thing they hold") {
  const auto make = [](auto change) {
    Graph graph;
    const Value x = graph.input("x", {3});
    const Value p = graph.parameter("p", Tensor(Type::f32, {3}));
    const Value y = relu(x + p);
    graph.output("y", y);
    change(graph, y);
    return graph;
  };
  const Graph plain = make([](Graph&, const Value&) {});
  CHECK(
      equal(plain, make([](Graph& g, const Value&) { g.set_parameter("p", Tensor::f32({3}, {1, 2, 3})); })));
  const std::vector<Graph> others{
      make([](Graph& g, const Value&) { g.set_tie(Tie::left); }),
      make([](Graph& g, const Value& y) { g.set_tie(y, Tie::left); }),
      make([](Graph& g, const Value& y) { g.set_name(y, "y"); }),
      make([](Graph& g, const Value& y) { g.output("z", y); }),
      make([](Graph& g, const Value& y) { g.update(g.find("p"), y); }),
      make([](Graph& g, const Value&) { g.constant(0.0); }),
  };
  for (const Graph& other : others) {
    CHECK_FALSE(equal(plain, other));
    CHECK(to_string(plain) != to_string(other));
    check_round_trip(other);
  }
}

TEST_CASE("constants that differ in one bit make graphs differ") {
  Graph a, b;
  a.constant(0.0);
  b.constant(-0.0);
  CHECK_FALSE(equal(a, b));
}

TEST_CASE("text may have comments, blank lines and its own numbers") {
  const Graph graph =
      parse("# a comment\n\n  input %7 x: f32[2]   # the input\n%3: f32[2] = relu(%7)\noutput y = %3");
  CHECK(graph.size() == 2);
  CHECK(graph.result("y").id() == 1);
}

TEST_CASE("syntax errors name line, column and what is wanted") {
  CHECK(contains(parse_error("input %0 x f32[2]\n"), "line 1, column 12: want ':', got 'f32[2]'"));
  CHECK(contains(parse_error("input %0 x: f33[2]\n"), "line 1, column 13: unknown element type 'f33'"));
  CHECK(contains(parse_error("input %0 x: f32[2\n"), "line 1, column 18: want ']', got the end of the line"));
  CHECK(contains(parse_error("\nfrobnicate\n"), "line 2, column 1: want '%', graph, input"));
  CHECK(contains(parse_error("input %0 x: f32[-2]"),
                 "line 1, column 17: want a size or the name of a dimension"));
  CHECK(contains(parse_error("input %0 x: f32[2] nonsense"), "line 1, column 20: want the end of the line"));
  CHECK(contains(parse_error("graph tie=sometimes"), "line 1, column 11: unknown tie rule 'sometimes'"));
  CHECK(contains(parse_error("const %0: f32[2] = [1, x]"), "line 1, column 24: want a number, got 'x'"));
  CHECK(contains(parse_error("const %0: f32[2] = [1]"), "line 1, column 22: want ',', got ']'"));
  CHECK(contains(parse_error("const %0: f32[1] = [1, 2]"), "want ']' after 1 values of [1]"));
  CHECK(contains(parse_error("const %0: u8[] = [256]"), "256 is outside the element type: want 0 to 255"));
  CHECK(contains(parse_error("const %0: f32[batch] = [1]"), "dimension 'batch' has no size"));
  CHECK(contains(parse_error("input %0 x: f32[2]\n%1: f32[2] = loop \"i -> i\" assign {max(x0}(%0)"),
                 "line 2, column 35: [scalar] cannot read"));
  CHECK(contains(parse_error("input %0 x: f32[2]\n%1: f32[2] = loop \"i -> i\" add {x0}(%0)"),
                 "line 2, column 28: unknown combine 'add'"));
  CHECK(contains(parse_error("input %0 \"x: f32[2]"), "want '\"' that closes the name"));
  CHECK(contains(parse_error("input %0 \"\\q\": f32[2]"), "want one of the escapes"));
  CHECK(contains(parse_error("input %99999999999999999999 x: f32[2]"), "want an integer"));
}

TEST_CASE("errors of meaning name the line and the way out") {
  CHECK(contains(parse_error("input %0 x: f32[2]\n%1: f32[2] = rellu(%0)\n"),
                 "line 2, column 1: unknown operation 'rellu': nearest is 'relu'"));
  CHECK(contains(parse_error("input %0 x: f32[2]\n%1: f32[2] = relu[slope=1](%0)\n"),
                 "takes no attributes, got 'slope'"));
  CHECK(contains(parse_error("input %0 x: f32[2]\n%1: f32[2] = clip[low=1](%0)\n"),
                 "attribute 'high' is missing"));
  CHECK(contains(parse_error("input %0 x: f32[2]\n%1: f32[3] = relu(%0)\n"),
                 "%1 is declared f32[3], but follows as f32[2]"));
  CHECK(contains(parse_error("input %0 x: f32[2]\n%0: f32[2] = relu(%0)\n"),
                 "%0 is defined already in line 1"));
  CHECK(contains(parse_error("output y = %4"), "line 1, column 12: %4 is not defined in this text"));
  CHECK(contains(parse_error("input %0 x: f32[2]\ninput %1 x: f32[2]\n"), "the name 'x' is taken"));
  CHECK(contains(parse_error("input %0 x: f32[2]\nupdate x = %0\n"), "is no parameter"));
  CHECK(contains(parse_error("input %0 x: f32[2]\n%1: f32[2] = relu(%0, %0)\n"),
                 "[relu] takes 1 operands, got 2"));
  CHECK(contains(parse_error("input %0 x: f32[2]\n%1: f32[2] = loop[i=2] \"j -> i\" assign {x0}(%0)\n"),
                 "label 'j' of pattern 'j -> i' is not in the list"));
}

TEST_CASE("a line that reads a later one is told to move") {
  const std::string error = parse_error("input %0 x: f32[2]\n%1: f32[2] = relu(%2)\n%2: f32[2] = relu(%0)\n");
  CHECK(error == "[text] line 2, column 19: %2 is read before line 3 defines it: move that line up");
}

TEST_CASE("a cycle is named node by node") {
  const std::string error = parse_error(
      "input %0 x: f32[2]\n"
      "%1: f32[2] = add(%0, %3)\n"
      "%2: f32[2] = relu(%1)\n"
      "%3: f32[2] = negate(%2)\n");
  CHECK(error ==
        "[text] line 2, column 22: the nodes form a cycle: %1 (line 2) reads %3 (line 4) reads %2 (line 3) "
        "reads %1; "
        "a graph computes in order, so break it");
  CHECK(contains(parse_error("%0: f32[2] = relu(%0)\n"), "cycle: %0 (line 1) reads %0"));
}

TEST_CASE("text that parses but is unsound is refused with all problems at once") {
  const std::string error = parse_error(
      "input %0 x: f32[2]\n"
      "%1: f32[n] = loop[i=n] \"0 -> i\" assign {x0}(%0)\n"
      "%2: f32[2] = loop[i=2, j=3] \"i -> i\" assign {x1}(%0)\n");
  CHECK(contains(error, "dimension 'n' of its shape [n] is bound by no input"));
  CHECK(contains(error, "assigns one element at all 3 points of loop 'j'"));
  CHECK(contains(error, "the body x1 wants 2 operands, got 1"));
}

TEST_CASE("no prefix of a text crashes the parser") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 3});
  graph.output("y", mean(leaky_relu(0.1)(x * 2), {1}));
  graph.constant(Tensor::f32({2}, {1, std::numeric_limits<float>::quiet_NaN()}));
  graph.set_tie(Tie::value(0.5));
  const std::string text = to_string(graph);
  for (size_t size = 0; size <= text.size(); ++size) parse_error(std::string_view(text).substr(0, size));
  for (size_t at = 0; at < text.size(); ++at) {
    std::string broken = text;
    broken[at] = '"';
    parse_error(broken);
    broken[at] = '%';
    parse_error(broken);
    broken.erase(at, 1);
    parse_error(broken);
  }
}
