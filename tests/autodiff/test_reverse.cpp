#include "autodiff/reverse.h"

#include <doctest/doctest.h>

#include <functional>
#include <limits>

#include "graph/error.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/lookup.h"
#include "graph/ops/movement.h"
#include "graph/ops/reduction.h"
#include "tests/autodiff/numbers.h"

using namespace crease;
using crease::testing::central_differences;
using crease::testing::irregular;
using crease::testing::numbers;

namespace {

struct Example {
  const char* name;
  std::vector<int64_t> sizes;
  std::function<Value(Graph&, const Value&)> build;
};

Value fixed(Graph& g, std::vector<int64_t> sizes, int seed = 2) {
  return g.constant(irregular(std::move(sizes), seed));
}

const std::vector<Example>& examples() {
  static const std::vector<Example> list{
      {"matmul by its left operand",
       {3, 4},
       [](Graph& g, const Value& x) { return matmul(x, fixed(g, {4, 5})); }},
      {"matmul by its right operand",
       {4, 5},
       [](Graph& g, const Value& x) { return matmul(fixed(g, {3, 4}), x); }},
      {"one value as both operands", {4, 5}, [](Graph&, const Value& x) { return matmul(x, transpose(x)); }},
      {"batched matmul",
       {2, 3, 4},
       [](Graph& g, const Value& x) { return batched_matmul(x, fixed(g, {2, 4, 3})); }},
      {"outer", {4}, [](Graph&, const Value& x) { return outer(x, x); }},
      {"conv1d",
       {2, 3, 9},
       [](Graph& g, const Value& x) {
         return conv1d(x, fixed(g, {4, 3, 3}), {.stride = {2}, .padding = {1}});
       }},
      {"conv2d by its input",
       {2, 4, 5, 5},
       [](Graph& g, const Value& x) {
         return conv2d(x, fixed(g, {6, 2, 3, 3}), {.stride = {2}, .padding = {1}, .groups = 2});
       }},
      {"conv2d by its kernel",
       {6, 2, 3, 3},
       [](Graph& g, const Value& x) {
         return conv2d(fixed(g, {2, 4, 6, 6}), x,
                       {.stride = {2}, .padding = {1}, .dilation = {2}, .groups = 2});
       }},
      {"max pooling with padding",
       {1, 2, 5, 5},
       [](Graph&, const Value& x) { return max_pool2d(x, {.window = {3}, .stride = {2}, .padding = {1}}); }},
      {"average pooling", {1, 2, 4, 4}, [](Graph&, const Value& x) { return average_pool2d(x); }},
      {"reduce_max", {3, 4}, [](Graph&, const Value& x) { return reduce_max(x, {1}); }},
      {"reduce_min", {3, 4}, [](Graph&, const Value& x) { return reduce_min(x, {0}); }},
      {"product", {3, 4}, [](Graph&, const Value& x) { return product(x, {1}); }},
      {"maxout", {3, 4}, [](Graph&, const Value& x) { return maxout(x, 2); }},
      {"mean", {3, 4}, [](Graph&, const Value& x) { return mean(x, {0}, true); }},
      {"concat", {3, 4}, [](Graph&, const Value& x) { return concat({x, x * 2.0, exp(x)}, 1); }},
      {"slice, pad and reverse",
       {3, 4},
       [](Graph&, const Value& x) { return reverse(pad(slice(x, 1, 1, 4, 2), 0, 1, 2), 0); }},
      {"reshape", {3, 4}, [](Graph&, const Value& x) { return reshape(x, {2, 6}) * reshape(x, {2, 6}); }},
      {"quotient and root", {3, 4}, [](Graph&, const Value& x) { return x / sqrt(1.0 + x * x); }},
      {"maximum and minimum",
       {3, 4},
       [](Graph& g, const Value& x) { return max(x, fixed(g, {4}, 9)) * min(x, x * x); }},
      {"gather",
       {5, 2},
       [](Graph& g, const Value& x) { return gather(x, g.constant(Tensor::i32({3}, {4, 0, 4}))); }},
      {"pick",
       {3, 4},
       [](Graph& g, const Value& x) { return pick(x, g.constant(Tensor::i32({3}, {3, 0, 2}))); }},
      {"smooth activations",
       {12},
       [](Graph&, const Value& x) {
         return gelu(x) + mish(x) * silu(x) + selu(x) + tanh(x) * softplus(x) + sin(x);
       }},
      {"softmax",
       {3, 4},
       [](Graph&, const Value& x) {
         const Value e = exp(x - reduce_max(x, {1}, true));
         return e / sum(e, {1}, true);
       }},
      {"broadcasting",
       {3, 1},
       [](Graph& g, const Value& x) { return x * fixed(g, {4}) + broadcast_to(x, {2, 3, 4}); }},
  };
  return list;
}

/// sum(build(x) * c) with irregular c, so that every element of the result counts differently.
Value weighted_loss(const Example& example, Graph& g, Value& x) {
  x = g.input("x", Shape(example.sizes.begin(), example.sizes.end()), Type::f64);
  const Value y = example.build(g, x);
  return sum(y * g.constant(irregular(sizes_of(y.shape()), 7)));
}

/// Gradient of sum(f(x)) at x under a rule.
std::vector<double> gradient_at(const std::vector<double>& at, const Tie& tie,
                                const std::function<Value(const Value&)>& f) {
  Graph g;
  const Value x = g.input("x", {static_cast<int64_t>(at.size())}, Type::f64);
  const Value gradient = grad(sum(f(x)), x, {.tie = tie});
  return numbers(evaluate(gradient, {{"x", Tensor::f64({static_cast<int64_t>(at.size())}, at)}}));
}

std::string message_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

using List = std::vector<double>;

}  // namespace

