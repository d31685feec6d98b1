#include "graph/scan.h"

#include <algorithm>

#include "autodiff/reverse.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/leaf.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"
#include "jit/compile.h"
#include "tests/jit/allocations.h"
#include "tests/jit/oracle.h"

using namespace crease;
using namespace crease::test;

namespace {

/// One training step of a recurrent network with two carries: forward, backward through time, update.
Graph training_step(const Dim& length, bool reverse = false, int64_t checkpoint = 0) {
  Graph g;
  const Value x = g.input("x", {length, "batch", 5}), target = g.input("target", {length, "batch", 9});
  const Value w = g.parameter("w", dyadic(Type::f32, {5, 9}, 1));
  const Value u = g.parameter("u", dyadic(Type::f32, {9, 9}, 2));
  const Value b = g.parameter("b", dyadic(Type::f32, {9}, 3));
  const Value h0 = g.parameter("h0", dyadic(Type::f32, {1, 9}, 4));
  const Value zero = sum(x, {0, 2}, false);
  const Value start = reshape(zero * 0.0, {"batch", 1}) + h0;
  const ScanResult result = scan(
      {start, start}, {x}, {w, u, b},
      [](const ScanArguments& step) {
        const auto& in = step.invariants;
        const Value h = tanh_op(matmul(step.elements[0], in[0]) + matmul(step.carries[0], in[1]) + in[2]);
        const Value c = relu(step.carries[1] * 0.5 + h);
        return ScanStep{.carries = {h, c}, .outputs = {h * c}};
      },
      {.reverse = reverse, .checkpoint = checkpoint});
  const Value loss = mean(square(result.outputs[0] - target)) + mean(result.carries[1]);
  g.output("loss", loss);
  const std::vector<Value> parameters{w, u, b, h0};
  const std::vector<Value> gradients = grad(loss, parameters);
  for (size_t i = 0; i < parameters.size(); ++i)
    g.update(parameters[i], parameters[i] - gradients[i] * 0.125);
  return g;
}

Bindings batch(int64_t length, int64_t count, unsigned seed) {
  return {{"x", real(Type::f32, {length, count, 5}, seed)},
          {"target", real(Type::f32, {length, count, 9}, seed + 1)}};
}

ScanStep running_sum(const ScanArguments& step) {
  const Value next = step.carries[0] + step.elements[0];
  return {.carries = {next}, .outputs = {next}};
}

}  // namespace

TEST_CASE("a carry whose next value is no function of anything is written by the loop") {
  for (const int64_t length : {0, 1, 2}) {
    CAPTURE(length);
    Graph graph;
    const Value x = graph.input("x", {"batch"}, Type::f64);
    const Value s = graph.input("s", {length, "batch"}, Type::f64);
    const auto step = [](const ScanArguments& a) {
      return ScanStep{{zeros_like(a.carries[0]), a.carries[1] + sum(a.elements[0])}};
    };
    const ScanResult result = scan({x, graph.constant(0, Type::f64)}, {s}, {}, step);
    graph.output("y", result.carries[0]);
    graph.output("z", result.carries[1]);
    check_both(graph, {{"x", dyadic(Type::f64, {3}, 1)}, {"s", dyadic(Type::f64, {length, 3}, 2)}});
  }
}

TEST_CASE("a compiled scan and its gradient equal the interpreter") {
  // Chains of up to 7 steps of sums of up to 9 terms of magnitude 3, backwards again: some thousand
  // roundings.
  for (const int64_t length : {1, 2, 7})
    for (const bool reverse : {false, true}) {
      CAPTURE(length);
      CAPTURE(reverse);
      check_both(training_step(Dim(length), reverse), batch(length, 6, 5), 2000, 4);
      check_both(training_step("time", reverse), batch(length, 3, 7), 2000, 4);
    }
}

TEST_CASE("a compiled scan equals the interpreter on two threads and at every vector width") {
  for (const int bits : {128, 256, 512}) {
    if (bits > host_machine().vector_bits) continue;
    check_program(training_step("time"), batch(5, 17, 5), {.vector_bits = bits}, 2000, 4);
  }
  check_program(training_step("time"), batch(5, 64, 5), {.threads = 2}, 2000, 4);
}

TEST_CASE("compiled code does not grow with the number of steps") {
  const auto code = [](int64_t length) {
    const Compiled compiled = compile_steps(training_step(Dim(length)), {.keep_dumps = true});
    return std::pair(compiled.kernels.kernels.size(), std::ranges::count(compiled.dumps.llvm_ir, '\n'));
  };
  const auto few = code(3), many = code(300);
  CHECK(few.first == many.first);
  CHECK(std::abs(few.second - many.second) <= few.second / 20);
  CHECK(few.first < 40);
}

TEST_CASE("checkpoints save memory and change nothing else") {
  check_both(training_step(Dim(12), false, 4), batch(12, 6, 5), 2000, 4);
  const auto bytes = [](int64_t checkpoint) {
    Program program = compile(training_step(Dim(256), false, checkpoint));
    program.bind(batch(256, 16, 5));
    program.run();
    return program.arena_bytes();
  };
  CHECK(bytes(16) < bytes(0) * 3 / 4);
}

