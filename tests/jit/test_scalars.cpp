// Programs of many scalars become a few kernels.
#include <doctest/doctest.h>

#include <random>

#include "autodiff/reverse.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/reduction.h"
#include "graph/rewrite/tidy.h"
#include "graph/text.h"
#include "jit/fuse.h"
#include "jit/lower.h"
#include "jit/program.h"
#include "tests/jit/oracle.h"

namespace crease {
namespace {

/// A random expression of ten inputs of this type, its value and its gradient.
Graph expression(int operations, Type type) {
  Graph graph;
  std::mt19937 random(3);
  std::vector<Value> values, inputs;
  for (int i = 0; i < 10; ++i) inputs.push_back(graph.input(fmt::format("x{}", i), Shape{}, type));
  values = inputs;
  for (int i = 0; i < operations; ++i) {
    const auto pick = [&] {
      return values[values.size() - 1 - random() % std::min<size_t>(values.size(), 40)];
    };
    const Value a = pick(), b = pick();
    switch (random() % 5) {
      case 0: values.push_back(sin_op(a)); break;
      case 1: values.push_back(tanh_op(a * b)); break;
      case 2: values.push_back(relu(a - b)); break;
      case 3: values.push_back(a * 0.5 + b * 0.25); break;
      default: values.push_back(a * b); break;
    }
  }
  Value total = values.back();
  for (size_t i = 2; i < 20; ++i) total = total + values[values.size() - i];
  graph.output("y", total);
  const std::vector<Value> gradients = grad(total, inputs);
  for (size_t i = 0; i < gradients.size(); ++i) graph.output(fmt::format("d{}", i), gradients[i]);
  return graph;
}

Bindings numbers(Type type) {
  Bindings bindings;
  for (int i = 0; i < 10; ++i) bindings.emplace(fmt::format("x{}", i), Tensor::scalar(type, 0.2 + 0.05 * i));
  return bindings;
}

}  // namespace

TEST_CASE("kernels are gathered whatever room their list of buffers has") {
  const Kernels kernels = lower(tidy(expression(300, Type::f64), Derivatives::Settled).graph, {});
  const Kernels copy = kernels;  // has room for its buffers and no more
  const Kernels gathered = fuse(copy);
  CHECK(gathered.kernels.size() < kernels.kernels.size() / 10);
  verify(gathered);
}

TEST_CASE("long code without loops is compiled in parts, equal to the whole in one part") {
  const Graph graph = expression(2500, Type::f64);
  Program parts = compile(graph);
  Program whole = compile(graph, {.keep_dumps = true});
  CHECK(test::count_of(whole.dumps().fused, " = ") > 4096);
  CHECK(parts(numbers(Type::f64)) == whole(numbers(Type::f64)));
}

TEST_CASE("an expression of many scalars is a few kernels, equal to one kernel an operation") {
  for (const Type type : {Type::f32, Type::f64}) {
    const Graph graph = expression(1500, type);
    Program gathered = compile(graph);
    Program single = compile(graph, {.fuse = false});
    CHECK(gathered.kernel_count() < 40);
    CHECK(single.kernel_count() > 1000);
    CHECK(gathered(numbers(type)) == single(numbers(type)));
  }
}

TEST_CASE("many scalars have the same bits at every vector width") {
  const Graph graph = expression(400, Type::f64);
  Program narrow = compile(graph, {.vector_bits = 128});
  CHECK(compile(graph)(numbers(Type::f64)) == narrow(numbers(Type::f64)));
}

TEST_CASE("kernels with loops may stand between many scalars") {
  Graph graph;
  const Value x = graph.input("x", {7});
  Value y = sum(x);
  for (int i = 0; i < 300; ++i) y = i % 150 == 149 ? sum(x * y) : tanh_op(y * 0.9 + 0.01);
  graph.output("y", y);
  const Bindings data{{"x", Tensor::f32({7}, {0.1F, 0.2F, -0.3F, 0.4F, 0.05F, 0.6F, -0.7F})}};
  Program program = compile(graph);
  CHECK(program.kernel_count() < 12);
  const Tensor want = evaluate(graph, data).at("y");
  // Each tanh is within 2 ulp and shrinks the error of its argument.
  CHECK(program(data).at("y").item() == doctest::Approx(want.item()).epsilon(1e-5));
}

TEST_CASE("many scalars may look up at a place that takes a call to compute") {
  std::string text = "input %0 x: f64[]\ninput %1 table: f64[4]\n%2: f64[] = tanh(%0)\n";
  int last = 2;
  for (; last < 60; ++last) text += fmt::format("%{}: f64[] = add(%{}, %0)\n", last + 1, last);
  text += fmt::format("%61: i32[] = cut loop[] \"-> \" assign {{x0}}(%{})\n", last);
  text += "%62: f64[] = gather loop \"@1,  -> \" assign {x0}(%1, %61)\n%63: f64[] = sin(%62)\n";
  text += "output y = %63\noutput z = %60\n";
  const Graph graph = parse(text);
  for (const double x : {0.02, 0.04, 0.2})
    test::check_program(
        graph, {{"x", Tensor::scalar(Type::f64, x)}, {"table", Tensor::f64({4}, {1, 2, 3, 4})}}, {}, 8);
}

TEST_CASE("a profiled program counts runs, and its trace names the kernels") {
  const Graph graph = expression(200, Type::f32);
  Program program = compile(graph, {.profile = true});
  CHECK(program.profile().empty());
  program.bind(numbers(Type::f32));
  for (int i = 0; i < 3; ++i) program.run();
  const std::vector<KernelProfile> profile = program.profile();
  REQUIRE(profile.size() == static_cast<size_t>(program.kernel_count()));
  for (const KernelProfile& kernel : profile) {
    CHECK(kernel.runs == 3);
    CHECK(kernel.seconds >= 0);
    CHECK(kernel.bytes > 0);
  }
  CHECK(program.trace().find("\"name\":\"" + profile[0].name + "\"") != std::string::npos);
  CHECK(to_string(profile, 1e9, 1e9).find(profile[0].name) != std::string::npos);
  CHECK(compile(graph).profile().empty());
}

}  // namespace crease
