#include "frontends/losses.h"

#include <cmath>

#include "graph/error.h"
#include "graph/graph.h"
#include "graph/ops/activation.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/axes.h"
#include "graph/ops/lookup.h"
#include "graph/ops/reduction.h"

namespace crease {
namespace {

bool is_integer(Type type) { return type == Type::i32 || type == Type::i64 || type == Type::u8; }

/// A label for each vector of logits.
bool fit(const Value& logits, const Value& label) {
  if (!is_floating(logits.type()) || !is_integer(label.type()) || label.shape().empty()) return false;
  Shape one_each = label.shape();
  if (!logits.shape().empty()) one_each.push_back(logits.shape().back());
  return logits.shape() == one_each;
}

void expect_logits_and_label(std::string_view name, const Value& logits, const Value& label,
                             std::source_location where, bool one_a_sample = true) {
  expect(fit(logits, label) && (!one_a_sample || label.shape().size() == 1),
         "[{}] logits and label do not fit: got {} {} and {} {}, want floating [batch, {}classes] and "
         "integer [batch{}] ({})",
         name, to_string(logits.type()), to_string(logits.shape()), to_string(label.type()),
         to_string(label.shape()), one_a_sample ? "" : "..., ", one_a_sample ? "" : ", ...",
         to_string(where));
}

/// x at the label, for each label.
Value at_label(const Value& x, const Value& label, std::source_location where) {
  if (label.shape().size() == 1) return pick(Operand(x, where), Operand(label, where));
  static const Op op{.name = "pick_last",
                     .doc = "y[..., b] = x[..., b, index[..., b]]; 0 for an index outside.",
                     .loops = "... @1, ... -> ...",
                     .body = [](Scalar value, Scalar) { return value; }};
  return op(x, label, where);
}

const Op square_of_difference{.name = "squared_difference",
                              .doc = "(a - b)^2.",
                              .body = [](Scalar a, Scalar b) { return (a - b) * (a - b); }};

/// The mean of op(prediction, target) over all axes but the first.
Value sample_mean(std::string_view name, const Op& op, const Value& prediction, const Value& target,
                  std::source_location where) {
  expect(prediction.shape() == target.shape() && !prediction.shape().empty(),
         "[{}] prediction and target want the same shape [batch, ...]: got {} and {} ({})", name,
         to_string(prediction.shape()), to_string(target.shape()), to_string(where));
  const Value each = op(prediction, target, where);
  Axes axes;
  for (size_t axis = 1; axis < prediction.shape().size(); ++axis) axes.push_back(static_cast<int>(axis));
  return axes.empty() ? each : mean(Operand(each, where), axes);
}

Value penalty(std::string_view name, const Op& size, const std::vector<Value>& values, double factor,
              std::source_location where) {
  expect(!values.empty() && std::isfinite(factor) && factor >= 0,
         "[{}] wants at least one value and a finite factor of at least 0: got {} values, factor {} ({})",
         name, values.size(), factor, to_string(where));
  Value total;
  for (const Value& value : values) {
    const Value part = sum(Operand(size(value, where), where));
    total = total.valid() ? add(total, part, where) : part;
  }
  return affine(factor, 0)(total, where);
}

}  // namespace

Value shifted(const Value& x, std::source_location where) {
  // Any shift near the maximum makes exp safe. floor has slope 0, so the shift is a constant to gradients.
  const Value shift = floor_op(reduce_max(Operand(x, where), {-1}, true), where);
  return subtract(x, shift, where);
}

Value softmax(const Value& x, std::source_location where) {
  const Value exponential = exp_op(shifted(x, where), where);
  return divide(exponential, sum(Operand(exponential, where), {-1}, true), where);
}

Value log_softmax(const Value& x, std::source_location where) {
  const Value z = shifted(x, where);
  const Value total = sum(Operand(exp_op(z, where), where), {-1}, true);
  return subtract(z, log_op(total, where), where);
}

Value hardmax(const Value& x, std::source_location where) {
  expect(!x.shape().empty() && !x.shape().back().is_symbol(),
         "[hardmax] wants [..., classes] with a number of classes, got {} ({})", to_string(x.shape()),
         to_string(where));
  return one_hot(Operand(argmax(Operand(x, where)), where), x.shape().back().size(), x.type());
}

Value softmax_cross_entropy(const Value& logits, const Value& label, std::source_location where) {
  expect_logits_and_label("softmax_cross_entropy", logits, label, where, false);
  const Value z = shifted(logits, where);
  const Value total = sum(Operand(exp_op(z, where), where), {-1});
  return subtract(log_op(total, where), at_label(z, label, where), where);
}

Value softmax_cross_entropy(const Value& logits, const Value& label, const CrossEntropyOptions& options,
                            std::source_location where) {
  const double smoothing = options.label_smoothing;
  expect(smoothing >= 0 && smoothing <= 1,
         "[softmax_cross_entropy] label smoothing must be in [0, 1]: got {} ({})", smoothing,
         to_string(where));
  if (smoothing == 0 && options.class_weights.empty()) return softmax_cross_entropy(logits, label, where);
  expect_logits_and_label("softmax_cross_entropy", logits, label, where, false);
  const int64_t classes =
      known_size("softmax_cross_entropy", logits.shape(), logits.shape().size() - 1, where);
  std::vector<double> weights = options.class_weights;
  if (weights.empty()) weights.assign(static_cast<size_t>(classes), 1);
  expect(static_cast<int64_t>(weights.size()) == classes,
         "[softmax_cross_entropy] wants one weight a class: got {} for {} classes ({})", weights.size(),
         classes, to_string(where));
  for (size_t c = 0; c < weights.size(); ++c)
    expect(std::isfinite(weights[c]) && weights[c] >= 0,
           "[softmax_cross_entropy] the weight of a class must be finite and at least 0: got {} for class {} "
           "({})",
           weights[c], c, to_string(where));
  Graph graph = logits.graph();
  const Value weight = graph.constant(Tensor::f64({classes}, weights).converted(logits.type()), where);
  const Value cost = multiply(negate(log_softmax(logits, where), where), weight, where);
  const Value sharp = at_label(cost, label, where);
  const Value smooth = mean(Operand(cost, where), {-1});
  return add(affine(1 - smoothing, 0)(sharp, where), affine(smoothing, 0)(smooth, where), where);
}

Value kl_divergence(const Value& target, const Value& logits, std::source_location where) {
  expect(target.shape() == logits.shape() && !logits.shape().empty(),
         "[kl_divergence] target and logits want the same shape [..., classes]: got {} and {} ({})",
         to_string(target.shape()), to_string(logits.shape()), to_string(where));
  static const Op term{.name = "divergence",
                       .doc = "t (log t - l), 0 for t = 0.",
                       .body = [](Scalar t, Scalar l) { return select(t > 0, t * (log(t) - l), 0); }};
  return sum(Operand(term(target, log_softmax(logits, where), where), where), {-1});
}

Value mse(const Value& prediction, const Value& target, std::source_location where) {
  return sample_mean("mse", square_of_difference, prediction, target, where);
}

Value mae(const Value& prediction, const Value& target, std::source_location where) {
  static const Op op{.name = "absolute_difference", .doc = "|a - b|.", .body = [](Scalar a, Scalar b) {
                       return abs(a - b);
                     }};
  return sample_mean("mae", op, prediction, target, where);
}

Value huber(const Value& prediction, const Value& target, double delta, std::source_location where) {
  expect(std::isfinite(delta) && delta > 0, "[huber] delta must be positive and finite: got {} ({})", delta,
         to_string(where));
  const Op op{.name = "huber",
              .doc = "d^2 / 2 where |d| <= delta, else delta (|d| - delta / 2), d = a - b.",
              .body = [=](Scalar a, Scalar b) {
                const Scalar d = a - b;
                return select(abs(d) <= delta, 0.5 * d * d, delta * (abs(d) - delta / 2));
              }};
  return sample_mean("huber", op, prediction, target, where);
}

Value hinge(const Value& score, const Value& target, std::source_location where) {
  static const Op op{.name = "hinge", .doc = "max(0, 1 - t s).", .body = [](Scalar s, Scalar t) {
                       return max(1 - t * s, 0);
                     }};
  return sample_mean("hinge", op, score, target, where);
}

Value multiclass_hinge(const Value& logits, const Value& label, std::source_location where) {
  expect_logits_and_label("multiclass_hinge", logits, label, where);
  const Value own = pick(Operand(logits, where), Operand(label, where));
  // The label's own term is max(0, 1) = 1, which is taken off again.
  static const Op term{.name = "margin",
                       .doc = "max(0, 1 + x - y).",
                       .loops = "b c, b -> b c",
                       .body = [](Scalar x, Scalar y) { return max(1 + x - y, 0); }};
  return affine(1, -1)(sum(Operand(term(logits, own, where), where), {-1}), where);
}

Value binary_cross_entropy(const Value& logits, const Value& target, double positive_weight,
                           std::source_location where) {
  expect(std::isfinite(positive_weight) && positive_weight >= 0,
         "[binary_cross_entropy] the weight of positives must be finite and at least 0: got {} ({})",
         positive_weight, to_string(where));
  const Op op{
      .name = "binary_cross_entropy",
      .doc = "w t softplus(-x) + (1 - t) softplus(x).",
      .body = [=](Scalar x, Scalar t) { return positive_weight * t * softplus(-x) + (1 - t) * softplus(x); }};
  return sample_mean("binary_cross_entropy", op, logits, target, where);
}

Value l1_penalty(const std::vector<Value>& values, double factor, std::source_location where) {
  return penalty("l1_penalty", abs_op, values, factor, where);
}
Value l2_penalty(const std::vector<Value>& values, double factor, std::source_location where) {
  return penalty("l2_penalty", square, values, factor, where);
}

Value correct_count(const Value& logits, const Value& label, std::source_location where) {
  expect_logits_and_label("correct_count", logits, label, where);
  const Value right = equal_to(argmax(Operand(logits, where), -1), label, where);
  Graph graph = logits.graph();
  const Value one = graph.constant(1, logits.type(), where);
  const Value zero = graph.constant(0, logits.type(), where);
  return sum(Operand(where_op(right, one, zero, where), where));
}

}  // namespace crease