TEST_CASE("one program runs sequences of all lengths, none among them") {
  Graph g;
  const Value start = g.input("start", {3}), x = g.input("x", {"time", 3});
  const ScanResult result = scan({start}, {x}, {}, running_sum);
  g.output("last", result.carries[0]);
  g.output("all", result.outputs[0]);
  Program program = compile(g);
  for (const int64_t length : {4, 0, 1, 9}) {
    CAPTURE(length);
    const Bindings inputs{{"start", dyadic(Type::f32, {3}, 1)}, {"x", dyadic(Type::f32, {length, 3}, 2)}};
    const auto got = program(inputs), want = evaluate(g, inputs);
    check_close(got.at("last"), want.at("last"));
    check_close(got.at("all"), want.at("all"));
  }
}

TEST_CASE("carries that change places, stay, are constant or are read by nobody") {
  Graph g;
  const Value a = g.input("a", {4}), b = g.input("b", {4}), x = g.input("x", {5, 4});
  const ScanResult result = scan({a, b, a, b, a}, {x}, {b}, [](const ScanArguments& step) {
    const auto& c = step.carries;
    return ScanStep{
        .carries = {c[1], c[0] + step.elements[0], c[2], step.invariants[0] * 2.0, step.elements[0]},
        .outputs = {c[0], c[2], step.invariants[0], c[3] + c[4], step.elements[0]}};
  });
  for (size_t i = 0; i < result.carries.size(); ++i) g.output("carry" + std::to_string(i), result.carries[i]);
  for (size_t i = 0; i < result.outputs.size(); ++i)
    g.output("output" + std::to_string(i), result.outputs[i]);
  // What reads an operand before the loop and a carry after it stays behind the loop.
  g.output("after", a * 2.0 + result.carries[0] * result.carries[1]);
  const Bindings inputs{{"a", dyadic(Type::f32, {4}, 1)},
                        {"b", dyadic(Type::f32, {4}, 2)},
                        {"x", dyadic(Type::f32, {5, 4}, 3)}};
  check_both(g, inputs);
  Graph only;
  const Value s = only.input("s", {4}), y = only.input("y", {5, 4});
  const ScanResult part = scan({s, s}, {y}, {}, [](const ScanArguments& step) {
    return ScanStep{.carries = {step.elements[0], step.carries[1] + step.elements[0]},
                    .outputs = {step.carries[1]}};
  });
  only.output("all", part.outputs[0] * 2.0);
  check_both(only, {{"s", dyadic(Type::f32, {4}, 1)}, {"y", dyadic(Type::f32, {5, 4}, 3)}});
}

TEST_CASE("a compiled scan in the body of a scan, forward and backward") {
  Graph g;
  const Value start = g.input("start", {2}), x = g.parameter("x", real(Type::f32, {3, 4, 2}, 1));
  const ScanResult rows = scan({start}, {x}, {}, [](const ScanArguments& step) {
    const ScanResult row = scan(step.carries, step.elements, {}, [](const ScanArguments& inner) {
      const Value next = tanh_op(inner.carries[0] * 0.5 + inner.elements[0]);
      return ScanStep{.carries = {next}, .outputs = {next * inner.elements[0]}};
    });
    return ScanStep{.carries = row.carries, .outputs = {sum(row.outputs[0], {0})}};
  });
  const Value loss = sum(rows.carries[0]) + sum(square(rows.outputs[0]));
  g.output("loss", loss);
  g.output("rows", rows.outputs[0]);
  g.update(x, x - grad(loss, {&x, 1})[0] * 0.125);
  check_both(g, {{"start", real(Type::f32, {2}, 2)}}, 200, 4);
}

TEST_CASE("two loops, one over what the other gives, and a loop over whole numbers") {
  Graph g;
  const Value start = g.input("start", {3}), x = g.input("x", {6, 3});
  const Value forward = scan({start}, {x}, {}, running_sum).outputs[0];
  const Value both = scan({start}, {forward}, {}, running_sum, {.reverse = true}).outputs[0];
  g.output("both", both + forward);
  const Value zero = g.constant(Tensor::i32({}, {0}));
  const ScanResult count =
      scan({zero}, {}, {},
           [](const ScanArguments& step) {
             return ScanStep{.carries = {step.carries[0] + 3.0}, .outputs = {step.carries[0]}};
           },
           {.length = Dim(5)});
  g.output("count", count.outputs[0]);
  check_both(g, {{"start", dyadic(Type::f32, {3}, 1)}, {"x", dyadic(Type::f32, {6, 3}, 2)}});
}

TEST_CASE("a loop of hundreds of scalars in its body equals the interpreter") {
  Graph g;
  const Value a = g.input("a", {}, Type::f64), x = g.input("x", {4}, Type::f64);
  const ScanResult result = scan({a}, {x}, {}, [](const ScanArguments& step) {
    Value sum_of = step.carries[0], term = step.elements[0];
    for (int i = 0; i < 150; ++i) {
      term = term * (0.5 + 0.001 * i) + step.carries[0] * 0.001;
      sum_of = sum_of * 0.5 + term;
    }
    return ScanStep{.carries = {sum_of}, .outputs = {term}};
  });
  g.output("y", result.carries[0]);
  g.output("z", result.outputs[0]);
  check_both(g, {{"a", real(Type::f64, {}, 1)}, {"x", real(Type::f64, {4}, 2)}}, 2000, 1);
}

TEST_CASE("a run of a scan after the first allocates nothing") {
  Program program = compile(training_step("time"));
  program.bind(batch(8, 16, 1));
  const std::optional<int64_t> bound = allocations();
  program.run();
  program.run();
  CHECK(allocations() == bound);
}
