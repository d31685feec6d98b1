#include "autodiff/reverse.h"
#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/lookup.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"
#include "graph/scan.h"
#include "jit/machine.h"
#include "tests/jit/allocations.h"
#include "tests/jit/oracle.h"

using namespace crease;
using namespace crease::test;

namespace {

/// How the kernels run on two threads.
std::string schedule_of(const Graph& graph) {
  return compile(graph, {.threads = 2, .keep_dumps = true}).dumps().schedule;
}

/// From the first place where the text has the word to the end of that line.
std::string line_with(const std::string& text, const std::string& word) {
  const size_t begin = text.find(word);
  REQUIRE(begin != std::string::npos);
  return text.substr(begin, text.find('\n', begin) - begin);
}

/// A step of gradient descent: two layers, softmax cross-entropy.
Graph training_step(int64_t in, int64_t hidden, int64_t classes, bool exact = false) {
  Graph graph;
  const Value x = graph.input("x", {"batch", in}), label = graph.input("label", {"batch"}, Type::i32);
  const Value w = graph.parameter("w", dyadic(Type::f32, {in, hidden}, 1));
  const Value b = graph.parameter("b", dyadic(Type::f32, {hidden}, 2));
  const Value v = graph.parameter("v", dyadic(Type::f32, {hidden, classes}, 3));
  const Value c = graph.parameter("c", dyadic(Type::f32, {classes}, 4));
  const Value logits = matmul(relu(matmul(x, w) + b), v) + c;
  Value loss;
  if (exact) {
    loss = sum(max(logits, 0.5 * logits)) - sum(pick(logits, label) * 2.0) +
           sum(one_hot(label, classes) * logits);
  } else {
    const Value shifted = logits - reduce_max(logits, {1}, true);
    loss = mean(log(sum(exp(shifted), {1})) - pick(shifted, label));
  }
  graph.output("loss", loss);
  const std::vector<Value> parameters{w, b, v, c};
  const std::vector<Value> gradients = grad(loss, parameters);
  for (size_t i = 0; i < parameters.size(); ++i)
    graph.update(parameters[i], parameters[i] - gradients[i] * 0.0625);
  return graph;
}

Bindings batch(int64_t count, int64_t in, int64_t classes, unsigned seed = 7) {
  return {{"x", dyadic(Type::f32, {count, in}, seed)},
          {"label", integers(Type::i32, {count}, 0, static_cast<int>(classes) - 1, seed + 1)}};
}

}  // namespace

TEST_CASE("a training step equals the interpreter") {
  // Sums of up to 33 terms of magnitude up to 16, twice: 64 roundings of at most half a unit each.
  for (int64_t count : {1, 7, 16, 33})
    for (int64_t classes : {2, 10, 17}) {
      CAPTURE(count);
      CAPTURE(classes);
      check_both(training_step(19, 21, classes), batch(count, 19, classes), 64, 4);
    }
}

TEST_CASE("a piecewise-linear training step on dyadic data equals the interpreter bit for bit") {
  for (int64_t count : {1, 8, 17})
    for (int bits : {128, 256, 512}) {
      CAPTURE(count);
      CAPTURE(bits);
      if (bits > host_machine().vector_bits) continue;
      for (bool fuse : {false, true})
        check_program(training_step(15, 16, 4, true), batch(count, 15, 4),
                      {.vector_bits = bits, .fuse = fuse});
    }
}

TEST_CASE("many steps with changing batch sizes equal the interpreter") {
  Graph graph = training_step(9, 16, 3);
  Program program = compile(graph);
  for (unsigned step = 0; step < 6; ++step) {
    CAPTURE(step);
    const Bindings inputs = batch(3 + static_cast<int64_t>(step * 7 % 11), 9, 3, step);
    const std::map<std::string, Tensor> want = evaluate(graph, inputs);
    const std::map<std::string, Tensor> got = program(inputs);
    check_close(got.at("loss"), want.at("loss"), 64, 4);
    for (const auto& [name, value] : program.parameters()) {
      CAPTURE(name);
      check_close(value, want.at(name), 64, 4);
      graph.set_parameter(name, value);
    }
  }
}

TEST_CASE("a run after the first allocates nothing") {
  Program program = compile(training_step(19, 21, 10));
  program.bind(batch(16, 19, 10));
  const std::optional<int64_t> bound = allocations();
  program.run();
  program.run();
  CHECK(allocations() == bound);
  if (!bound) MESSAGE("not counted under AddressSanitizer");
}

TEST_CASE("a bind of the same sizes writes no text") {
  Program program = compile(training_step(19, 21, 10));
  const Bindings inputs = batch(16, 19, 10);
  program.bind(inputs);
  const std::optional<int64_t> before = allocations();
  program.bind(inputs);
  const std::optional<int64_t> after = allocations();
  // The list of two inputs grows twice; each tensor copies its sizes; "batch" is the only named dimension.
  if (before) CHECK(*after - *before <= 5);
}

TEST_CASE("a dimension fixed at compile time gives the same results and refuses other sizes") {
  const Graph graph = training_step(9, 16, 3);
  check_program(graph, batch(8, 9, 3), {.specialise = {{"batch", 8}}}, 64, 4);
  Program program = compile(graph, {.specialise = {{"batch", 8}}});
  CHECK_THROWS_WITH_AS(program.bind(batch(9, 9, 3)),
                       "[bind] dimension 'batch' was fixed when the program was compiled: got 9, want 8",
                       Error);
}

