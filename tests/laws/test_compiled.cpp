// Every operation, compiled, against the interpreter: values and gradients, at kinks and away from them.
#include <doctest/doctest.h>

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <set>

#include "autodiff/reverse.h"
#include "graph/evaluate.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"
#include "jit/program.h"
#include "tests/laws/subjects.h"
#include "tests/level.h"

using namespace crease;
using namespace crease::laws;

namespace {

std::string output_name(const std::string& what, const std::string& subject) {
  std::string name = what + subject;
  for (char& c : name)
    if (c == ' ') c = '_';
  return name;
}

/// Adds the subject's value, and with a tie its gradients, as outputs of the graph.
void add(Graph& graph, const Subject& subject, const std::optional<Tie>& tie) {
  const int before = graph.size();
  const Value y = subject.build(graph);
  graph.output(output_name("", subject.name), y);
  std::vector<Value> wrt;
  for (NodeId id = before; id < y.id(); ++id)
    if (graph.node(id).role == Role::Input && is_floating(graph.node(id).type))
      wrt.push_back(graph.value(id));
  if (!tie || wrt.empty() || !is_floating(y.type())) return;
  const std::vector<Value> gradients = grad(sum(y * y * 0.5 + y), wrt, {.tie = *tie});
  for (size_t k = 0; k < gradients.size(); ++k)
    graph.output(output_name("d" + std::to_string(k) + "_", subject.name), gradients[k]);
}

Graph graph_of(const std::vector<Subject>& list, const std::optional<Tie>& tie) {
  Graph graph;
  for (const Subject& subject : list) add(graph, subject, tie);
  return graph;
}

/// Equal numbers, NaN for NaN, or within `ulps` of the type's precision at magnitude max(|want|, scale).
bool close(double got, double want, Type type, double ulps, double scale) {
  if (got == want || (std::isnan(got) && std::isnan(want))) return true;
  const double eps = type == Type::f64 ? 0x1p-52 : 0x1p-23;
  return std::abs(got - want) <= ulps * eps * std::max(std::abs(want), scale);
}

/// What a number counts as.
double counted(double x, Type type, Subnormals subnormals) {
  const double least = type == Type::f64 ? 0x1p-1022 : 0x1p-126;
  return subnormals == Subnormals::Flush && is_floating(type) && std::abs(x) < least ? 0 : x;
}

void compare(Program& program, const Graph& graph, const Bindings& inputs, double ulps, double scale,
             Subnormals subnormals = Subnormals::Keep) {
  const auto want = evaluate(graph, inputs, subnormals);
  const auto got = program(inputs);
  for (const auto& [name, tensor] : want) {
    CAPTURE(name);
    REQUIRE(got.at(name).sizes() == tensor.sizes());
    REQUIRE(got.at(name).type() == tensor.type());
    for (int64_t i = 0; i < tensor.count(); ++i) {
      const auto number = [&](const Tensor& from) { return counted(from.at(i), from.type(), subnormals); };
      if (close(number(got.at(name)), number(tensor), tensor.type(), ulps, scale)) continue;
      CAPTURE(i);
      CHECK(got.at(name).at(i) == tensor.at(i));
      break;
    }
  }
}

// Bodies have at most 16 operations of half an ulp to 4 ulp each on intermediates up to 32.
constexpr double ulps_of_a_body = 64, scale_of_a_body = 32;

const std::set<std::string> exact{
    "identity", "step",     "sign",     "relu",    "relu6",   "abs",   "hard_tanh",  "clip",        "add",
    "negate",   "subtract", "multiply", "maximum", "minimum", "less",  "less_equal", "equal",       "not",
    "and",      "or",       "where",    "square",  "affine",  "floor", "prelu",      "squared_relu"};

std::vector<Subject> exact_subjects(const Dim& size, Type type) {
  std::vector<Subject> list;
  for (const Subject& subject : elementwise_subjects(size, type))
    if (exact.contains(subject.name)) list.push_back(subject);
  return list;
}

}  // namespace

TEST_CASE(
    "piecewise-linear operations on dyadic numbers, compiled for any size, equal the interpreter to the "
    "bit") {
  for (const Type type : {Type::f32, Type::f64}) {
    const Graph graph = graph_of(exact_subjects("n", type), Tie::mid);
    Program program = compile(graph, test::at_test_level({}));
    for (const int64_t n : {1, 7, 8, 15, 16, 17, 64, 67}) {
      CAPTURE(n);
      compare(program, graph, halves(graph, {{"n", n}}), 0, 0);
    }
  }
}

