#include "autodiff/gradient_check.h"

#include <doctest/doctest.h>

#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/reduction.h"
#include "graph/scan.h"
#include "tests/autodiff/numbers.h"

using namespace crease;
using List = std::vector<double>;

namespace {

const Op hat{.name = "hat",
             .doc = "A hat with kinks at 0, 1 and 2 and a slope a outside.",
             .body = [](Scalar x, Scalar a) {
               const Scalar inside = min(x, 2 - x);
               return max(inside, 0) + a * min(inside, 0);
             }};

Bindings one(double x) { return {{"x", Tensor::f64({1}, {x})}}; }

std::string refusal(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was refused";
}

}  // namespace

TEST_CASE("a network of parameters and inputs passes, in f32 too") {
  Graph g;
  const Value x = g.input("x", {"batch", 3}),
              w = g.parameter("w", Tensor::f32({3, 4}, {1, 2, -1, 0.5, 0, 1, -2, 1, 1, 1, 3, -1}));
  const Value loss = mean(square(tanh(relu(matmul(x, w)))));
  const std::vector<Value> wrt{x, w};
  const GradientCheck check =
      check_gradients(loss, wrt, {{"x", Tensor::f32({2, 3}, {0.3F, -0.4F, 0.7F, 1.1F, 0.2F, -0.9F})}});
  CHECK(check.compared == 2 * (2 * (6 + 12) + 8));
  CHECK(check.worst < 1e-7);
  CHECK(check.kinks == 0);
}

TEST_CASE("at kinks every rule passes against differences of its own side") {
  Graph g;
  const Value x = g.input("x", {5}, Type::f64), a = g.input("a", {5}, Type::f64);
  const std::vector<Value> wrt{x, a};
  const Value loss =
      sum(hat(x, a) * 3.0) + sum(max(x, a)) + sum(clip(-1, 1)(x)) + reduce_max(x) - sum(step(x));
  const Bindings at{{"x", Tensor::f64({5}, {0, 1, 2, -1, 0.25})},
                    {"a", Tensor::f64({5}, {0, 0.5, 2, 0.25, 0.25})}};
  for (const Tie& tie : {Tie::left, Tie::right, Tie::mid, Tie::value(0.125), Tie::min_norm}) {
    CAPTURE(to_string(tie));
    const GradientCheck check = check_gradients(sum(hat(x, a)) + sum(max(x, a)) + sum(clip(-1, 1)(x)), wrt,
                                                at, {.gradient = {.tie = tie}});
    CHECK(check.kinks > 6);
    CHECK(check.worst < 1e-9);
  }
  CHECK(check_gradients(loss, wrt, at).worst < 1e-9);
}

TEST_CASE("a wrong gradient is found, off kinks and on them") {
  Graph g;
  const Value x = g.input("x", {1}, Type::f64);
  const Value loss = sum(square(relu(x)) + x);
  const Value wrong = relu(x) + 1.0, other_side = grad(loss, x, {.tie = Tie::right}) + x * 0.0;
  CHECK(refusal([&] {
          check_gradients(loss, {&x, 1}, {&wrong, 1}, one(1));
        }).find("wrong gradient of 'x'[0]: got 2, the rule selects 3") != std::string::npos);
  const Value kinked = sum(relu(x)), right = grad(kinked, x, {.tie = Tie::right});
  CHECK(refusal([&] {
          check_gradients(kinked, {&x, 1}, {&right, 1}, one(0));
        }).find("got 1, the rule selects 0") != std::string::npos);
  CHECK_NOTHROW(check_gradients(kinked, {&x, 1}, {&right, 1}, one(0), {.gradient = {.tie = Tie::right}}));
  CHECK_NOTHROW(check_gradients(loss, {&x, 1}, {&other_side, 1}, one(1)));
}

TEST_CASE("differences notice a derivative that the body does not have") {
  // Adjoints of integers do not exist: the loss moves in jumps of the input and its gradient is 0.
  Graph g;
  const Value x = g.input("x", {1}, Type::f64);
  const Value loss = sum(floor_op(x * 1073741824.0 * 64.0)) * 0x1p-36;
  CHECK(refusal([&] { check_gradients(loss, {&x, 1}, one(0.3)); }).find("crosses a kink of node") !=
        std::string::npos);
}

TEST_CASE("a step across another kink is refused, and a shorter one is found where none is asked for") {
  Graph g;
  const Value x = g.input("x", {1}, Type::f64);
  const Value loss = sum(relu(x) + relu(x - 0x1p-14));
  const std::string text = refusal([&] { check_gradients(loss, {&x, 1}, one(0), {.step = 0x1p-12}); });
  CHECK(text.find("a step of 0.000244140625 along 'x'[0], towards +1 crosses a kink of node %") !=
        std::string::npos);
  CHECK(text.find("'relu' at loop point 0: want a smaller step") != std::string::npos);
  CHECK(check_gradients(loss, {&x, 1}, one(0)).worst < 1e-9);
  const Value close = sum(relu(x) + relu(x - 0x1p-40));
  CHECK(refusal([&] { check_gradients(close, {&x, 1}, one(0)); }).find("crosses a kink") !=
        std::string::npos);
  const Value winner = reduce_max(x * 2.0) + reduce_max(x);
  CHECK_NOTHROW(check_gradients(winner, {&x, 1}, one(0)));
}

TEST_CASE("a change of the winner of a maximum is a crossing") {
  Graph g;
  const Value x = g.input("x", {2}, Type::f64);
  const Bindings at{{"x", Tensor::f64({2}, {0, 0x1p-13})}};
  CHECK(refusal([&] {
          check_gradients(reduce_max(x), {&x, 1}, at, {.step = 0x1p-12});
        }).find("'reduce_max'") != std::string::npos);
  CHECK(check_gradients(reduce_max(x), {&x, 1}, at).worst < 1e-9);
}

TEST_CASE("what cannot be varied or is not bound is an error") {
  Graph g;
  const Value x = g.input("x", {1}, Type::f64), y = x * 2.0;
  CHECK(refusal([&] { check_gradients(sum(y), {&y, 1}, one(0)); }).find("want an input or a parameter") !=
        std::string::npos);
  CHECK(refusal([&] { check_gradients(sum(y), {&x, 1}, {}); }).find("input 'x' is not bound") !=
        std::string::npos);
  CHECK(refusal([&] { check_gradients(y, {&x, 1}, one(0)); }).find("must be a scalar") != std::string::npos);
}

TEST_CASE("a loop over time is checked if nothing in it bends, else refused with the way out, in f32 too") {
  Graph g;
  const Value h = g.input("h", {}), x = g.input("x", {3});
  const auto loop = [&](const Op& activation) {
    const auto step = [&](const ScanArguments& now) {
      return ScanStep{.carries = {activation(now.carries[0] + now.elements[0])}};
    };
    return scan({h}, {x}, {}, step).carries[0];
  };
  const Bindings at{{"h", Tensor::scalar(Type::f32, 0)}, {"x", Tensor::f32({3}, {1, 2, 3})}};
  CHECK(check_gradients(loop(tanh_op), {&x, 1}, at).worst < 1e-6);
  const std::string text = refusal([&] { check_gradients(loop(relu), {&x, 1}, at); });
  CHECK(text.find("[check_gradients] kinks inside a loop over time") != std::string::npos);
  CHECK(text.find("unroll(graph)") != std::string::npos);
  CHECK(check_gradients(sum(square(x)), {&x, 1}, at).worst < 1e-6);  // beside a loop that it does not need
}
