#include <doctest/doctest.h>

#include "autodiff/census.h"
#include "autodiff/certified_gradient.h"
#include "autodiff/functional_dimension.h"
#include "autodiff/gradient_check.h"
#include "autodiff/jacobian.h"
#include "autodiff/lock.h"
#include "autodiff/second_order.h"
#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/hold.h"
#include "graph/ops/reduction.h"
#include "graph/rewrite/collapse.h"
#include "graph/rewrite/share.h"
#include "graph/rewrite/simplify.h"
#include "graph/rewrite/tidy.h"
#include "graph/scan.h"
#include "graph/text.h"
#include "tests/autodiff/numbers.h"

using namespace crease;
using List = std::vector<double>;

namespace {

/// x^2 stop(x), whose derivative is that of c x^2 at c = x.
struct Held {
  Graph graph;
  Value x = graph.input("x", {3}, Type::f64), d = graph.input("d", {3}, Type::f64);
  Value loss = sum(x * x * stop_gradient(x));
  Bindings at{{"x", Tensor::f64({3}, {2, -3, 0.5})}, {"d", Tensor::f64({3}, {1, 1, 2})}};

  List gradient() const { return testing::numbers(evaluate(grad(loss, x), at)); }
};

}  // namespace

TEST_CASE("stop_gradient is its operand, and a constant to derivatives of both modes and any order") {
  const Held h;
  CHECK(evaluate(h.loss, h.at).item() == 8 - 27 + 0.125);
  const List want{8, 18, 0.5};  // 2 x c at c = x
  CHECK(h.gradient() == want);
  CHECK(evaluate(directional_derivative(h.loss, h.x, h.d), h.at).item() == 8 + 18 + 1);
  CHECK(evaluate(linear_jvp({h.loss}, {h.x}, {h.d})[0], h.at).item() == 8 + 18 + 1);
  const LockedGradient locked = locked_grad(h.loss, {h.x}, {{h.d}});
  CHECK(testing::numbers(evaluate(locked.gradient[0], h.at)) == want);
  CHECK(evaluate(locked.value, h.at).item() == evaluate(h.loss, h.at).item());
  CHECK(testing::numbers(evaluate(hvp(h.loss, {h.x}, {h.d})[0], h.at)) == List{4, -6, 2});  // 2 c d
  CHECK(testing::numbers(evaluate(hessian(h.loss, h.x), h.at)) == List{4, 0, 0, 0, -6, 0, 0, 0, 1});
  CHECK(testing::numbers(evaluate(jacobian(stop_gradient(h.x) + h.x, h.x), h.at)) ==
        List{1, 0, 0, 0, 1, 0, 0, 0, 1});
  CHECK(testing::numbers(evaluate(grad(sum(stop_gradient(h.x)), h.x), h.at)) == List{0, 0, 0});
  const Value straight_through = h.x + stop_gradient(step(h.x) - h.x);
  CHECK(testing::numbers(evaluate(straight_through, h.at)) == List{1, 0, 1});
  CHECK(testing::numbers(evaluate(grad(sum(straight_through), h.x), h.at)) == List{1, 1, 1});
}

TEST_CASE("a value that is held is a variable like any other, and ends paths to what it holds") {
  Graph g;
  const Value x = g.input("x", {}, Type::f64), c = stop_gradient(x), loss = x * c * c;
  const std::vector<Value> both{x, c};
  const std::vector<Value> gradient = grad(loss, both);
  const Bindings at{{"x", Tensor::scalar(Type::f64, 3)}};
  CHECK(evaluate(gradient[0], at).item() == 9);
  CHECK(evaluate(gradient[1], at).item() == 18);
  const Value one = g.constant(1, Type::f64), ten = g.constant(10, Type::f64);
  CHECK(evaluate(jvp({loss}, both, {one, ten})[0], at).item() == 9 + 180);
  CHECK(evaluate(linear_jvp({loss}, both, {one, ten})[0], at).item() == 9 + 180);
  const LockedGradient locked = locked_grad(loss, both, {{one, ten}});
  CHECK(evaluate(locked.gradient[0], at).item() == 9);
  CHECK(evaluate(locked.gradient[1], at).item() == 18);
}

TEST_CASE("kinks that are held are none") {
  Graph g;
  const Value x = g.input("x", {}, Type::f64), loss = stop_gradient(relu(x)) + x;
  const Bindings at{{"x", Tensor::scalar(Type::f64, 0)}};
  CHECK(evaluate(grad(loss, x, {.tie = Tie::trap}), at).item() == 1);
  CHECK(evaluate(locked_grad(loss, {x}, {{x + 1}}).hits, at).item() == 0);
}

TEST_CASE("a root of squares that is held does not move") {
  Graph g;
  const Value x = g.input("x", {2}, Type::f64), d = g.input("d", {2}, Type::f64);
  const Value loss = norm2(stop_gradient(x * x)) + sqrt(sum(stop_gradient(x) * stop_gradient(x))) +
                     sqrt(stop_gradient(sum(x * x)));
  const Bindings at{{"x", Tensor::f64({2}, {0, 0})}, {"d", Tensor::f64({2}, {3, 4})}};
  CHECK(evaluate(directional_derivative(loss, x, d), at).item() == 0);
  CHECK(testing::numbers(evaluate(grad(loss, x), at)) == List{0, 0});
}