TEST_CASE("gradients of every family agree with central differences") {
  for (const Example& example : examples()) {
    CAPTURE(example.name);
    Graph g;
    Value x;
    const Value loss = weighted_loss(example, g, x);
    const Tensor at = irregular(example.sizes);
    const List exact = numbers(evaluate(grad(loss, x), {{"x", at}}));
    const List measured = central_differences(loss, at);
    // Central differences with h = 1e-6 carry about eps / h = 2e-10 relative rounding and h^2 = 1e-12
    // truncation.
    for (size_t i = 0; i < exact.size(); ++i)
      CHECK(exact[i] == doctest::Approx(measured[i]).epsilon(1e-7).scale(1));
  }
}

TEST_CASE("forward and reverse mode are transposes of each other") {
  for (const Example& example : examples()) {
    CAPTURE(example.name);
    Graph g;
    Value x;
    const Value loss = weighted_loss(example, g, x);
    const Tensor at = irregular(example.sizes), along = irregular(example.sizes, 3);
    const Value direction = g.constant(along);
    const List gradient = numbers(evaluate(grad(loss, x), {{"x", at}}));
    double expected = 0;
    for (int64_t i = 0; i < along.count(); ++i) expected += gradient[static_cast<size_t>(i)] * along.at(i);
    const Value linear = linear_jvp({&loss, 1}, {&x, 1}, {&direction, 1})[0];
    CHECK(evaluate(linear, {{"x", at}}).item() == doctest::Approx(expected).epsilon(1e-12));
    CHECK(evaluate(directional_derivative(loss, x, direction), {{"x", at}}).item() ==
          doctest::Approx(expected).epsilon(1e-12));
  }
}

