// Branches that are not taken, infinite slopes and NaN: the same numbers from the interpreter and from
// compiled code, at the lowest and the highest optimisation, and at lengths around the width of a vector.
#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "autodiff/directional.h"
#include "autodiff/lock.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"
#include "graph/scan.h"
#include "jit/program.h"

using namespace crease;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

using Function = std::function<Value(const Value& x, const Value& zero)>;

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

/// Every way to run a graph of one input, at lengths around the width of a vector: the elements of output "y"
/// must all be `want`.
void check_everywhere(const Graph& graph, Type type, double at, double want) {
  std::vector<Program> programs;
  for (const int optimisation : {0, 2})
    for (const bool fuse : {false, true})
      programs.push_back(compile(graph, {.fuse = fuse, .optimisation = optimisation}));
  for (const int64_t lanes : {1, 7, 16, 17, 67}) {
    Tensor x(type, {lanes});
    for (int64_t i = 0; i < lanes; ++i) x.set(i, at);
    std::vector<Tensor> results{evaluate(graph, {{"x", x}}).at("y")};
    for (Program& program : programs) results.push_back(program({{"x", x}}).at("y"));
    for (size_t run = 0; run < results.size(); ++run)
      for (int64_t i = 0; i < lanes; ++i) {
        CAPTURE(run);
        CAPTURE(lanes);
        CAPTURE(results[run].at(i));
        REQUIRE(same(results[run].at(i), want));
      }
  }
}

/// The gradient of sum(f(x)), in both types.
void check_gradient(const Function& f, double at, double want, const GradOptions& options = {}) {
  for (const Type type : {Type::f32, Type::f64}) {
    Graph graph;
    const Value x = graph.input("x", {"n"}, type);
    graph.output("y", grad(sum(f(x, graph.constant(0.0, type))), x, options));
    check_everywhere(graph, type, at, want);
  }
}

void check_derivative(const Function& f, double at, double direction, double want) {
  for (const Type type : {Type::f32, Type::f64}) {
    Graph graph;
    const Value x = graph.input("x", {"n"}, type);
    const Value along = broadcast_to(graph.constant(direction, type), x.shape());
    graph.output("y", directional_derivative(f(x, graph.constant(0.0, type)), x, along));
    check_everywhere(graph, type, at, want);
  }
}

}  // namespace

TEST_CASE("the branch not taken contributes nothing, whatever it holds") {
  const std::vector<Function> guarded{
      [](const Value& x, const Value& zero) { return where(x > zero, log(x), zero); },
      [](const Value& x, const Value& zero) { return where(x > zero, sqrt(x), zero); },
      [](const Value& x, const Value& zero) { return where(x > zero, ratio(1)(x), zero); },
      [](const Value& x, const Value& zero) { return where(x <= zero, zero, log(sqrt(x))); },
  };
  for (const Function& f : guarded)
    for (const double at : {0.0, -0.0, -2.0, -infinity}) check_gradient(f, at, 0);
  check_gradient(guarded[0], 4, 0.25);
  check_gradient(guarded[1], 4, 0.25);
}

TEST_CASE("guarded roots and norms have one-sided derivatives at 0") {
  const Function root = [](const Value& x, const Value& zero) { return where(x > zero, sqrt(x), zero); };
  check_derivative(root, 0, 1, infinity);
  check_derivative(root, 0, -1, 0);
  const Function size = [](const Value& x, const Value&) { return sqrt(square(x)); };
  check_derivative(size, 0, 1, 1);
  check_derivative(size, 0, -2, 2);
  check_derivative([](const Value& x, const Value&) { return sqrt(x); }, 0, -1, not_a_number);
}

TEST_CASE("a norm at 0 has gradient 0, and a strong zero stands before an infinite slope") {
  check_gradient([](const Value& x, const Value&) { return norm2(x); }, 0, 0);
  check_gradient([](const Value& x, const Value&) { return sqrt(relu(x)); }, 0, 0);
  check_gradient([](const Value& x, const Value& zero) { return zero * sqrt(x); }, 0, 0);
  check_gradient([](const Value& x, const Value&) { return sqrt(x); }, 0, infinity);
  check_gradient([](const Value& x, const Value&) { return sqrt(x); }, 0, 0, {.at_pole = AtPole::Zero});
  check_gradient([](const Value& x, const Value&) { return sqrt(relu(x)) + relu(x); }, 0, 0,
                 {.at_pole = AtPole::Ieee});
}

namespace {

const std::vector<Function>& kinked() {
  static const std::vector<Function> all{[](const Value& x, const Value&) { return relu(x); },
                                         [](const Value& x, const Value&) { return abs(x); },
                                         [](const Value& x, const Value&) { return hard_tanh(x); },
                                         [](const Value& x, const Value&) { return relu6(x); },
                                         [](const Value& x, const Value&) { return hard_swish(x); },
                                         [](const Value& x, const Value& zero) { return max(x, zero); },
                                         [](const Value& x, const Value& zero) { return max(zero, x); },
                                         [](const Value& x, const Value& zero) { return min(x, zero); },
                                         [](const Value& x, const Value&) { return leaky_relu(0.25)(x); }};
  return all;
}

}  // namespace

