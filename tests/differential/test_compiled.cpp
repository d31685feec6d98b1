// Random graphs with their gradients: compiled programs against the interpreter.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <random>
#include <sstream>

#include "autodiff/directional.h"
#include "graph/error.h"
#include "graph/text.h"
#include "jit/machine.h"
#include "jit/program.h"
#include "tests/differential/random_graph.h"
#include "tests/level.h"

using namespace crease;
using namespace crease::differential;

namespace {

/// The random graph with gradients of its loss as outputs, and an update of its parameter.
Graph training_graph(uint64_t seed, const RandomOptions& options, const Tie& tie) {
  RandomGraph made = random_graph(seed, options);
  const std::vector<Value> gradients = grad(made.loss, made.variables, {.tie = tie});
  for (size_t k = 0; k < gradients.size(); ++k)
    made.graph.output("gradient." + made.variables[k].node().name, gradients[k]);
  made.graph.update(made.variables.back(), made.variables.back() - gradients.back() * 0.5);
  return made.graph;
}

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

/// Compares all outputs and the updated parameter, allowing `tolerance` relative to the greatest element.
void compare(const Graph& graph, const Bindings& inputs, const CompileOptions& options, double tolerance) {
  const auto want = evaluate(graph, inputs);
  Program program = compile(graph, test::at_test_level(options));
  auto got = program(inputs);
  got.emplace("p", program.parameter("p"));
  for (const auto& [name, tensor] : want) {
    CAPTURE(name);
    REQUIRE(got.at(name).sizes() == tensor.sizes());
    double scale = 1;
    for (int64_t i = 0; i < tensor.count(); ++i)
      if (std::isfinite(tensor.at(i))) scale = std::max(scale, std::abs(tensor.at(i)));
    for (int64_t i = 0; i < tensor.count(); ++i) {
      const double a = got.at(name).at(i), b = tensor.at(i);
      if (same(a, b) || std::abs(a - b) <= tolerance * scale) continue;
      CAPTURE(i);
      CHECK(a == b);
      break;
    }
  }
}

/// Ways to compile that results must not depend on.
CompileOptions any_options(std::mt19937_64& random, int64_t batch) {
  const auto below = [&](int count) { return static_cast<int>(random() % static_cast<uint64_t>(count)); };
  const int widest = host_machine().vector_bits, bits = 128 << below(3);
  CompileOptions options{.threads = 1 + below(3),
                         .vector_bits = below(2) == 0 ? 0 : std::min(bits, widest),
                         .fuse = below(4) != 0,
                         .optimisation = below(3),
                         .split_all = below(2) == 0};
  if (below(2) == 0) options.specialise = {{"batch", batch}};
  return options;
}

/// Where a limit of three quarters of the memory can be met, the bits are the same.
void compare_limited(const Graph& graph, const Bindings& inputs, CompileOptions options, int64_t batch) {
  options = test::at_test_level(options);
  Program plain = compile(graph, options);
  const auto want = plain(inputs);
  options.memory_limit = std::max<int64_t>(1, plain.arena_bytes() * 3 / 4);
  options.memory_sizes = {{"batch", batch}};
  try {
    const auto got = compile(graph, options)(inputs);
    for (const auto& [name, tensor] : want)
      for (int64_t i = 0; i < tensor.count(); ++i)
        if (!same(got.at(name).at(i), tensor.at(i))) CHECK(name + " differs under a memory limit" == "");
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find("do not fit into the memory limit") != std::string::npos);
  }
}

/// The first seed and their number: CREASE_SEEDS="1000 5000" for a campaign.
std::pair<uint64_t, uint64_t> seeds_or(uint64_t first, uint64_t count) {
  const char* text = std::getenv("CREASE_SEEDS");
  if (text != nullptr) std::istringstream(text) >> first >> count;
  return {first, count};
}

}  // namespace

TEST_CASE("compiled piecewise-linear graphs and gradients equal the interpreter to the bit, fused or not") {
  for (uint64_t seed = 0; seed < 12; ++seed) {
    CAPTURE(seed);
    const Tie tie = seed % 3 == 0 ? Tie::left : seed % 3 == 1 ? Tie::right : Tie::value(0.25);
    const bool more = seed >= 8;
    const Graph graph = training_graph(
        seed, {.type = Type::f64, .piecewise_linear = true, .holds = more, .casts = more}, tie);
    const Bindings inputs = halves(graph, seed);
    for (const bool fuse : {false, true}) {
      CAPTURE(fuse);
      compare(graph, inputs, {.fuse = fuse}, 0);
    }
  }
}

TEST_CASE("compiled graphs of all operations equal the interpreter up to rounding, fused or not") {
  for (uint64_t seed = 100; seed < 106; ++seed) {
    CAPTURE(seed);
    // No jumps: one ulp before a floor or a comparison is another result.
    const Graph graph = training_graph(seed, {.type = Type::f64, .continuous = true}, Tie::left);
    const Bindings inputs = irregular(graph, seed);
    for (const bool fuse : {false, true}) {
      CAPTURE(fuse);
      // 20 layers, each may amplify what came before by at most 2^2 and adds 2^6 roundings of 2^-52.
      compare(graph, inputs, {.fuse = fuse}, 0x1p-40);
    }
  }
}

TEST_CASE("large random graphs equal the interpreter, however they are compiled") {
  const auto [first, count] = seeds_or(200, 16);
  for (uint64_t seed = first; seed < first + count; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    const bool exact = random() % 2 == 0, single = random() % 3 == 0;
    const int64_t batch = std::vector<int64_t>{1, 2, 8, 17, 33, 64, 65}[random() % 7];
    Graph graph = training_graph(seed,
                                 {.type = exact || !single ? Type::f64 : Type::f32,
                                  .piecewise_linear = exact,
                                  .continuous = !exact,
                                  .operations = 5 + static_cast<int>(random() % 30),
                                  .large = true},
                                 random() % 2 == 0 ? Tie::left : Tie::right);
    const Bindings inputs = exact ? halves(graph, seed, batch) : irregular(graph, seed, batch);
    if (!exact) {  // halves may cancel but for rounding, on either side of a kink
      Tensor numbers = graph.find("p").node().value;
      for (int64_t i = 0; i < numbers.count(); ++i)
        numbers.set(i, static_cast<double>(random() >> 11) * 0x1p-51 - 2);
      graph.set_parameter("p", numbers);
    }
    for (int way = 0; way < 2; ++way) {
      const CompileOptions options = any_options(random, batch);
      CAPTURE(options.vector_bits);
      CAPTURE(options.fuse);
      CAPTURE(options.threads);
      CAPTURE(options.optimisation);
      // Sums of up to 2^12 terms behind one another; halves stay exact up to 2^52.
      compare(graph, inputs, options, exact ? 0x1p-52 : single ? 0x1p-10 : 0x1p-36);
      if (way == 0) compare_limited(graph, inputs, options, batch);
    }
  }
}