TEST_CASE("a tie selects the slope of a one-argument kink") {
  const auto at_zero = [](const Tie& tie, const auto& f) { return gradient_at({0}, tie, f)[0]; };
  const auto leaky = [](const Value& x) { return leaky_relu(0.25)(x); };
  const auto magnitude = [](const Value& x) { return abs(x); };
  const auto rectified = [](const Value& x) { return relu(x); };
  CHECK(at_zero(Tie::left, rectified) == 0);
  CHECK(at_zero(Tie::right, rectified) == 1);
  CHECK(at_zero(Tie::mid, rectified) == 0.5);
  CHECK(at_zero(Tie::value(0.25), rectified) == 0.25);
  CHECK(at_zero(Tie::min_norm, rectified) == 0);
  CHECK(at_zero(Tie::left, leaky) == 0.25);
  CHECK(at_zero(Tie::right, leaky) == 1);
  CHECK(at_zero(Tie::mid, leaky) == 0.625);
  CHECK(at_zero(Tie::min_norm, leaky) == 0.25);
  CHECK(at_zero(Tie::left, magnitude) == -1);
  CHECK(at_zero(Tie::right, magnitude) == 1);
  CHECK(at_zero(Tie::min_norm, magnitude) == 0);
}

TEST_CASE("a tie shares the slope of a maximum out in the documented order") {
  const auto share = [](const Tie& tie) {
    return gradient_at({3, 1, 3, 3}, tie, [](const Value& x) { return reduce_max(x); });
  };
  CHECK(share(Tie::left) == List{0, 0, 0, 1});
  CHECK(share(Tie::right) == List{1, 0, 0, 0});
  CHECK(share(Tie::value(0.25)) == List{0.0625, 0, 0.1875, 0.75});
  CHECK(share(Tie::mid)[0] == doctest::Approx(1.0 / 3));
  const auto smallest = [](const Tie& tie) {
    return gradient_at({1, 3, 1}, tie, [](const Value& x) { return reduce_min(x); });
  };
  CHECK(smallest(Tie::left) == List{1, 0, 0});
  CHECK(smallest(Tie::right) == List{0, 0, 1});
}

TEST_CASE("max(a, b) gives the second operand under left and min the first") {
  Graph g;
  const Value a = g.input("a", {1}, Type::f64), b = g.input("b", {1}, Type::f64);
  const Bindings tied{{"a", Tensor::f64({1}, {2})}, {"b", Tensor::f64({1}, {2})}};
  const auto slopes = [&](const Value& y, const Tie& tie) {
    const std::vector<Value> wrt{a, b};
    const std::vector<Tensor> values = evaluate(g, tied, grad(sum(y), wrt, {.tie = tie}));
    return List{values[0].item(), values[1].item()};
  };
  CHECK(slopes(max(a, b), Tie::left) == List{0, 1});
  CHECK(slopes(max(a, b), Tie::right) == List{1, 0});
  CHECK(slopes(min(a, b), Tie::left) == List{1, 0});
  CHECK(slopes(min(a, b), Tie::right) == List{0, 1});
  CHECK(slopes(max(a, b), Tie::value(0.25)) == List{0.25, 0.75});
}

TEST_CASE("a constant is no argument and identical arguments are no tie") {
  for (const Tie& tie : {Tie::left, Tie::right, Tie::mid, Tie::value(0.25), Tie::min_norm}) {
    CAPTURE(to_string(tie));
    const List direct = gradient_at({0, 1}, tie, [](const Value& x) { return relu(x); });
    CHECK(gradient_at({0, 1}, tie,
                      [](const Value& x) { return max(x, x.graph().constant(0.0, Type::f64)); }) == direct);
    CHECK(gradient_at({0, 1}, tie, [](const Value& x) { return max(x, x); }) == List{1, 1});
  }
}

TEST_CASE("the tie of a node goes before that of the call and of the graph") {
  Graph g;
  const Value x = g.input("x", {1}, Type::f64);
  const Value y = relu(x), z = relu(x);
  g.set_tie(y, Tie::mid);
  g.set_tie(Tie::right);
  const Bindings zero{{"x", Tensor::f64({1}, {0})}};
  CHECK(evaluate(grad(sum(y), x), zero).item() == 0.5);
  CHECK(evaluate(grad(sum(y), x, {.tie = Tie::left}), zero).item() == 0.5);
  CHECK(evaluate(grad(sum(z), x), zero).item() == 1);
  CHECK(evaluate(grad(sum(z), x, {.tie = Tie::left}), zero).item() == 0);
}