TEST_CASE("NaN in, NaN out: values, derivatives and gradients of everything with a kink") {
  const std::vector<std::function<Value(const Value&)>> losses{[](const Value& y) { return y; },
                                                               [](const Value& y) { return square(y); }};
  for (const Function& f : kinked()) {
    for (const Tie& tie : {Tie::left, Tie::right, Tie::mid, Tie::value(0.25), Tie::min_norm})
      for (const auto& of : losses)
        check_gradient([&](const Value& x, const Value& zero) { return of(f(x, zero)); }, not_a_number,
                       not_a_number, {.tie = tie});
    check_derivative(f, not_a_number, 1, not_a_number);
    for (const Type type : {Type::f32, Type::f64}) {
      Graph graph;
      const Value x = graph.input("x", {"n"}, type);
      graph.output("y", f(x, graph.constant(0.0, type)));
      check_everywhere(graph, type, not_a_number, not_a_number);
    }
  }
}

TEST_CASE("a locked gradient at NaN is NaN, whatever the loss makes of the value") {
  for (const Function& f : kinked())
    for (const bool squared : {false, true}) {
      Graph graph;
      const Value x = graph.input("x", {"n"});
      const Value y = f(x, graph.constant(0.0)), along = broadcast_to(graph.constant(1.0), x.shape());
      graph.output("y", locked_grad(sum(squared ? square(y) : y), {&x, 1}, {{along}}).gradient[0]);
      check_everywhere(graph, Type::f32, not_a_number, not_a_number);
    }
}

TEST_CASE("both infinities have the slopes of their own side") {
  check_gradient([](const Value& x, const Value&) { return relu(x); }, infinity, 1);
  check_gradient([](const Value& x, const Value&) { return relu(x); }, -infinity, 0);
  check_gradient([](const Value& x, const Value&) { return abs(x); }, -infinity, -1);
}

TEST_CASE("subnormal numbers are no kinks unless the program is compiled to flush them") {
  Graph graph;
  const Value x = graph.input("x", {"n"});
  const Value loss = sum(relu(x)), along = graph.input("d", {"n"});
  graph.output("gradient", grad(loss, x));
  graph.output("hits", locked_grad(loss, {&x, 1}, {{along}}).hits);
  const float tiny = std::numeric_limits<float>::denorm_min();
  const Bindings at{{"x", Tensor::f32({3}, {tiny, -tiny, tiny})}, {"d", Tensor::f32({3}, {1, 1, 1})}};
  for (const int threads : {1, 2}) {
    const auto kept = compile(graph, {.threads = threads})(at);
    CHECK(kept.at("gradient").at(0) == 1);
    CHECK(kept.at("hits").item() == 0);
    const auto flushed = compile(graph, {.threads = threads, .subnormals = Subnormals::Flush})(at);
    CHECK(flushed.at("gradient").at(0) == 0);
    CHECK(flushed.at("hits").item() == 3);
  }
  const FloatMode caller(Subnormals::Flush);  // the caller's own mode does not count
  CHECK(evaluate(graph, at).at("hits").item() == 0);
  CHECK(evaluate(graph, at, Subnormals::Flush).at("hits").item() == 3);
  CHECK(compile(graph)(at).at("hits").item() == 0);
}

TEST_CASE("constants are flushed where the program flushes, in loops and bodies too") {
  static const Op shifted{.name = "shifted", .doc = "", .body = [](Scalar x) {
                            const auto tiny = Scalar(0x1p-100) * Scalar(0x1p-40);
                            return x + tiny * Scalar(0x1p100);
                          }};
  Graph graph;
  const Value x = graph.input("x", {3});
  const Value tiny = graph.constant(0x1p-100) * graph.constant(0x1p-40);
  graph.output("node", x + tiny * 0x1p100);
  graph.output("body", shifted(x));
  const ScanResult loop = scan({graph.constant(0.0)}, {x}, {}, [](const ScanArguments& turn) {
    Graph body = turn.elements[0].graph().handle();
    const Value inner = body.constant(0x1p-100) * body.constant(0x1p-40);
    return ScanStep{.carries = {turn.carries[0] + turn.elements[0] + inner * 0x1p100}, .outputs = {}};
  });
  graph.output("loop", loop.carries[0]);
  const Bindings at{{"x", Tensor::f32({3}, {0, 0, 0})}};
  for (const Subnormals subnormals : {Subnormals::Keep, Subnormals::Flush}) {
    const auto want = evaluate(graph, at, subnormals);
    CHECK(want.at("node").at(0) == (subnormals == Subnormals::Keep ? 0x1p-40 : 0));
    const auto got = compile(graph, {.subnormals = subnormals})(at);
    for (const auto& [name, value] : want) {
      CAPTURE(name);
      CHECK(got.at(name) == value);
    }
  }
}
