#include "frontends/layers/combine.h"

#include "frontends/layers/attention.h"
#include "graph/ops/activation.h"
#include "tests/frontends/layers/checks.h"
#include "tests/frontends/thrown.h"

namespace crease {
namespace {

using test::irregular;

TEST_CASE("residual adds its argument or a shortcut, concat joins, and both name their parts") {
  Graph graph;
  const Value x = graph.constant(Tensor::f64({1, 2}, {-1, 2}));
  CHECK(evaluate(residual(relu)(x)) == Tensor::f64({1, 2}, {-1, 4}));
  CHECK(evaluate(residual(relu, abs_op)(x)) == Tensor::f64({1, 2}, {1, 4}));
  CHECK(evaluate(concat({Layer(relu), Layer(abs_op)}, 1)(x)) == Tensor::f64({1, 4}, {0, 2, 1, 2}));
  sequential(residual(linear(2, 2)), concat({linear(2, 1), linear(2, 3)}, -1))(x);
  CHECK(graph.find("0.0.weight").shape() == Shape{2, 2});
  CHECK(graph.find("1.1.weight").shape() == Shape{2, 3});
  test::check_layer([] { return residual(sequential(linear(3, 4), tanh_op, linear(4, 3))); }, {"batch", 3},
                    {2, 3});
  CHECK(test::holds(
      test::thrown_by([&] { concat({Layer(relu), Layer(relu)}, 0)(graph.input("named", {"n", 2})); }),
      "[concat] dimension 0 of [n, 2] has no size yet"));
  test::check_layer([] { return concat({linear(3, 2), Layer(sin_op)}, 1); }, {"batch", 3}, {2, 3});
  CHECK(test::holds(test::thrown_by([&] { residual(linear(2, 3))(x); }), "got [1, 2] and [1, 3]"));
}

TEST_CASE("an embedding reads rows of its table, and only those get a gradient") {
  Graph graph;
  const Value index = graph.input("x", {"batch", 2}, Type::i32);
  const Value y = embedding(4, 3)(index);
  const Tensor table = irregular(Type::f32, {4, 3});
  graph.set_parameter("embedding.weight", table);
  const Bindings inputs{{"x", Tensor::i32({2, 2}, {3, 1, 1, 1})}};
  const Tensor found = evaluate(y, inputs);
  for (int64_t i = 0; i < 12; ++i) CHECK(found.at(i) == table.at((i < 3 ? 3 : 1) * 3 + i % 3));
  const Tensor gradient = evaluate(grad(sum(y), graph.find("embedding.weight")), inputs);
  CHECK(gradient == Tensor::f32({4, 3}, {0, 0, 0, 3, 3, 3, 0, 0, 0, 1, 1, 1}));
  test::Trial(embedding(4, 3, {.type = Type::f64}), {"batch", 2}, Tensor::i32({2, 2}, {3, 1, 1, 0}),
              Mode::Evaluation)
      .check_gradients();
  test::Trial(embedding(4, 3), {"batch", 2}, Tensor::i32({2, 2}, {3, 1, 1, 0}), Mode::Evaluation)
      .check_compiled(1e-5);
}

TEST_CASE("attention is a weighted mean with softmax weights, and causal attention does not look ahead") {
  constexpr int64_t time = 3, heads = 2, size = 2;
  Graph graph;
  std::vector<Tensor> data;
  std::vector<Value> values;
  for (int64_t i = 0; i < 3; ++i) {
    data.push_back(irregular(Type::f64, {1, time, heads, size}, i + 1));
    values.push_back(graph.constant(data.back()));
  }
  const auto element = [&](int64_t which, int64_t t, int64_t h, int64_t d) {
    return data[static_cast<size_t>(which)].at((t * heads + h) * size + d);
  };
  for (const bool causal : {false, true}) {
    std::vector<double> want;
    for (int64_t q = 0; q < time; ++q)
      for (int64_t h = 0; h < heads; ++h)
        for (int64_t e = 0; e < size; ++e) {
          double weights = 0, total = 0;
          for (int64_t k = 0; k < (causal ? q + 1 : time); ++k) {
            double score = 0;
            for (int64_t d = 0; d < size; ++d)
              score += element(0, q, h, d) * element(1, k, h, d) / std::sqrt(2.0);
            weights += std::exp(score);
            total += std::exp(score) * element(2, k, h, e);
          }
          want.push_back(total / weights);
        }
    test::check_close(evaluate(attention(values[0], values[1], values[2], causal)), want, 1e-14);
  }
}

TEST_CASE("attention says that it wants a number of features") {
  Graph graph;
  const Value x = graph.input("x", {"batch", "time", 2, "d"});
  CHECK(test::holds(test::thrown_by([&] { attention(x, x, x); }),
                    "[attention] dimension 3 of [batch, time, 2, d] has no size yet"));
}

TEST_CASE("multi-head attention has right gradients and compiles to the same numbers, for any length") {
  for (const bool causal : {false, true})
    test::check_layer([=] { return multi_head_attention(4, 2, {.causal = causal}); }, {"batch", "time", 4},
                      {2, 3, 4});
  CHECK(test::holds(test::thrown_by([] { multi_head_attention(4, 3); }), "got 4 features, 3 heads"));
}

}  // namespace
}  // namespace crease
