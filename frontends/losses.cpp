#include "frontends/losses.h"

#include "graph/error.h"
#include "graph/graph.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/lookup.h"
#include "graph/ops/reduction.h"

namespace crease {
namespace {

bool is_integer(Type type) { return type == Type::i32 || type == Type::i64 || type == Type::u8; }

void expect_logits_and_label(std::string_view name, const Value& logits, const Value& label,
                             std::source_location where) {
  const bool fits = logits.shape().size() == 2 && is_floating(logits.type()) && label.shape().size() == 1 &&
                    is_integer(label.type()) && logits.shape()[0] == label.shape()[0];
  expect(fits,
         "[{}] logits and label do not fit: got {} {} and {} {}, want floating [batch, classes] and "
         "integer [batch] ({})",
         name, to_string(logits.type()), to_string(logits.shape()), to_string(label.type()),
         to_string(label.shape()), to_string(where));
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

Value softmax_cross_entropy(const Value& logits, const Value& label, std::source_location where) {
  expect_logits_and_label("softmax_cross_entropy", logits, label, where);
  const Value z = shifted(logits, where);
  const Value total = sum(Operand(exp_op(z, where), where), {-1});
  return subtract(log_op(total, where), pick(Operand(z, where), Operand(label, where)), where);
}

Value mse(const Value& prediction, const Value& target, std::source_location where) {
  expect(prediction.shape() == target.shape() && !prediction.shape().empty(),
         "[mse] prediction and target want the same shape [batch, ...]: got {} and {} ({})",
         to_string(prediction.shape()), to_string(target.shape()), to_string(where));
  const Value squared = square(subtract(prediction, target, where), where);
  Axes axes;
  for (size_t axis = 1; axis < prediction.shape().size(); ++axis) axes.push_back(static_cast<int>(axis));
  return axes.empty() ? squared : mean(Operand(squared, where), axes);
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