TEST_CASE("updates overwrite their parameter in a fused step") {
  Program program = compile(training_step(19, 21, 10), {.keep_dumps = true});
  const std::string& memory = program.dumps().memory;
  CAPTURE(memory);
  CHECK(memory.find("changes places") == std::string::npos);
  CHECK(memory.find("lies in w") != std::string::npos);
}

TEST_CASE("state is copied in and out") {
  Program program = compile(training_step(9, 16, 3));
  const Tensor before = program.parameter("b");
  program(batch(8, 9, 3));
  CHECK(program.parameter("b") != before);
  program.set_parameter("b", before);
  CHECK(program.parameter("b") == before);
  CHECK_THROWS_WITH_AS(program.parameter("q"), "[program] no parameter 'q': the graph has w, b, v, c", Error);
  CHECK_THROWS_WITH_AS(program.set_parameter("b", Tensor(Type::f32, {3})),
                       "[program] parameter 'b' has another type or shape: got f32[3], want f32[16]", Error);
  CHECK_THROWS_WITH_AS(program.output("q"), "[program] no output 'q': the graph has loss", Error);
}

TEST_CASE("impossible options are refused") {
  const Graph graph = training_step(9, 16, 3);
  CHECK_THROWS_WITH_AS(
      compile(Graph()),
      "[compile] the graph has neither outputs nor updates: got a graph of 0 nodes, want at least "
      "one result",
      Error);
  CHECK_THROWS_WITH_AS(compile(graph, {.threads = 0}), "[compile] number of threads: got 0, want 1 to 1024",
                       Error);
  CHECK_THROWS_WITH_AS(compile(graph, {.optimisation = 3}),
                       "[compile] optimisation level: got 3, want 0, 1 or 2", Error);
  CHECK_THROWS_WITH_AS(compile(graph, {.specialise = {{"time", 3}}}),
                       "[compile] no named dimension 'time' to specialise: the graph has batch", Error);
  CHECK_THROWS_AS(compile(graph, {.vector_bits = 96}), Error);
}

TEST_CASE("outputs before the first bind are refused") {
  const Program program = compile(training_step(9, 16, 3));
  CHECK_THROWS_WITH_AS(program.output("loss"),
                       "[program] output 'loss' has no value: the program was never bound", Error);
}

TEST_CASE("any number of threads gives the same bits") {
  const Graph graph = training_step(600, 500, 40);
  for (int threads : {2, 3}) {
    CAPTURE(threads);
    Program many = compile(graph, {.threads = threads, .keep_dumps = true});
    CHECK(many.dumps().schedule.find(fmt::format("{} threads", threads)) != std::string::npos);
    Program again = compile(graph);
    for (unsigned step = 0; step < 3; ++step) {
      const Bindings inputs = batch(70, 600, 40, step);
      CHECK(many(inputs).at("loss") == again(inputs).at("loss"));
    }
    CHECK(many.parameters() == again.parameters());
  }
}

TEST_CASE("few rows of a product are split by columns, unless the step changes the operand") {
  const auto products = [](int64_t rows, bool trained) {
    Graph graph;
    const Value x = graph.input("x", {rows, 1000});
    const Value w = graph.parameter("w", dyadic(Type::f32, {1000, 1000}, 5));
    const Value y = matmul(matmul(x, w), w);
    graph.output("y", y);
    if (trained) graph.update(w, w - grad(mean(y), w));
    return graph;
  };
  const auto first_product = [](const Graph& graph) { return line_with(schedule_of(graph), "matmul"); };
  CHECK(count_of(first_product(products(10, false)), "2 threads by columns") > 0);
  CHECK(count_of(first_product(products(512, false)), "2 threads") > 0);
  CHECK(count_of(first_product(products(10, true)), "threads") == 0);

  const Bindings inputs{{"x", dyadic(Type::f32, {10, 1000}, 6)}};
  const Tensor one = compile(products(10, false))(inputs).at("y");
  for (const int threads : {2, 3})
    CHECK(compile(products(10, false), {.threads = threads})(inputs).at("y") == one);
}

TEST_CASE("what waits for memory is split, one turn of a long loop is not") {
  Graph pooling;
  const Value pooled = max_pool2d(pooling.input("x", {128, 32, 32, 32}), {.window = {2, 2}});
  pooling.output("sums", sum(pooled * pooled, {0}));
  CHECK(count_of(line_with(schedule_of(pooling), "max_pool2d"), "2 threads") > 0);

  Graph loop;
  const Value x = loop.input("x", {8192, 32, 32}), start = loop.input("h", {32, 32});
  const ScanResult result = scan({start}, {x}, {}, [](const ScanArguments& at) {
    return ScanStep{{at.carries[0] + at.elements[0]}, {}};
  });
  loop.output("h", result.carries[0]);
  CHECK(count_of(schedule_of(loop), "2 threads") == 0);
}

TEST_CASE("a chain of functions whose results are for the caller is split") {
  Graph graph;
  const Value x = graph.input("x", {1 << 20});
  graph.output("y", tanh(x) * exp(x));
  CHECK(count_of(schedule_of(graph), "2 threads") > 0);
}

TEST_CASE("a batch of nothing leaves sums empty") {
  Program program = compile(training_step(9, 16, 3, true));
  const Graph graph = training_step(9, 16, 3, true);
  const Bindings inputs = batch(0, 9, 3);
  const std::map<std::string, Tensor> want = evaluate(graph, inputs);
  CHECK(program(inputs).at("loss") == want.at("loss"));
  CHECK(program.parameter("w") == want.at("w"));
}
