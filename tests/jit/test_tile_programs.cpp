// Programs whose products are taken in tile registers, emulated by plain code.
#include <doctest/doctest.h>

#include <algorithm>

#include "autodiff/reverse.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/leaf.h"
#include "graph/ops/reduction.h"
#include "graph/precision.h"
#include "graph/text.h"
#include "tests/jit/oracle.h"

using namespace crease;
using namespace crease::test;

namespace {

/// A step of training: two layers, a loss, and plain gradient descent.
Graph small_network(const Dim& batch) {
  Graph graph;
  const Value x = graph.input("x", {batch, 40}), y = graph.input("y", {batch, 20});
  const Value w = graph.parameter("w", real(Type::f32, {40, 36}, 3)),
              v = graph.parameter("v", real(Type::f32, {36, 20}, 4));
  const Value error = matmul(relu(0.1 * matmul(x, w)), v) - y;
  const Value loss = sum(error * error);
  const std::vector<Value> gradients = grad(loss, std::vector{w, v});
  graph.update(w, w - 1e-4 * gradients[0]);
  graph.update(v, v - 1e-4 * gradients[1]);
  graph.output("error", error);
  return graph;
}

Bindings network_data() { return {{"x", real(Type::f32, {50, 40}, 1)}, {"y", real(Type::f32, {50, 20}, 2)}}; }

using Values = std::map<std::string, Tensor>;

/// The outputs and the parameters after a step.
Values after_step(Program program) {
  Values values = program(network_data());
  for (const auto& [name, value] : program.parameters()) values.insert_or_assign(name, value);
  return values;
}

double greatest_difference(const Tensor& a, const Tensor& b) {
  double greatest = 0;
  for (int64_t i = 0; i < a.count(); ++i) greatest = std::max(greatest, std::abs(a.at(i) - b.at(i)));
  return greatest;
}

}  // namespace

TEST_CASE("a step of training takes all its products from tiles, near the one in f32, in every precision") {
  const Graph graph = small_network(Dim(50));
  const Values plain = after_step(compile(graph));
  // Sums of 36 products of numbers up to 100; updates by 1e-4 times sums of 50 products up to 1e4 or so.
  const std::map<std::string, double> scale{{"error", 36 * 100 * 3.0}, {"w", 50.0}, {"v", 50.0}};
  for (const auto& [precision, unit] : std::vector<std::pair<Precision, double>>{
           {Precision::Bf16, 0x1p-7}, {Precision::F32Split3, 0x1p-14}, {Precision::F32Split, 0x1p-20}}) {
    CAPTURE(to_string(precision));
    Program program = compile(graph, {.contraction = precision, .emulate_tiles = true, .keep_dumps = true});
    CHECK(count_of(program.dumps().schedule, "in tile registers") == 5);
    const Values tiles = after_step(std::move(program));
    for (const auto& [name, size] : scale) {
      CAPTURE(name);
      CHECK(greatest_difference(tiles.at(name), plain.at(name)) <= unit * size);
    }
    CHECK(greatest_difference(tiles.at("error"), plain.at("error")) > 0);
  }
}

TEST_CASE("products in tiles have the same bits on one thread and on two, and for a named batch") {
  const Graph graph = small_network(Dim(50));
  CompileOptions options{.contraction = Precision::F32Split3, .emulate_tiles = true};
  const Values one = after_step(compile(graph, options));
  options.threads = 2;
  options.split_all = true;
  const Values two = after_step(compile(graph, options));
  const Values named = after_step(compile(small_network(Dim("batch")), options));
  for (const char* name : {"error", "w", "v"}) {
    check_close(two.at(name), one.at(name));
    check_close(named.at(name), one.at(name));
  }
}

TEST_CASE("without tiles a split of f32 is f32, to the bit, and the plan says so") {
  const Graph graph = small_network(Dim("batch"));
  const Values plain = after_step(compile(graph, {.level = MachineLevel::V1}));
  for (const Precision precision : {Precision::F32Split3, Precision::F32Split}) {
    Program program =
        compile(graph, {.level = MachineLevel::V1, .contraction = precision, .keep_dumps = true});
    const std::string text = program.dumps().schedule;
    CHECK(count_of(text, "in f32, not in parts") == 5);
    CHECK(count_of(text, "in tile registers") == 0);
    const Values split = after_step(std::move(program));
    for (const auto& [name, value] : plain) check_close(split.at(name), value);
  }
}

TEST_CASE("precisions of single nodes, batches and named rows go into tiles") {
  Graph graph;
  const Value x = graph.input("x", {"rows", 40}), w = graph.input("w", {40, 24});
  graph.output("plain", matmul(x, w));
  graph.output("split", with_precision(matmul, Precision::F32Split)(x, w));
  graph.output("split3", with_precision(matmul, Precision::F32Split3)(x, w));
  const Value a = graph.input("a", {3, 20, 40}), b = graph.input("b", {3, 40, 18});
  graph.output("batched", with_precision(batched_matmul, Precision::F32Split)(a, b));
  Program program = compile(graph, {.emulate_tiles = true, .keep_dumps = true});
  CHECK(count_of(program.dumps().schedule, "6 products of bf16") == 2);
  CHECK(count_of(program.dumps().schedule, "3 products of bf16") == 1);
  CHECK(count_of(to_string(graph), "operand_parts=3") == 2);
  CHECK(to_string(parse(to_string(graph))) == to_string(graph));
  for (const int64_t rows : {0, 1, 33}) {
    const Bindings inputs{{"x", real(Type::f32, {rows, 40}, 1)},
                          {"w", real(Type::f32, {40, 24}, 2)},
                          {"a", real(Type::f32, {3, 20, 40}, 3)},
                          {"b", real(Type::f32, {3, 40, 18}, 4)}};
    const std::map<std::string, Tensor> got = program(inputs), want = evaluate(graph, inputs);
    // Sums of 40 products up to 9.
    for (const char* name : {"plain", "split", "batched"})
      check_close(got.at(name), want.at(name), 8, 40 * 9);
    check_close(got.at("split3"), want.at("split3"), 0x1p9, 40 * 9);
  }
}
