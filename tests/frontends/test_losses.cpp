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
  const Value open = s.graph.input("open", {"batch", "classes"});
  CHECK_THROWS_WITH_AS(
      softmax_cross_entropy(open, s.label, {.label_smoothing = 0.1}),
      doctest::Contains("[softmax_cross_entropy] dimension 1 of [batch, classes] has no size"), Error);
  CHECK_THROWS_WITH_AS(correct_count(s.label, s.label), doctest::Contains("[correct_count]"), Error);
  CHECK_THROWS_WITH_AS(mse(s.logits, real),
                       doctest::Contains("[mse] prediction and target want the same shape [batch, ...]"),
                       Error);
}

/// Every loss on random numbers, its gradient against differences (1e-5 apart: error about 1e-9).
void check_gradient(const Value& loss, const Value& variable, const Bindings& inputs) {
  const Value total = sum(loss);
  const Tensor found = evaluate(grad(total, variable), inputs);
  for (int64_t i = 0; i < found.count(); ++i) {
    CAPTURE(i);
    const auto moved = [&](double step) {
      Bindings other = inputs;
      Tensor& tensor = other.at(variable.node().name);
      tensor.set(i, tensor.at(i) + step);
      return evaluate(total, other).item();
    };
    CHECK(std::abs(found.at(i) - (moved(1e-5) - moved(-1e-5)) / 2e-5) < 1e-7);
  }
}

TEST_CASE("the cross-entropy of sequences is that of each step") {
  Graph graph;
  const Value logits = graph.input("logits", {"batch", 2, 3}, Type::f64);
  const Value label = graph.input("label", {"batch", 2}, Type::i64);
  const Bindings inputs{{"logits", Tensor::f64({2, 2, 3}, {1, 2, 3, 0, -1, 4, 0.5, 0.5, 0.5, 7, -7, 0})},
                        {"label", Tensor::i64({2, 2}, {0, 2, 1, 1})}};
  const Value steps = softmax_cross_entropy(logits, label);
  REQUIRE(steps.shape() == Shape{"batch", 2});
  const Tensor found = evaluate(steps, inputs);
  const Tensor smooth = evaluate(softmax_cross_entropy(logits, label, {.label_smoothing = 0.3}), inputs);
  Setup flat;
  for (int64_t i = 0; i < 4; ++i) {
    const Tensor& all = inputs.at("logits");
    const Bindings one = flat.bindings({all.at(3 * i), all.at(3 * i + 1), all.at(3 * i + 2)},
                                       {static_cast<int32_t>(inputs.at("label").at(i))});
    CHECK(found.at(i) == evaluate(softmax_cross_entropy(flat.logits, flat.label), one).item());
    CHECK(smooth.at(i) ==
          evaluate(softmax_cross_entropy(flat.logits, flat.label, {.label_smoothing = 0.3}), one).item());
  }
  check_gradient(steps, logits, inputs);
  CHECK_THROWS_WITH_AS(softmax_cross_entropy(logits, flat.label),
                       doctest::Contains("want floating [batch, ..., classes] and integer [batch, ...]"),
                       Error);
  CHECK_THROWS_WITH_AS(correct_count(logits, label), doctest::Contains("want floating [batch, classes]"),
                       Error);
}

TEST_CASE("losses of differences equal their formulas") {
  Graph graph;
  const Value a = graph.input("a", {"batch", 2}, Type::f64), b = graph.input("b", {"batch", 2}, Type::f64);
  const Bindings inputs{{"a", Tensor::f64({2, 2}, {1, 5, -2, 0.25})},
                        {"b", Tensor::f64({2, 2}, {0, 2, 1, 0})}};
  CHECK(evaluate(mse(a, b), inputs) == Tensor::f64({2}, {5, (9 + 0.0625) / 2}));
  CHECK(evaluate(mae(a, b), inputs) == Tensor::f64({2}, {2, 3.25 / 2}));
  CHECK(evaluate(huber(a, b, 2), inputs) == Tensor::f64({2}, {(0.5 + 4) / 2, (4 + 0.03125) / 2}));
  check_gradient(mae(a, b), a, inputs);
  check_gradient(huber(a, b, 2), b, inputs);
  CHECK_THROWS_WITH_AS(huber(a, b, 0), doctest::Contains("delta must be positive and finite: got 0"), Error);
  CHECK_THROWS_WITH_AS(mae(a, sum(b)), doctest::Contains("[batch, 2] and []"), Error);
}

TEST_CASE("hinge losses equal their formulas") {
  Graph graph;
  const Value score = graph.input("s", {"batch"}, Type::f64), target = graph.input("t", {"batch"}, Type::f64);
  const Bindings inputs{{"s", Tensor::f64({3}, {0.5, 2, -3})}, {"t", Tensor::f64({3}, {1, 1, 1})}};
  CHECK(evaluate(hinge(score, target), inputs) == Tensor::f64({3}, {0.5, 0, 4}));
  Setup s;
  const Bindings classes = s.bindings({1, 1.5, -1, 0, 0.25, 3}, {0, 2});
  CHECK(evaluate(multiclass_hinge(s.logits, s.label), classes) == Tensor::f64({2}, {1.5, 0}));
  check_gradient(multiclass_hinge(s.logits, s.label), s.logits, classes);
}

