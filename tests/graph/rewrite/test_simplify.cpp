#include "graph/rewrite/simplify.h"

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

constexpr double inf = std::numeric_limits<double>::infinity();

/// Simplifies the graph with this one output, checks soundness, and gives the result.
Graph simplified(const Value& y, Derivatives derivatives = Derivatives::Open) {
  Graph graph = y.graph();
  if (graph.outputs().empty()) graph.output("y", y);
  Rewrite result = simplify(graph, derivatives);
  CHECK_NOTHROW(verify_pass(graph, result, "simplify"));
  CHECK_NOTHROW(verify(result.graph));
  CHECK(result.graph.size() <= graph.size());
  return result.graph;
}

int computed(const Graph& graph) {
  int count = 0;
  for (NodeId id = 0; id < graph.size(); ++id) count += graph.node(id).role == Role::Apply ? 1 : 0;
  return count;
}

bool is_input(const Graph& graph, const char* name) {
  return graph.result("y").node().role == Role::Input && graph.result("y").node().name == name;
}

Tensor counting(std::vector<int64_t> sizes) {
  Tensor tensor(Type::f32, std::move(sizes));
  for (int64_t i = 0; i < tensor.count(); ++i) tensor.set(i, static_cast<double>(i) - 3);
  return tensor;
}

/// One input of that shape, made to a value by `make`: number of operations left, with equal values before
/// and after.
template <class Make>
int left_of(std::vector<int64_t> sizes, Make make, Derivatives derivatives = Derivatives::Open) {
  Graph graph;
  const Value x = graph.input("x", Shape(sizes.begin(), sizes.end()));
  graph.output("y", make(x));
  const Graph after = simplified(graph.result("y"), derivatives);
  const Bindings inputs{{"x", counting(sizes)}};
  CHECK(evaluate(after, inputs) == evaluate(graph, inputs));
  INFO(to_string(after));
  return computed(after);
}

}  // namespace

TEST_CASE("uniform constants go into the body, and neutral ones vanish with it") {
  for (const auto& [op, number] : {std::pair{multiply, 1.0}, {add, 0.0}, {subtract, 0.0}, {divide, 1.0}}) {
    Graph graph;
    const Value x = graph.input("x", {"batch", 3});
    CHECK(is_input(simplified(op(x, graph.constant(number))), "x"));
  }
  Graph graph;
  const Value x = graph.input("x", {2, 3});
  CHECK(is_input(simplified(add(graph.constant(Tensor(Type::f32, {2, 3})), x)), "x"));
}

TEST_CASE("a constant that is no neutral element stays, inside the body") {
  Graph graph;
  const Value x = graph.input("x", {3});
  const Graph after = simplified(x * graph.constant(2.5));
  CHECK(after.size() == 2);
  CHECK(to_string(after.result("y").node().op->body.expression) == "x0*2.5");
}

TEST_CASE("zero times x stays: x may be infinite") {
  Graph graph;
  const Value x = graph.input("x", {2});
  const Graph after = simplified(x * graph.constant(0.0));
  const Tensor y = evaluate(after.result("y"), {{"x", Tensor::f32({2}, {static_cast<float>(inf), 1})}});
  CHECK(std::isnan(y.at(0)));
  CHECK(y.at(1) == 0);
  CHECK(computed(simplified(x - x)) == 1);
}

TEST_CASE("constants that differ, are NaN, or change the arithmetic stay operands") {
  Graph graph;
  const Value x = graph.input("x", {2}), n = graph.input("n", {2}, Type::i64);
  CHECK(simplified(x + graph.constant(Tensor::f32({2}, {0, -0.0F}))).size() == 4);
  graph.clear_outputs();
  CHECK(simplified(x + graph.constant(Tensor::scalar(Type::f32, std::nan("")))).size() == 4);
  graph.clear_outputs();
  CHECK(simplified(n + graph.constant(0.5)).result("y").type() == Type::f32);
}