TEST_CASE("inside a loop over time what is held is held as well") {
  Graph g;
  const Value x = g.input("x", {3}, Type::f64), d = g.input("d", {3}, Type::f64);
  const Value start = g.constant(1, Type::f64);
  const Value loss = scan({start}, {x}, {}, [](const ScanArguments& a) {
                       return ScanStep{{stop_gradient(a.carries[0]) * a.elements[0]}};
                     }).carries[0];
  const Bindings at{{"x", Tensor::f64({3}, {2, 3, 5})}, {"d", Tensor::f64({3}, {1, 1, 1})}};
  CHECK(evaluate(loss, at).item() == 30);
  CHECK(testing::numbers(evaluate(grad(loss, x), at)) == List{0, 0, 6});
  CHECK(evaluate(directional_derivative(loss, x, d), at).item() == 6);
  CHECK_THROWS_WITH_AS(certified_gradient(loss, {x}, at), doctest::Contains("stop_gradient"), Error);
}

TEST_CASE("what states facts of the function says that a part of it is held") {
  const Held h;
  const auto text = [](const char* call) {
    return doctest::Contains((std::string("[") + call + "] stop_gradient holds a part constant").c_str());
  };
  CHECK_THROWS_WITH_AS(certified_gradient(h.loss, {h.x}, h.at), text("certified_gradient"), Error);
  CHECK_THROWS_WITH_AS(check_gradients(h.loss, {h.x}, h.at), text("check_gradients"), Error);
  Graph g;
  const Value x = g.input("x", {}, Type::f64), y = g.input("y", {}, Type::f64);
  const Bindings at{{"x", Tensor::scalar(Type::f64, 2)}, {"y", Tensor::scalar(Type::f64, 3)}};
  const CertifiedGradient beside = certified_gradient(x * x * stop_gradient(y), {x}, at);
  CHECK(beside.claim == GradientClaim::Smooth);  // no variable moves what is held
  CHECK(beside.gradient[0].item() == 12);
  CHECK(check_gradients(x * x * stop_gradient(y), {x}, at).compared > 0);
}

TEST_CASE("the functional dimension is not read off gradients that hold a part constant") {
  Graph g;
  const Value x = g.input("x", {1}), w = g.parameter("w", Tensor::f32({1}, {2}));
  g.output("y", stop_gradient(w) * x);
  const FunctionalDimension found = functional_dimension(g);
  CHECK_FALSE(found.dimension);
  CHECK(found.reason.find("stop_gradient") != std::string::npos);
}

TEST_CASE("passes keep what is held, and the text form reads it back") {
  Graph g;
  const Value x = g.input("x", {3}, Type::f64);
  const Value twice = -stop_gradient(-x), clamped = relu(stop_gradient(relu(x)));
  const Value nested = stop_gradient(x) - stop_gradient(stop_gradient(x)) + x;
  g.output("y", sum(twice * x + clamped * x + nested * x + identity(x) * x));
  const Bindings at{{"x", Tensor::f64({3}, {2, -3, 0.5})}};
  const auto gradient = [&](const Graph& graph) {
    return testing::numbers(evaluate(grad(graph.result("y"), graph.find("x")), at));
  };
  // twice x: c; clamped x: relu(c); nested x: x + c; x^2: 2 x.
  const List want{2 + 2 + 4 + 4, -3 + 0 - 6 - 6, 0.5 + 0.5 + 1 + 1};
  CHECK(gradient(g) == want);
  CHECK(gradient(simplify(g).graph) == want);
  CHECK(gradient(simplify(g, Derivatives::Settled, Assume::Finite).graph) == want);
  CHECK(gradient(share(g).graph) == want);
  CHECK(gradient(tidy(g, Derivatives::Settled, Subnormals::Keep).graph) == want);
  const Graph read = parse(to_string(g));
  CHECK(to_string(read) == to_string(g));
  CHECK(gradient(read) == want);
}

TEST_CASE("collapse stops at what is held") {
  Graph g;
  const Value x = g.input("x", {"batch", 8});
  const Value w1 = g.parameter("w1", Tensor::f32({8, 8}, std::vector<float>(64, 0.5F)));
  const Value w2 = g.parameter("w2", Tensor::f32({8, 8}, std::vector<float>(64, 0.25F)));
  g.output("free", matmul(matmul(x, w1), w2));
  g.output("held", matmul(stop_gradient(matmul(x, w1)), w2));
  const Collapsed collapsed = collapse_explained(g);
  const Graph& after = collapsed.rewrite.graph;
  const Tensor ones = Tensor::f32({1, 8}, std::vector<float>(8, 1));
  CHECK(evaluate(after.result("held"), {{"x", ones}}).at(0) == 8);
  const Value slope = grad(sum(after.result("held")), after.find("x"));
  CHECK(evaluate(slope, {{"x", ones}}).at(0) == 0);
  const Value of_free = grad(sum(after.result("free")), after.find("x"));
  CHECK(evaluate(of_free, {{"x", ones}}).at(0) == 8);
}

TEST_CASE("a census counts no kinks behind what is held") {
  Graph g;
  const Value x = g.input("x", {2});
  const Value loss = sum(x * stop_gradient(relu(x)));
  g.output("gradient", grad(loss, x, {.census = true}));
  const Bindings at{{"x", Tensor::f32({2}, {0, 1})}};
  CHECK(census_of(g, at, evaluate(g, at)).empty());
}
