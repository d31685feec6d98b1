#include "frontends/losses.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>

#include "autodiff/reverse.h"
#include "graph/error.h"
#include "graph/evaluate.h"
#include "graph/ops/reduction.h"

namespace crease {
namespace {

struct Setup {
  Graph graph;
  Value logits = graph.input("logits", {"batch", 3}, Type::f64);
  Value label = graph.input("label", {"batch"}, Type::i32);

  Bindings bindings(const std::vector<double>& values, const std::vector<int32_t>& labels) const {
    const auto batch = static_cast<int64_t>(labels.size());
    return {{"logits", Tensor::f64({batch, 3}, values)}, {"label", Tensor::i32({batch}, labels)}};
  }
};

std::array<double, 3> softmax_by_hand(const std::array<double, 3>& x) {
  const double shift = std::max({x[0], x[1], x[2]});
  std::array<double, 3> result{};
  double total = 0;
  for (size_t i = 0; i < 3; ++i) total += result[i] = std::exp(x[i] - shift);
  for (double& value : result) value /= total;
  return result;
}

constexpr double tolerance = 16 * 0x1p-52;  // a dozen roundings of numbers of size 1

TEST_CASE("softmax and log-softmax agree with the formula") {
  Setup s;
  const Bindings bindings = s.bindings({1, 2, 4}, {0});
  const Tensor probability =
      evaluate(softmax(s.logits), {{"logits", bindings.at("logits")}, {"label", bindings.at("label")}});
  const Tensor logarithm = evaluate(log_softmax(s.logits), bindings);
  const auto expected = softmax_by_hand({1, 2, 4});
  for (size_t i = 0; i < 3; ++i) {
    CHECK(std::abs(probability.at(static_cast<int64_t>(i)) - expected[i]) < tolerance);
    CHECK(std::abs(logarithm.at(static_cast<int64_t>(i)) - std::log(expected[i])) < 4 * tolerance);
  }
}

TEST_CASE("softmax cross-entropy is minus the log of the label's probability") {
  Setup s;
  const Tensor loss =
      evaluate(softmax_cross_entropy(s.logits, s.label), s.bindings({1, 2, 4, 0, 0, 0}, {1, 2}));
  CHECK(loss.sizes() == std::vector<int64_t>{2});
  CHECK(std::abs(loss.at(0) + std::log(softmax_by_hand({1, 2, 4})[1])) < 4 * tolerance);
  CHECK(std::abs(loss.at(1) - std::log(3.0)) < 4 * tolerance);
}

TEST_CASE("logits of a thousand neither overflow nor lose the loss") {
  Setup s;
  const auto bindings = s.bindings({1000, -1000, 0, -1000, -1000, -1001}, {1, 0});
  const Tensor loss = evaluate(softmax_cross_entropy(s.logits, s.label), bindings);
  CHECK(loss.at(0) == doctest::Approx(2000));
  CHECK(loss.at(1) == doctest::Approx(std::log(2 + std::exp(-1.0))));
  const Tensor logarithm = evaluate(log_softmax(s.logits), bindings);
  CHECK(logarithm.at(0) == 0);
  CHECK(logarithm.at(1) == -2000);
}

TEST_CASE("the gradient of softmax cross-entropy is softmax minus one-hot, also where logits tie") {
  Setup s;
  const Value gradient = grad(sum(softmax_cross_entropy(s.logits, s.label)), s.logits);
  const Tensor found = evaluate(gradient, s.bindings({1, 2, 4, 3, 3, 3, 1000, 0, 1000}, {1, 2, 0}));
  const std::array rows{softmax_by_hand({1, 2, 4}), softmax_by_hand({3, 3, 3}),
                        softmax_by_hand({1000, 0, 1000})};
  const std::array<size_t, 3> labels{1, 2, 0};
  for (size_t row = 0; row < 3; ++row) {
    for (size_t column = 0; column < 3; ++column) {
      const double expected = rows[row][column] - (labels[row] == column ? 1 : 0);
      CHECK(std::abs(found.at(static_cast<int64_t>(3 * row + column)) - expected) < tolerance);
    }
  }
}

TEST_CASE("no kink of the loss takes part in its gradient, so trap does not spring") {
  Setup s;
  const Value gradient = grad(sum(softmax_cross_entropy(s.logits, s.label)), s.logits, {.tie = Tie::trap});
  CHECK_NOTHROW(evaluate(gradient, s.bindings({3, 3, 3}, {2})));
}

TEST_CASE("mse is the mean of squares of each sample") {
  Graph graph;
  const Value a = graph.input("a", {"batch", 2});
  const Value b = graph.input("b", {"batch", 2});
  const Tensor loss = evaluate(
      mse(a, b), {{"a", Tensor::f32({2, 2}, {1, 2, 3, 4})}, {"b", Tensor::f32({2, 2}, {0, 0, 3, 6})}});
  CHECK(loss == Tensor::f32({2}, {2.5F, 2}));
  const Value u = graph.input("u", {"batch"});
  CHECK(mse(u, u).shape() == Shape{"batch"});
}

TEST_CASE("correct_count counts samples whose greatest logit is at the label") {
  Setup s;
  const Value count = correct_count(s.logits, s.label);
  CHECK(evaluate(count, s.bindings({1, 2, 3, 3, 2, 1, 5, 5, 0, 1, 0, 0}, {2, 0, 0, 1})).item() == 3);
}

TEST_CASE("losses refuse shapes and types that do not fit") {
  Setup s;
  const Value real = s.graph.input("real", {"batch"});
  const Value column = s.graph.input("column", {"batch", 1}, Type::i32);
  CHECK_THROWS_WITH_AS(softmax_cross_entropy(s.logits, real),
                       doctest::Contains("logits and label do not fit: got f64 [batch, 3] and f32 [batch]"),
                       Error);
  CHECK_THROWS_WITH_AS(softmax_cross_entropy(s.logits, column), doctest::Contains("i32 [batch, 1]"), Error);
  CHECK_THROWS_WITH_AS(correct_count(s.label, s.label), doctest::Contains("[correct_count]"), Error);
  CHECK_THROWS_WITH_AS(mse(s.logits, real),
                       doctest::Contains("[mse] prediction and target want the same shape [batch, ...]"),
                       Error);
}

}  // namespace
}  // namespace crease