TEST_CASE("a constant argument of max and min goes into the body: it is no argument of the kink") {
  const auto goes = [](auto make) {
    Graph graph;
    const Value x = graph.input("x", {3});
    return simplified(make(x, graph.constant(0.0))).result("y").node().operands.size() == 1;
  };
  CHECK(goes([](const Value& x, const Value& zero) { return max(x, zero); }));
  CHECK(goes([](const Value& x, const Value& zero) { return max(zero, x); }));
  CHECK(goes([](const Value& x, const Value& zero) { return min(zero, x); }));
}

TEST_CASE("where with a known condition or equal branches is a branch") {
  Graph graph;
  const Value x = graph.input("x", {3}), z = graph.input("z", {3});
  const Value yes = graph.constant(Tensor::scalar(Type::boolean, 1)),
              no = graph.constant(Tensor::scalar(Type::boolean, 0));
  CHECK(is_input(simplified(where(yes, x, z)), "x"));
  graph.clear_outputs();
  CHECK(is_input(simplified(where(no, x, z)), "z"));
  graph.clear_outputs();
  CHECK(is_input(simplified(where(x < z, z, z)), "z"));
}

TEST_CASE("where that ignores an operand that is read outside its tensor keeps it") {
  Graph graph;
  const Value x = graph.input("x", {3}), z = graph.input("z", {2});
  const Op partly{.name = "partly",
                  .doc = "x where z has an element, else 0.",
                  .loops = "i, i+0*i -> i",
                  .body = [](Scalar a, Scalar) { return a; }};
  Resolved resolved{.loops = {.labels = {{"i", 3}},
                              .reads = {{{.terms = {{0, 1}}}}, {{.terms = {{0, 1}}}}},
                              .write = {{.terms = {{0, 1}}}}},
                    .shape = {3}};
  const Value y = graph.apply_resolved(std::make_shared<const Op>(partly), resolved, {x, z}, Type::f32,
                                       std::source_location::current());
  CHECK(simplified(y).result("y").node().operands.size() == 2);
}

TEST_CASE("identical arguments are no tie") {
  Graph graph;
  const Value x = graph.input("x", {3});
  CHECK(is_input(simplified(max(x, x)), "x"));
  graph.clear_outputs();
  CHECK(is_input(simplified(min(x, x)), "x"));
  graph.clear_outputs();
  CHECK(simplified(x * x).result("y").node().operands.size() == 1);
}

TEST_CASE("max of one value with different accesses stays") {
  Graph graph;
  const Value x = graph.input("x", {3, 3});
  CHECK(computed(simplified(max(x, transpose(x)))) == 2);
}

TEST_CASE("movements that undo each other vanish") {
  CHECK(left_of({2, 3, 4}, [](const Value& x) { return transpose(transpose(x, {2, 0, 1}), {1, 2, 0}); }) ==
        0);
  CHECK(left_of({2, 3}, [](const Value& x) { return reverse(reverse(x, 1), 1); }) == 0);
  CHECK(left_of({2, 3, 4}, [](const Value& x) { return reshape(flatten(x), {2, 3, 4}); }) == 0);
  CHECK(left_of({12, 2}, [](const Value& x) { return reshape(reshape(x, {3, 4, 2}), {12, 2}); }) == 0);
  CHECK(left_of({5}, [](const Value& x) { return slice(pad(x, 0, 2, 3), 0, 2, 7); }) == 0);
}

TEST_CASE("movements in a row become one") {
  CHECK(left_of({2, 3, 4}, [](const Value& x) { return transpose(transpose(x, {2, 0, 1}), {2, 0, 1}); }) ==
        1);
  CHECK(left_of({10}, [](const Value& x) { return slice(slice(x, 0, 1, 9, 2), 0, 1, 3); }) == 1);
  CHECK(left_of({2, 3}, [](const Value& x) { return reverse(transpose(x), 0); }) == 1);
  CHECK(left_of({3}, [](const Value& x) { return broadcast_to(broadcast_to(x, {2, 3}), {4, 2, 3}); }) == 1);
  CHECK(left_of({4, 3}, [](const Value& x) { return transpose(flatten(transpose(x), 0)); }) == 1);
  CHECK(left_of({4, 1}, [](const Value& x) { return broadcast_to(pad(x, 0, 1, 1), {6, 5}); }) == 1);
  CHECK(left_of({6}, [](const Value& x) { return pad(pad(x, 0, 1, 0), 0, 0, 2); }) == 1);
}