TEST_CASE("binary cross-entropy from logits equals its formula, also where the sigmoid is 0 or 1") {
  Graph graph;
  const Value x = graph.input("x", {"batch"}, Type::f64), t = graph.input("t", {"batch"}, Type::f64);
  const Bindings inputs{{"x", Tensor::f64({4}, {0.5, -2, 1000, -1000})},
                        {"t", Tensor::f64({4}, {1, 0.25, 0, 1})}};
  const Tensor found = evaluate(binary_cross_entropy(x, t, 3), inputs);
  const auto formula = [](double logit, double target) {
    const double p = 1 / (1 + std::exp(-logit));
    return -3 * target * std::log(p) - (1 - target) * std::log(1 - p);
  };
  CHECK(std::abs(found.at(0) - formula(0.5, 1)) < 4 * tolerance);
  CHECK(std::abs(found.at(1) - formula(-2, 0.25)) < 4 * tolerance);
  CHECK(found.at(2) == 1000);
  CHECK(found.at(3) == 3000);
  check_gradient(binary_cross_entropy(x, t, 3), x, inputs);
}

TEST_CASE("label smoothing and class weights change the cross-entropy as their formula says") {
  Setup s;
  const Bindings bindings = s.bindings({1, 2, 4, 0, -1, 0.5}, {0, 2});
  const std::vector<double> weights{0.5, 2, 3};
  const Tensor found = evaluate(
      softmax_cross_entropy(s.logits, s.label, {.label_smoothing = 0.3, .class_weights = weights}), bindings);
  for (size_t row = 0; row < 2; ++row) {
    const auto p = row == 0 ? softmax_by_hand({1, 2, 4}) : softmax_by_hand({0, -1, 0.5});
    double want = 0;
    for (size_t c = 0; c < 3; ++c) {
      const double target = 0.7 * (c == (row == 0 ? 0U : 2U) ? 1 : 0) + 0.1;
      want -= weights[c] * target * std::log(p[c]);
    }
    CHECK(std::abs(found.at(static_cast<int64_t>(row)) - want) < 16 * tolerance);
  }
  CHECK(evaluate(softmax_cross_entropy(s.logits, s.label, CrossEntropyOptions{}), bindings) ==
        evaluate(softmax_cross_entropy(s.logits, s.label), bindings));
  check_gradient(softmax_cross_entropy(s.logits, s.label, {.label_smoothing = 0.3, .class_weights = weights}),
                 s.logits, bindings);
  std::vector<double> negative = weights, unknown = weights;
  negative[1] = -1;
  unknown[0] = std::nan("");
  CHECK_THROWS_WITH_AS(softmax_cross_entropy(s.logits, s.label, {.class_weights = negative}),
                       doctest::Contains("at least 0: got -1 for class 1"), Error);
  CHECK_THROWS_WITH_AS(softmax_cross_entropy(s.logits, s.label, {.class_weights = unknown}),
                       doctest::Contains("got nan for class 0"), Error);
  CHECK_THROWS_WITH_AS(softmax_cross_entropy(s.logits, s.label, {.class_weights = {1}}),
                       doctest::Contains("got 1 for 3 classes"), Error);
  CHECK_THROWS_WITH_AS(softmax_cross_entropy(s.logits, s.label, {.label_smoothing = 2}),
                       doctest::Contains("in [0, 1]: got 2"), Error);
}

TEST_CASE("the divergence of a distribution from itself is 0, and 0 log 0 is 0") {
  Graph graph;
  const Value t = graph.input("t", {"batch", 2}, Type::f64), x = graph.input("x", {"batch", 2}, Type::f64);
  const Bindings inputs{{"t", Tensor::f64({2, 2}, {0.25, 0.75, 1, 0})},
                        {"x", Tensor::f64({2, 2}, {std::log(0.25), std::log(0.75), 0, 0})}};
  const Tensor found = evaluate(kl_divergence(t, x), inputs);
  CHECK(std::abs(found.at(0)) < 4 * tolerance);
  CHECK(std::abs(found.at(1) - std::log(2.0)) < 4 * tolerance);
  check_gradient(kl_divergence(t, x), x, inputs);
}

TEST_CASE("hardmax marks the first greatest element, and penalties add up sizes") {
  Graph graph;
  const Value x = graph.constant(Tensor::f64({2, 3}, {1, 4, 4, -1, -2, -3}));
  CHECK(evaluate(hardmax(x)) == Tensor::f64({2, 3}, {0, 1, 0, 1, 0, 0}));
  const Value y = graph.constant(Tensor::f64({1}, {-2}));
  CHECK(evaluate(l1_penalty({x, y}, 0.5)) == Tensor::scalar(Type::f64, 8.5));
  CHECK(evaluate(l2_penalty({x, y}, 0.5)) == Tensor::scalar(Type::f64, 25.5));
  CHECK_THROWS_WITH_AS(l1_penalty({}, 1), doctest::Contains("got 0 values"), Error);
}

}  // namespace
}  // namespace crease
