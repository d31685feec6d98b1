// Decisions at kinks in machine code: comparisons that no optimisation may bend, lanes that agree, windows
// that are decided once.
#include <doctest/doctest.h>

#include "autodiff/reverse.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/reduction.h"
#include "tests/jit/oracle.h"

using namespace crease;
using namespace crease::test;

namespace {

/// An activation and the points at which it has kinks.
struct Kinked {
  Op op;
  std::vector<double> kinks;
};

const std::vector<Kinked>& kinked() {
  static const std::vector<Kinked> all{
      {relu, {0}},           {relu6, {0, 6}},         {abs_op, {0}},          {hard_tanh, {-1, 1}},
      {hard_swish, {-3, 3}}, {hard_sigmoid, {-3, 3}}, {leaky_relu(0.25), {0}}};
  return all;
}

const std::vector<Tie>& ties_of_one_argument() {
  static const std::vector<Tie> all{Tie::left, Tie::right, Tie::mid, Tie::value(0.25), Tie::min_norm};
  return all;
}

Graph gradient_of(const Op& op, const Tie& tie, int64_t lanes) {
  Graph graph;
  const Value x = graph.input("x", {lanes});
  graph.output("dx", grad(sum(op(x)), x, {.tie = tie}));
  return graph;
}

}  // namespace

TEST_CASE("comparisons are compiled without leave to ignore NaN, signs of zero or order") {
  for (const Kinked& it : kinked())
    for (const Tie& tie : {Tie::left, Tie::right}) {
      CAPTURE(it.op.name);
      const Program program = compile(gradient_of(it.op, tie, 67), {.keep_dumps = true});
      const std::string& text = program.dumps().llvm_ir;
      CHECK(text.find("fcmp o") != std::string::npos);
      for (const char* flag : {" nnan ", " ninf ", " nsz ", " arcp ", " reassoc ", " afn ", " fast "})
        CHECK(text.find(flag) == std::string::npos);
    }
}

TEST_CASE("a point has one derivative, in whatever lane it stands, at every length, level and width") {
  for (const Kinked& it : kinked())
    for (const Tie& tie : {Tie::left, Tie::right, Tie::mid})
      for (const int64_t lanes : {1, 7, 8, 15, 16, 17, 64, 67}) {
        const Graph graph = gradient_of(it.op, tie, lanes);
        const int bits = lanes % 2 == 0 ? 128 : 0;
        Program program = compile(graph, {.vector_bits = bits, .optimisation = lanes < 16 ? 0 : 2});
        for (const double kink : it.kinks) {
          CAPTURE(it.op.name);
          CAPTURE(to_string(tie));
          CAPTURE(lanes);
          CAPTURE(kink);
          Tensor x(Type::f32, {lanes});
          for (int64_t i = 0; i < lanes; ++i) x.set(i, kink);
          const Tensor dx = program({{"x", x}}).at("dx");
          const double want = evaluate(graph, {{"x", x}}).at("dx").at(0);
          for (int64_t i = 0; i < lanes; ++i) CHECK(dx.at(i) == want);
        }
      }
}

TEST_CASE("every rule is what the slopes at the kink say, compiled") {
  for (const Tie& tie : ties_of_one_argument()) {
    Program program = compile(gradient_of(abs_op, tie, 17));
    const Tensor dx = program({{"x", Tensor(Type::f32, {17})}}).at("dx");
    const double weight = tie == Tie::min_norm ? 0.5 : tie.weight();
    for (int64_t i = 0; i < 17; ++i) CHECK(dx.at(i) == 2 * weight - 1);
  }
}

TEST_CASE("a window is decided once: the backward kernel reads an index and no operand") {
  for (const Tie& tie : {Tie::left, Tie::right}) {
    Graph graph;
    const Value x = graph.input("x", {"batch", 2, 8, 8});
    const Value k = graph.parameter("k", dyadic(Type::f32, {4, 2, 3, 3}, 1));
    const Value m = graph.parameter("m", dyadic(Type::f32, {3, 4, 3, 3}, 2));
    const Value y = max_pool2d(conv2d(x, k, {.padding = {1}}));
    const Value loss = sum(square(conv2d(y, m, {.padding = {1}})));
    graph.output("dk", grad(loss, k, {.tie = tie}));
    const Program program = compile(graph, {.keep_dumps = true});
    const std::string& text = program.dumps().fused;
    const std::string index = tie == Tie::left ? "last_tied" : "first_tied";
    int readers = 0;
    for (size_t at = text.find("\nkernel "), next = 0; at != std::string::npos; at = next) {
      next = text.find("\nkernel ", at + 1);
      const std::string kernel = text.substr(at, next - at);
      if (kernel.find("read " + index) == std::string::npos) continue;
      ++readers;
      CHECK(kernel.find("read conv2d") == std::string::npos);
      CHECK(kernel.find("read max_pool2d") == std::string::npos);
    }
    CHECK(readers >= 1);
    check_program(graph, {{"x", integers(Type::f32, {3, 2, 8, 8}, -1, 1, 5)}});
  }
}