TEST_CASE("a branch not taken contributes a structural zero") {
  const List at{0, -2, 4};
  const auto guarded = [](const auto& f) {
    return [f](const Value& x) {
      const Value zero = x.graph().constant(0.0, Type::f64);
      return where(x > zero, f(x), zero);
    };
  };
  CHECK(gradient_at(at, Tie::left, guarded([](const Value& x) { return log(x); })) == List{0, 0, 0.25});
  CHECK(gradient_at(at, Tie::left, guarded([](const Value& x) { return sqrt(x); })) == List{0, 0, 0.25});
  CHECK(gradient_at(at, Tie::left, guarded([](const Value& x) { return 1.0 / x; })) == List{0, 0, -1.0 / 16});
}

TEST_CASE("a number beside a value is no argument: max(x, 0), max(0, x) and relu(x) agree under every tie") {
  const List at{0, -2, 4};
  for (const Tie& tie : {Tie::left, Tie::right, Tie::mid, Tie::min_norm, Tie::value(0.25)}) {
    const List want = gradient_at(at, tie, [](const Value& x) { return relu(x); });
    CHECK(gradient_at(at, tie, [](const Value& x) { return max(x, 0); }) == want);
    CHECK(gradient_at(at, tie, [](const Value& x) { return max(0, x); }) == want);
    CHECK(gradient_at(at, tie, [](const Value& x) { return where(x > 0, log(x), 0); }) == List{0, 0, 0.25});
  }
}

TEST_CASE("a zero slope wins over an infinite adjoint") {
  CHECK(gradient_at({0, -1, 4}, Tie::left, [](const Value& x) { return sqrt(relu(x)); }) == List{0, 0, 0.25});
}

TEST_CASE("second derivatives keep the locks of the primal point") {
  Graph g;
  const Value x = g.input("x", {3}, Type::f64), v = g.constant(Tensor::f64({3}, {1, 1, 1}));
  const Value loss = sum(relu(x) * relu(x));
  const auto hessian = [&](const Tie& tie) {
    return numbers(
        evaluate(hvp(loss, {&x, 1}, {&v, 1}, {.tie = tie})[0], {{"x", Tensor::f64({3}, {0, 1, -1})}}));
  };
  CHECK(hessian(Tie::left) == List{0, 2, 0});
  CHECK(hessian(Tie::right) == List{2, 2, 0});
}

TEST_CASE("a variable that the loss does not reach gets zeros of its shape") {
  Graph g;
  const Value x = g.input("x", {"n"}), w = g.parameter("w", Tensor::f32({2}, {1, 2}));
  CHECK(numbers(evaluate(grad(sum(x), w), {{"x", Tensor::f32({3}, {1, 2, 3})}})) == List{0, 0});
  CHECK(numbers(evaluate(grad(sum(w), x), {{"x", Tensor::f32({3}, {1, 2, 3})}})) == List{0, 0, 0});
}

TEST_CASE("impossible gradients are refused with the way out") {
  Graph g, other;
  const Value x = g.input("x", {4}), label = g.input("label", {4}, Type::i32),
              foreign = other.input("x", {4});
  CHECK(message_of([&] {
          grad(relu(x), x);
        }).find("must be a scalar, got shape [4]: reduce it by sum or mean") != std::string::npos);
  CHECK(message_of([&] { grad(sum(x), label); }).find("cannot differentiate with respect to i32") !=
        std::string::npos);
  CHECK(message_of([&] { grad(sum(x), foreign); }).find("another graph") != std::string::npos);
  CHECK(message_of([&] { grad(sum(x), Value()); }).find("a variable belongs to no graph") !=
        std::string::npos);
  CHECK(message_of([&] { grad(sum(label), x); }).find("must be floating point, got i32") !=
        std::string::npos);
}
