#include "frontends/layers/convolution.h"

#include "graph/error.h"
#include "tests/frontends/layers/checks.h"
#include "tests/frontends/thrown.h"

namespace crease {
namespace {

using test::irregular;

/// Element of a row-major tensor of four dimensions, 0 outside.
double at4(const Tensor& t, int64_t a, int64_t b, int64_t c, int64_t d) {
  const auto& s = t.sizes();
  if (c < 0 || d < 0 || c >= s[2] || d >= s[3]) return 0;
  return t.at(((a * s[1] + b) * s[2] + c) * s[3] + d);
}

TEST_CASE("conv2d with stride, padding, dilation and groups is the sum of its definition") {
  Graph graph;
  const Tensor input = irregular(Type::f64, {2, 4, 6, 7});
  const Value x = graph.input("x", {"batch", 4, 6, 7}, Type::f64);
  const Value y =
      conv2d(4, 6, {3, 2}, {.stride = {2, 1}, .padding = {1, 2}, .dilation = {1, 2}, .groups = 2})(x);
  CHECK(y.shape() == Shape{"batch", 6, 3, 9});
  const Tensor w = irregular(Type::f64, {6, 2, 3, 2}, 2), b = irregular(Type::f64, {6}, 3);
  graph.set_parameter("conv2d.weight", w);
  graph.set_parameter("conv2d.bias", b);
  std::vector<double> want;
  for (int64_t n = 0; n < 2; ++n)
    for (int64_t o = 0; o < 6; ++o)
      for (int64_t i = 0; i < 3; ++i)
        for (int64_t j = 0; j < 9; ++j) {
          double total = b.at(o);
          for (int64_t c = 0; c < 2; ++c)
            for (int64_t k = 0; k < 3; ++k)
              for (int64_t l = 0; l < 2; ++l)
                total += at4(w, o, c, k, l) * at4(input, n, o / 3 * 2 + c, 2 * i + k - 1, j + 2 * l - 2);
          want.push_back(total);
        }
  test::check_close(evaluate(y, {{"x", input}}), want, 1e-12);
}

TEST_CASE("a transposed convolution is the adjoint of the convolution: <conv x, y> = <x, conv^T y>") {
  const ConvOptions options{.stride = {2, 3}, .padding = {1, 0}, .dilation = {1, 2}, .groups = 2};
  Graph graph;
  const Value x = graph.constant(irregular(Type::f64, {2, 4, 8, 9}, 1));
  const Value k = graph.constant(irregular(Type::f64, {6, 2, 3, 2}, 2));
  const Value forward = conv2d(x, k, options);
  const Value y = graph.constant(irregular(Type::f64, sizes_of(forward.shape()), 3));
  // Of the sizes that the convolution maps to this one, the output padding selects that of x.
  const Value back = conv_transpose2d(
      y, k, {.stride = {2, 3}, .padding = {1, 0}, .dilation = {1, 2}, .output_padding = {1, 0}, .groups = 2});
  REQUIRE(back.shape() == x.shape());
  const double left = evaluate(sum(forward * y)).item(), right = evaluate(sum(x * back)).item();
  CHECK(std::abs(left - right) < 1e-10 * std::abs(left));
}

TEST_CASE("conv_transpose1d spreads each element over its taps") {
  Graph graph;
  const Value x = graph.constant(Tensor::f64({1, 1, 3}, {1, 2, 3}));
  const Value k = graph.constant(Tensor::f64({1, 1, 2}, {10, 1}));
  CHECK(evaluate(conv_transpose1d(x, k, {.stride = {2}})) == Tensor::f64({1, 1, 6}, {10, 1, 20, 2, 30, 3}));
  CHECK(evaluate(conv_transpose1d(x, k)) == Tensor::f64({1, 1, 4}, {10, 21, 32, 3}));
}

TEST_CASE("convolution layers have right gradients and compile to the same numbers") {
  test::check_layer([] { return conv1d(2, 4, 3, {.stride = {2}, .padding = {1}, .groups = 2}); },
                    {"batch", 2, 7}, {3, 2, 7});
  test::check_layer([] { return conv2d(2, 3, {3}, {.padding = {1}}); }, {"batch", 2, 5, 4}, {2, 2, 5, 4});
  test::check_layer([] { return conv_transpose1d(2, 3, 3, {.shape = {.stride = {2}}}); }, {"batch", 2, 4},
                    {2, 2, 4});
  test::check_layer(
      [] { return conv_transpose2d(2, 2, {3, 2}, {.shape = {.stride = {2}, .padding = {1}, .groups = 2}}); },
      {"batch", 2, 3, 3}, {2, 2, 3, 3});
}

TEST_CASE("pooling takes maxima and means of windows and of all positions") {
  Graph graph;
  const Value x = graph.constant(Tensor::f64({1, 1, 4}, {1, 4, 2, -6}));
  CHECK(evaluate(max_pool1d({.window = {2}})(x)) == Tensor::f64({1, 1, 2}, {4, 2}));
  CHECK(evaluate(average_pool1d({.window = {2}, .stride = {1}})(x)) == Tensor::f64({1, 1, 3}, {2.5, 3, -2}));
  const Value image = graph.constant(Tensor::f64({1, 2, 2, 2}, {1, 2, 3, 4, -1, -2, -3, -6}));
  CHECK(evaluate(global_max_pool()(image)) == Tensor::f64({1, 2}, {4, -1}));
  CHECK(evaluate(global_average_pool()(image)) == Tensor::f64({1, 2}, {2.5, -3}));
  CHECK(evaluate(flatten()(image)).sizes() == std::vector<int64_t>{1, 8});
  CHECK(evaluate(reshape_samples({4, 2})(image)).sizes() == std::vector<int64_t>{1, 4, 2});
  for (const bool greatest : {true, false})
    test::check_layer(
        [=] {
          const PoolOptions options{.window = {2, 3}, .stride = {2, 1}, .padding = {0, 1}};
          return greatest ? max_pool2d(options) : average_pool2d(options);
        },
        {"batch", 2, 4, 5}, {2, 2, 4, 5});
}

TEST_CASE("maxout takes the greatest of neighbouring pieces along any axis") {
  Graph graph;
  const Value x = graph.constant(Tensor::f64({4, 2}, {1, -2, 3, -4, -5, 6, 7, -8}));
  CHECK(evaluate(maxout(2, 0)(x)) == Tensor::f64({2, 2}, {3, -2, 7, 6}));
  CHECK(evaluate(maxout(2)(x)) == Tensor::f64({4, 1}, {1, 3, 6, 7}));
  test::check_layer([] { return maxout(3, 1); }, {"batch", 6, 2}, {2, 6, 2});
  CHECK(test::holds(test::thrown_by([&] { maxout(3, 0)(x); }),
                    "4 features of [4, 2] do not split into groups of 3"));
}

TEST_CASE("convolution layers say what does not fit") {
  CHECK(test::holds(test::thrown_by([] { conv2d(3, 4, {3}, {.groups = 2}); }), "got in 3, out 4, groups 2"));
  CHECK(
      test::holds(test::thrown_by([] { conv2d(3, 4, {3, 3, 3}); }), "one kernel size or one an axis: got 3"));
  CHECK(test::holds(test::thrown_by([] { reshape_samples({4, -1}); }),
                    "[reshape_samples] sizes must be positive: got [4, -1]"));
  Graph graph;
  const Value x = graph.input("x", {"batch", 3, 5, 5});
  CHECK(test::holds(test::thrown_by([&] { conv2d(4, 4, {3})(x); }), "want floating [n, 4, h, w]"));
  CHECK(test::holds(test::thrown_by([&] { conv2d(3, 4, {7})(x); }), "kernel size 7"));
  CHECK(test::holds(
      test::thrown_by([&] { conv_transpose2d(3, 4, {3}, {.shape = {.output_padding = {1}}})(x); }),
      "output padding 1"));
  CHECK(test::holds(test::thrown_by([&] { global_max_pool()(graph.input("v", {"batch", 3})); }),
                    "wants [n, c, ...]"));
}

}  // namespace
}  // namespace crease