TEST_CASE("movements that cannot be one stay right") {
  CHECK(left_of({2, 3}, [](const Value& x) { return reshape(x, {3, 2}); }) == 2);
  // Padding then cutting into the padding: zeros must not turn into elements of x.
  CHECK(left_of({4}, [](const Value& x) { return pad(slice(x, 0, 1, 3), 0, 1, 1); }) <= 2);
  CHECK(left_of({4}, [](const Value& x) { return slice(pad(x, 0, 2, 0), 0, 1, 5); }) <= 2);
  CHECK(left_of({4}, [](const Value& x) { return reverse(pad(slice(x, 0, 0, 2), 0, 1, 0), 0); }) <= 3);
}

TEST_CASE("named dimensions survive movements") {
  Graph graph;
  const Value x = graph.input("x", {"batch", 3, 4});
  CHECK(is_input(simplified(transpose(transpose(x))), "x"));
  graph.clear_outputs();
  CHECK(is_input(simplified(reshape(flatten(x), {"batch", 3, 4})), "x"));
}

TEST_CASE("a movement along the diagonal of a named dimension is no identity") {
  const auto moving = [](const char* loops) {
    return Op{.name = "moving", .doc = "", .loops = loops, .body = [](Scalar v) { return v; }};
  };
  for (const auto& [first, second] : {std::pair{"b b -> b b", "i j -> i j"}, {"i i -> i", "i -> i i"}}) {
    Graph graph;
    const Value x = graph.input("x", {"n", "n"});
    const Graph after = simplified(moving(second)(moving(first)(x)));
    CHECK(evaluate(after, {{"x", counting({2, 2})}}).at("y") == Tensor::f32({2, 2}, {-3, 0, 0, 0}));
    CHECK(evaluate(after, {{"x", counting({1, 1})}}).at("y") == counting({1, 1}));
  }
}

TEST_CASE("combinations of one element are assignments or nothing") {
  CHECK(left_of({3, 1}, [](const Value& x) { return sum(x, {1}, true); }) == 0);
  CHECK(left_of({3, 1}, [](const Value& x) { return reduce_max(x, {1}, true); }) == 0);
  CHECK(left_of({3, 1}, [](const Value& x) { return broadcast_to(product(x, {1}), {2, 3}); }) == 1);
  CHECK(left_of({3, 2}, [](const Value& x) { return sum(x, {1}); }) == 1);
}

TEST_CASE("a maximum over a window that may lie outside is no assignment") {
  CHECK(left_of({1, 1, 3, 3}, [](const Value& x) { return max_pool2d(x, {.window = {1}, .stride = {2}}); }) ==
        1);
  Graph graph;
  const Value x = graph.input("x", {3});
  Resolved resolved{
      .loops = {.labels = {{"i", 4}}, .reads = {{{.terms = {{0, 1}}}}}, .write = {{.terms = {{0, 1}}}}},
      .shape = {4}};
  const Op op{.name = "m", .doc = "", .body = [](Scalar a) { return a; }, .combine = Combine::Max};
  const Value y = graph.apply_resolved(std::make_shared<const Op>(op), resolved, {x}, Type::f32,
                                       std::source_location::current());
  const Graph after = simplified(y);
  CHECK(evaluate(after.result("y"), {{"x", counting({3})}}).at(3) == -inf);
}

TEST_CASE("inverse pairs of smooth maps vanish") {
  CHECK(left_of({3}, [](const Value& x) { return -(-x); }) == 0);
  CHECK(left_of({3}, [](const Value& x) { return logical_not(logical_not(x < 0 * x)); }) == 2);
  CHECK(left_of({3}, [](const Value& x) { return exp(log(x)); }) == 2);
}

