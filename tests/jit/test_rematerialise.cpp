#include "jit/rematerialise.h"

#include "autodiff/reverse.h"
#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"
#include "tests/jit/oracle.h"

using namespace crease;
using namespace crease::test;

namespace {

/// A training step of `depth` layers; every third is relu, and after each second one a chain of elementwise
/// operations that is read twice.
Graph deep_step(int depth, int64_t width, const Tie& tie = Tie::mid) {
  Graph graph;
  Value h = graph.input("x", {"batch", width});
  std::vector<Value> parameters;
  for (int layer = 0; layer < depth; ++layer) {
    const Value w = graph.parameter("w" + std::to_string(layer),
                                    dyadic(Type::f32, {width, width}, static_cast<unsigned>(layer)));
    parameters.push_back(w);
    const Value z = matmul(h, w) * 0.125;
    h = layer % 3 == 0 ? relu(z) : tanh(z);
    if (layer % 2 == 0) h = h + softplus(h) * sigmoid(h);
  }
  const Value loss = mean(h * h);
  graph.output("loss", loss);
  const std::vector<Value> gradients = grad(loss, parameters, {.tie = tie});
  for (size_t i = 0; i < parameters.size(); ++i)
    graph.update(parameters[i], parameters[i] - gradients[i] * 0.5);
  return graph;
}

constexpr int64_t rows = 48;

Bindings data_of(int64_t width, unsigned seed) { return {{"x", dyadic(Type::f32, {rows, width}, seed)}}; }

int64_t arena_of(const Graph& graph, int64_t width) {
  Program program = compile(graph, {.optimisation = 0});
  program.bind(data_of(width, 1));
  return program.arena_bytes();
}

CompileOptions limited(int64_t bytes) {
  return {.optimisation = 0, .memory_limit = bytes, .memory_sizes = {{"batch", rows}}};
}

/// The number after "at least " in the message of the error; 0 if there is none.
int64_t least_of(const Graph& graph, int64_t limit) {
  try {
    compile(graph, limited(limit));
  } catch (const Error& error) {
    const std::string text = error.what();
    CHECK(text.find("do not fit into the memory limit") != std::string::npos);
    return std::stoll(text.substr(text.find("at least ") + 9));
  }
  return 0;
}

}  // namespace

TEST_CASE("under a memory limit a program takes no more, and gives the same bits") {
  constexpr int64_t width = 16;
  for (const Tie& tie : {Tie::left, Tie::mid}) {
    const Graph graph = deep_step(5, width, tie);
    const int64_t whole = arena_of(graph, width);
    for (const double share : {0.8, 0.6}) {
      CAPTURE(share);
      Program plain = compile(graph, {.optimisation = 0});
      Program small = compile(graph, limited(static_cast<int64_t>(static_cast<double>(whole) * share)));
      CHECK(small.kernel_count() > plain.kernel_count());
      for (unsigned step = 0; step < 3; ++step) {
        const Bindings data = data_of(width, step);
        CHECK(small(data).at("loss") == plain(data).at("loss"));
      }
      CHECK(small.parameters() == plain.parameters());
      CHECK(static_cast<double>(small.arena_bytes()) <= static_cast<double>(whole) * share);
    }
  }
}

/// Its second value reads truth values that are computed again beside a product, whose order depends on how
/// they lie in memory.
Graph product_behind_kinks(int64_t rows, int64_t columns) {
  Graph graph;
  const Value p = graph.input("x", {rows, columns});
  const Value unit = hard_sigmoid(relu6(p));
  const Value wide = exp(broadcast_to(p, {3, rows, columns}));
  graph.output("wide", sum(wide * softplus(wide)));
  graph.output("slope", grad(product(tanh(unit)) + sum(wide), p));
  return graph;
}

TEST_CASE("what is added or multiplied beside truth values keeps its order under a limit") {
  for (const int64_t count : {5, 7, 9, 20})
    for (const int64_t columns : {2, 3, 5, 17}) {
      CAPTURE(count);
      CAPTURE(columns);
      const Graph graph = product_behind_kinks(count, columns);
      Program plain = compile(graph);
      const Bindings data{{"x", dyadic(Type::f32, {count, columns}, 1)}};
      const auto want = plain(data);
      const int64_t least = least_of(graph, 1);
      CHECK(compile(graph, {.memory_limit = std::min(least, plain.arena_bytes())})(data) == want);
    }
}

TEST_CASE("a limit that cannot be met is refused with the least, and the least can be met") {
  constexpr int64_t width = 12;
  const Graph graph = deep_step(4, width);
  const int64_t least = least_of(graph, 1);
  CHECK(least > 0);
  CHECK(least < arena_of(graph, width));
  CHECK(least_of(graph, least - 1) == least);
  Program program = compile(graph, limited(least));
  program.bind(data_of(width, 1));
  CHECK(program.arena_bytes() == least);
}

TEST_CASE("a limit above what is needed changes nothing") {
  const Graph graph = deep_step(4, 16);
  CHECK(compile(graph, limited(int64_t{1} << 30)).kernel_count() ==
        compile(graph, {.optimisation = 0}).kernel_count());
}

TEST_CASE("a limit for unknown sizes is refused") {
  CHECK_THROWS_WITH_AS(compile(deep_step(2, 8), {.memory_limit = 1000}),
                       "[compile] a memory limit is for known sizes: dimension 'batch' has none, want it in "
                       "specialise or memory_sizes",
                       Error);
  CHECK_THROWS_WITH_AS(compile(deep_step(2, 8), {.memory_limit = -1}),
                       "[compile] memory limit: got -1 bytes, want 0 (none) or more", Error);
}
