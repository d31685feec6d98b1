// Shares t / (t + r), as in softmax: an element against the sum of the others, since both ends of a quotient
// of intervals would let the same element be large above and small below.
#include <algorithm>

#include "graph/analysis/bounds/ends.h"
#include "graph/analysis/bounds/ends_builder.h"

namespace crease {

namespace {

/// The body is `kind` of the operands in order, for each element.
bool is_call(const Node& node, ScalarKind kind, Combine combine) {
  if (node.role != Role::Apply || node.op->combine != combine) return false;
  const Scalar& body = node.op->body.expression;
  const auto is_operand = [](const Scalar& e, size_t k) {
    return e.kind() == ScalarKind::Argument && e.position() == static_cast<int>(k);
  };
  if (kind == ScalarKind::Argument) return is_operand(body, 0);
  if (body.kind() != kind) return false;
  for (size_t k = 0; k < body.terms().size(); ++k)
    if (!is_operand(body.terms()[k], k)) return false;
  return true;
}

/// The first operand is read where the result is written, by plain labels.
bool keeps_place(const Node& node) {
  return is_plain(node.loops.write) && node.loops.reads[0] == node.loops.write;
}

/// Axis of `access` whose index is the plain label; -1: none.
int axis_of(const Access& access, int label) {
  for (size_t k = 0; k < access.size(); ++k)
    if (access[k].plain_label() == label) return static_cast<int>(k);
  return -1;
}

bool is_first(const AffineIndex& index) {
  return index.terms.empty() && index.offset == 0 && index.lookup < 0;
}

/// Whether each point of `quotient` reads, as its second operand, the sum that its first one is in.
bool reads_own_sum(const Node& quotient, const Node& total, const Shape& terms) {
  if (!is_plain(total.loops.reads[0])) return false;
  for (size_t d = 0; d < terms.size(); ++d) {  // all terms are summed
    const int label = total.loops.reads[0][d].plain_label();
    if (total.loops.labels[static_cast<size_t>(label)].extent != terms[d]) return false;
  }
  for (size_t d = 0; d < total.loops.write.size(); ++d) {
    if (is_first(total.loops.write[d])) continue;
    const int label = total.loops.write[d].plain_label();
    const int axis = label < 0 ? -1 : axis_of(total.loops.reads[0], label);
    if (axis < 0 || quotient.loops.reads[1][d] != quotient.loops.reads[0][static_cast<size_t>(axis)])
      return false;
  }
  return true;
}

/// Whether the second operand of `difference` is one number for all elements of a sum.
bool is_one_in_sum(const Node& difference, const Node& total) {
  return std::ranges::all_of(difference.loops.reads[1], [&](const AffineIndex& index) {
    if (is_first(index)) return true;
    const int axis = index.plain_label() < 0 ? -1 : axis_of(difference.loops.reads[0], index.plain_label());
    if (axis < 0) return false;
    return axis_of(total.loops.write, total.loops.reads[0][static_cast<size_t>(axis)].plain_label()) >= 0;
  });
}

/// Ends of t / (t + r) from those of t and of the sum, where neither t nor r is negative; else `natural`.
Ends share(const Ends& term, const Ends& sum, const Ends& natural) {
  const Ends others{sum.negated_low - term.negated_low, sum.high - term.high};
  const Scalar sure = term.negated_low <= 0 && others.negated_low <= 0;
  const Scalar least = -(others.negated_low - term.high);  // of high + r
  const Scalar high = min(known(term.high / least), Scalar(1));
  const Scalar low = min(known(term.negated_low / (others.high - term.negated_low)), Scalar(0));
  return {select(sure, min(low, natural.negated_low), natural.negated_low),
          select(sure, min(high, natural.high), natural.high)};
}

}  // namespace

std::optional<Bound> EndsBuilder::shares(const Node& node, const Bound& natural) {
  if (!is_call(node, ScalarKind::Divide, Combine::Assign) || !keeps_place(node)) return {};
  const Node &terms = from_.node(node.operands[0]), &total = from_.node(node.operands[1]);
  if (!is_call(total, ScalarKind::Argument, Combine::Sum) || total.operands[0] != node.operands[0]) return {};
  if (terms.shape != node.shape || !reads_own_sum(node, total, terms.shape) || of(node, 0).is_point())
    return {};
  const Bound term = terms_of_shares(node, total, terms);
  const auto summed = [&](const Value& end) {
    return to_.apply_resolved(end_record("sum", Combine::Sum, Body(1, Scalar::argument(0))),
                              {.loops = total.loops, .shape = total.shape}, {end}, type_, node.where);
  };
  const std::vector<Value> operands{term.negated_low,  term.high,           summed(term.negated_low),
                                    summed(term.high), natural.negated_low, natural.high};
  const Access &own = node.loops.reads[0], &sum = node.loops.reads[1];
  Resolved resolved{.loops = node.loops, .shape = node.shape};
  resolved.loops.reads = {own, own, sum, sum, own, own};
  const auto pair = [](int k) { return Ends{Scalar::argument(k), Scalar::argument(k + 1)}; };
  const Ends ends = share(pair(0), pair(2), pair(4));
  const auto apply = [&](const Scalar& end) {
    return to_.apply_resolved(end_record("share", Combine::Assign, Body(6, end)), resolved, operands, type_,
                              node.where);
  };
  return Bound{.negated_low = apply(ends.negated_low), .high = apply(ends.high)};
}

/// Ends of numbers in proportion to the terms. Of e^(x - m), where one m belongs to each sum: e^(x - M) with
/// the greatest upper end M of the x.
Bound EndsBuilder::terms_of_shares(const Node& node, const Node& total, const Node& terms) {
  Bound plain = of(node, 0);
  if (!is_call(terms, ScalarKind::Exp, Combine::Assign) || !keeps_place(terms)) return plain;
  const Node& difference = from_.node(terms.operands[0]);
  if (!is_call(difference, ScalarKind::Subtract, Combine::Assign) || !keeps_place(difference)) return plain;
  const Node& x = from_.node(difference.operands[0]);
  const bool one_shape = x.shape == node.shape && difference.shape == node.shape;
  if (!one_shape || of(difference, 0).is_point() || !is_one_in_sum(difference, total)) return plain;
  const Bound& ends = of(difference, 0);
  const Value greatest =
      to_.apply_resolved(end_record("max", Combine::Max, Body(1, Scalar::argument(0))),
                         {.loops = total.loops, .shape = total.shape}, {ends.high}, type_, node.where);
  Resolved resolved{.loops = node.loops, .shape = node.shape};
  resolved.loops.reads = {node.loops.reads[0], node.loops.reads[0], node.loops.reads[1]};
  const std::vector<Ends> arguments{{Scalar::argument(0), Scalar::argument(1)},
                                    Ends::point(Scalar::argument(2))};
  const Ends body = ends_of(exp(Scalar::argument(0) - Scalar::argument(1)), arguments, type_);
  const auto apply = [&](const Scalar& end) {
    return to_.apply_resolved(end_record("exp", Combine::Assign, Body(3, known(end))), resolved,
                              {ends.negated_low, ends.high, greatest}, type_, node.where);
  };
  return {.negated_low = apply(body.negated_low), .high = apply(body.high)};
}

}  // namespace crease
