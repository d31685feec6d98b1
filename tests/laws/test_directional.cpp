// Directional derivatives of every family of operations with kinks, for any batch, compiled and interpreted:
// at ties and kinks they are the one-sided limits, to the bit.
#include <doctest/doctest.h>

#include "autodiff/directional.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/contraction.h"
#include "graph/ops/lookup.h"
#include "graph/ops/movement.h"
#include "graph/ops/order.h"
#include "graph/ops/reduction.h"
#include "jit/program.h"
#include "tests/laws/subjects.h"
#include "tests/level.h"

using namespace crease;
using namespace crease::laws;

namespace {

/// A piecewise-linear function of x [batch, ...].
struct Function {
  std::string name;
  Shape shape;
  std::function<Value(const Value& x)> apply;
};

Value weights(const Value& x, std::vector<int64_t> sizes) {
  Tensor tensor(Type::f64, std::move(sizes));
  for (int64_t i = 0; i < tensor.count(); ++i) tensor.set(i, static_cast<double>(i * 5 % 7 - 3) / 2);
  return x.graph().handle().constant(tensor);
}

Value indices(const Value& x, std::vector<int32_t> list) {
  const auto count = static_cast<int64_t>(list.size());
  return x.graph().handle().constant(Tensor::i32({count}, list));
}

std::vector<Function> families() {
  const auto part = [](const Value& x, int64_t from, int64_t to) { return slice(x, 1, from, to); };
  return {
      {"maps",
       {"batch", 5},
       [](const Value& x) { return relu(x) - abs(leaky_relu(0.25)(x)) + clip(-1, 1)(x); }},
      {"relu6, hard_tanh", {"batch", 5}, [](const Value& x) { return relu6(x * 2.0) + hard_tanh(x) * 3.0; }},
      {"max, min",
       {"batch", 6},
       [=](const Value& x) { return max(part(x, 0, 3), part(x, 3, 6)) - min(part(x, 0, 3), part(x, 3, 6)); }},
      {"where", {"batch", 4}, [](const Value& x) { return where(less(x, x * 0.5), x * 3.0, x * -1.0); }},
      {"reduce_max", {"batch", 5}, [](const Value& x) { return reduce_max(x, {1}); }},
      {"reduce_min over the batch", {"batch", 3}, [](const Value& x) { return reduce_min(x, {0}); }},
      {"reduce_max over all", {"batch", 3}, [](const Value& x) { return reduce_max(x); }},
      {"maxout", {"batch", 6}, [](const Value& x) { return maxout(x, 3); }},
      {"max_pool1d",
       {"batch", 2, 7},
       [](const Value& x) { return max_pool1d(x, {.window = {3}, .stride = {2}, .padding = {1}}); }},
      {"max_pool2d",
       {"batch", 1, 4, 5},
       [](const Value& x) { return max_pool2d(x, {.window = {2, 2}, .stride = {1, 2}, .padding = {1, 0}}); }},
      {"max_pool of average_pool",
       {"batch", 1, 4, 4},
       [](const Value& x) {
         return max_pool2d(average_pool2d(x, {.window = {2, 2}, .stride = {1}}),
                           {.window = {2, 2}, .stride = {1}});
       }},
      {"median", {"batch", 5}, [](const Value& x) { return kth_smallest(x, 2); }},
      {"k-th of abs",
       {"batch", 4},
       [](const Value& x) { return kth_smallest(abs(x), 1) + kth_smallest(x, 3); }},
      {"gather",
       {"batch", 3},
       [](const Value& x) { return relu(gather(transpose(x, {1, 0}), indices(x, {2, 0, 2, 1}))); }},
      {"matmul, relu",
       {"batch", 4},
       [](const Value& x) { return reduce_max(relu(matmul(x, weights(x, {4, 5}))), {1}); }},
      {"conv1d, relu, pool",
       {"batch", 2, 6},
       [](const Value& x) {
         const Value y = conv1d(x, weights(x, {3, 2, 3}), {.stride = {1}, .padding = {1}});
         return max_pool1d(relu(y), {.window = {2}, .stride = {2}});
       }},
      {"conv2d, abs, pool",
       {"batch", 1, 4, 4},
       [](const Value& x) {
         const Value y = conv2d(x, weights(x, {2, 1, 2, 2}), {.stride = {1}});
         return max_pool2d(abs(y), {.window = {2, 2}, .stride = {1}});
       }},
      {"concat, reverse",
       {"batch", 3},
       [](const Value& x) { return maxout(concat({reverse(x, 1), abs(x)}, 1), 2); }},
  };
}

/// Multiples of 1/2 so that kinks and ties abound; directions are multiples of 1/8, many of them 0 or equal.
Tensor points(const Shape& shape, int64_t batch, int seed) {
  Tensor tensor(Type::f64, sizes_of(shape, {{"batch", batch}}));
  for (int64_t i = 0; i < tensor.count(); ++i)
    tensor.set(i, static_cast<double>((i * 11 + i / 3 * 7 + seed) % 5 - 2) / 2);
  return tensor;
}
Tensor directions(const Shape& shape, int64_t batch, int seed) {
  Tensor tensor(Type::f64, sizes_of(shape, {{"batch", batch}}));
  for (int64_t i = 0; i < tensor.count(); ++i)
    tensor.set(i, static_cast<double>((i * 29 + i / 4 * 5 + seed * 13) % 17 - 8) / 8);
  return tensor;
}

// Below the distance of any other kink, which is at least 2^-6 over a slope of at most 2^6; all numbers are
// multiples of 2^-32 below 2^12, so that differences are exact.
constexpr double step = 0x1p-20;

Tensor moved(const Tensor& x, const Tensor& direction) {
  Tensor result = x;
  for (int64_t i = 0; i < x.count(); ++i) result.set(i, x.at(i) + step * direction.at(i));
  return result;
}

void check_equal(const Tensor& found, const Tensor& here, const Tensor& there) {
  REQUIRE(found.sizes() == here.sizes());
  for (int64_t i = 0; i < here.count(); ++i) {
    CAPTURE(i);
    CHECK(found.at(i) == (there.at(i) - here.at(i)) / step);
  }
}

}  // namespace

TEST_CASE("directional derivatives of every family are one-sided limits to the bit, batched and compiled") {
  for (const Function& family : families()) {
    CAPTURE(family.name);
    Graph graph;
    const Value x = graph.input("x", family.shape, Type::f64), d = graph.input("d", family.shape, Type::f64);
    const Value y = family.apply(x);
    graph.output("y", y);
    graph.output("derivative", directional_derivative(y, x, d));
    std::vector<Program> programs;
    for (const int optimisation : {0, 2})
      programs.push_back(compile(graph, test::at_test_level({.optimisation = optimisation})));
    programs.push_back(compile(graph, test::at_test_level({.fuse = false})));
    for (const int64_t batch : {1, 7, 17})
      for (const int seed : {0, 1, 2}) {
        CAPTURE(batch);
        const Tensor at = points(family.shape, batch, seed), along = directions(family.shape, batch, seed);
        const Bindings inputs{{"x", at}, {"d", along}};
        const Tensor there = evaluate(y, {{"x", moved(at, along)}, {"d", along}});
        const auto interpreted = evaluate(graph, inputs);
        check_equal(interpreted.at("derivative"), interpreted.at("y"), there);
        for (Program& program : programs)
          check_equal(program(inputs).at("derivative"), interpreted.at("y"), there);
      }
  }
}