TEST_CASE("a clamp of a clamp goes only under ties that select the same slope") {
  struct Case {
    const char* what;
    Value (*make)(const Value&);
    std::vector<std::pair<Tie, bool>> goes;
  };
  const std::vector<Case> cases{
      {"relu(relu(x)): l*l = l, 1/2 * 1/2 is not 1/2",
       [](const Value& x) { return relu(relu(x)); },
       {{Tie::left, true},
        {Tie::right, true},
        {Tie::min_norm, true},
        {Tie::mid, false},
        {Tie::value(0.3), false},
        {Tie::trap, false}}},
      {"abs(abs(x)): left slope -1 twice is 1",
       [](const Value& x) { return abs(abs(x)); },
       {{Tie::left, false},
        {Tie::right, true},
        {Tie::min_norm, true},
        {Tie::mid, true},
        {Tie::value(0.25), false},
        {Tie::trap, true}}},
      {"relu6(relu(x)) and relu(relu6(x)) meet at 0",
       [](const Value& x) { return relu6(relu(x)); },
       {{Tie::left, true}, {Tie::right, true}, {Tie::min_norm, true}, {Tie::mid, false}, {Tie::trap, false}}},
      {"clip(-1, 7) never reaches its kinks behind relu6",
       [](const Value& x) { return clip(-1, 7)(relu6(x)); },
       {{Tie::left, true},
        {Tie::right, true},
        {Tie::min_norm, true},
        {Tie::mid, true},
        {Tie::value(0.3), true},
        {Tie::trap, true}}},
      {"relu(-relu(x)) is 0, but not a clamp of the two",
       [](const Value& x) { return relu(-relu(x)); },
       {{Tie::left, false}, {Tie::right, false}}},
  };
  for (const Case& c : cases) {
    for (const auto& [tie, goes] : c.goes) {
      CAPTURE(c.what);
      CAPTURE(to_string(tie));
      Graph graph;
      graph.output("y", c.make(graph.input("x", {3})));
      const int before = computed(graph);
      graph.set_tie(tie);
      CHECK(computed(simplified(graph.result("y"), Derivatives::Settled)) == (goes ? 1 : before));
      // A later grad call may bring any tie, so it must hold under all; a node's own tie is final.
      const bool always = std::string_view(c.what).starts_with("clip");
      CHECK(computed(simplified(graph.result("y"), Derivatives::Open)) == (always ? 1 : before));
      for (NodeId id = 0; id < graph.size(); ++id)
        if (graph.node(id).role == Role::Apply) graph.set_tie(graph.value(id), tie);
      CHECK(computed(simplified(graph.result("y"), Derivatives::Open)) == (goes ? 1 : before));
    }
  }
}

TEST_CASE("clamps with different ties stay") {
  Graph graph;
  const Value inner = relu(graph.input("x", {3})), outer = relu(inner);
  graph.set_tie(inner, Tie::left);
  graph.set_tie(outer, Tie::right);
  CHECK(computed(simplified(outer)) == 2);
}

TEST_CASE("padding at the end looks elementwise and is no map") {
  CHECK(left_of({3}, [](const Value& x) { return relu(pad(relu(x), 0, 0, 1)); }) == 3);
  CHECK(left_of({3}, [](const Value& x) { return -pad(-x, 0, 0, 2); }) == 3);
  CHECK(left_of({4}, [](const Value& x) { return relu(slice(relu(x), 0, 0, 2)); }) == 3);
}

TEST_CASE("identities that hold for values but not for slopes are not applied") {
  Graph graph;
  const Value x = graph.input("x", {3});
  CHECK(computed(simplified(x + relu(-x), Derivatives::Settled)) == 3);
  graph.clear_outputs();
  CHECK(computed(simplified(relu(x) - relu(-x), Derivatives::Settled)) == 4);
}

TEST_CASE("simplify keeps names, updates, inputs and parameters") {
  Graph graph;
  const Value x = graph.input("x", {3}), unused = graph.input("unused", {2});
  const Value p = graph.parameter("p", Tensor::f32({3}, {1, 2, 3}));
  const Value y = relu(x * 1.0 + p) * graph.constant(1.0);
  graph.set_name(y, "hidden");
  graph.update(p, -(-(p - y)));
  const Graph after = simplified(y);
  CHECK(after.inputs().size() == 2);
  CHECK(after.result("y").node().name == "hidden");
  CHECK(after.node(after.updates()[0].parameter).value == Tensor::f32({3}, {1, 2, 3}));
  CHECK(to_string(after.result("y").node().where).starts_with("test_simplify.cpp"));
}