TEST_CASE("elementwise operations compiled for any size equal the interpreter, at kinks and away from them") {
  for (const Type type : {Type::f32, Type::f64}) {
    const Graph graph = graph_of(elementwise_subjects("n", type), {});
    Program program = compile(graph, test::at_test_level({}));
    for (const int64_t n : {1, 7, 8, 15, 16, 17, 64, 67}) {
      CAPTURE(n);
      compare(program, graph, halves(graph, {{"n", n}}), ulps_of_a_body, scale_of_a_body);
      compare(program, graph, irregular(graph, {{"n", n}}), ulps_of_a_body, scale_of_a_body);
    }
  }
}

TEST_CASE("structured operations and their gradients equal the interpreter to the bit on dyadic numbers") {
  for (const int64_t size : {1, 7, 16}) {
    CAPTURE(size);
    std::vector<Subject> list = structured_subjects(size, Type::f64);
    // A product's gradient divides nothing but multiplies many factors; means divide by sizes.
    const std::set<std::string> rounded{"product", "mean", "average_pool2d"};
    std::erase_if(list, [&](const Subject& subject) { return rounded.contains(subject.name); });
    const Graph graph = graph_of(list, Tie::right);
    Program program = compile(graph, test::at_test_level({}));
    compare(program, graph, halves(graph), 0, 0);
  }
}

TEST_CASE("any number of threads gives the same bits in every operation and gradient, compiled") {
  for (const int64_t size : {7, 16}) {
    std::vector<Subject> list = structured_subjects(size, Type::f32);
    for (Subject& subject : elementwise_subjects(size * 3, Type::f32)) list.push_back(std::move(subject));
    const Graph graph = graph_of(list, Tie::mid);
    const Bindings inputs = irregular(graph);
    const auto want = compile(graph, test::at_test_level({}))(inputs);
    for (const int threads : {1, 2, 3, 7}) {
      Program program =
          compile(graph, test::at_test_level({.threads = threads, .split_all = true, .keep_dumps = true}));
      const std::string part = fmt::format(", {} threads", threads);
      CHECK((program.dumps().schedule.find(part) != std::string::npos) == (threads > 1));
      const auto got = program(inputs);
      for (const auto& [name, tensor] : want) {
        CAPTURE(threads);
        CAPTURE(name);
        CHECK(got.at(name) == tensor);
      }
    }
  }
}

TEST_CASE("subnormal numbers count as 0 in every operation and gradient where they are flushed") {
  if (!FloatMode::supports(Subnormals::Flush)) return;
  for (const Type type : {Type::f32, Type::f64}) {
    std::vector<Subject> list = elementwise_subjects(67, type);
    for (Subject& subject : structured_subjects(7, type)) list.push_back(std::move(subject));
    const Graph graph = graph_of(list, Tie::mid);
    Bindings inputs = halves(graph);
    const double tiny = type == Type::f64 ? 0x1p-1025 : 0x1p-129;
    for (auto& [name, tensor] : inputs)
      for (int64_t i = 0; is_floating(tensor.type()) && i < tensor.count(); ++i)
        if (std::abs(tensor.at(i)) < 2) tensor.set(i, tensor.at(i) * tiny);
    Program program = compile(graph, test::at_test_level({.subnormals = Subnormals::Flush}));
    compare(program, graph, inputs, ulps_of_a_body, scale_of_a_body, Subnormals::Flush);
  }
}

TEST_CASE("compiled padding of short tensors is that of the interpreter, along any axis") {
  for (const Type type : {Type::f32, Type::f64})
    for (int count = 0; count < 27; ++count) {
      const std::vector<int64_t> sizes{1 + count % 3, 1 + count / 3 % 3, 1 + count / 9};
      Tensor x(type, sizes);
      for (int64_t i = 0; i < x.count(); ++i) x.set(i, i == 0 ? -0.0 : static_cast<double>(i));
      Graph graph;
      const Value input = graph.input("x", Shape(sizes.begin(), sizes.end()), type);
      for (int axis = 0; axis < 3; ++axis) {
        graph.output("after" + std::to_string(axis), pad(input, axis, 0, 2));
        graph.output("joined" + std::to_string(axis), concat({input, input * 2}, axis));
      }
      const auto expected = evaluate(graph, {{"x", x}});
      CAPTURE(to_string(sizes));
      for (const auto& [name, value] : compile(graph, {.optimisation = 0})({{"x", x}})) {
        CAPTURE(name);
        CHECK(value == expected.at(name));
      }
    }
}
