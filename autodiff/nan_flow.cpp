#include "autodiff/nan_flow.h"

#include <algorithm>
#include <cmath>

#include "autodiff/adjoint.h"
#include "graph/rewrite/rewrite.h"
#include "graph/scalar/forms.h"

namespace crease {
namespace {

using Kind = ScalarKind;

/// What is known of an expression: that it is NaN, or, of a truth value, which one it is.
enum class Known : uint8_t { Nothing, Nan, False, True };

Known of_constant(double value) {
  if (std::isnan(value)) return Known::Nan;
  return value == 0 ? Known::False : value == 1 ? Known::True : Known::Nothing;
}

Known negated(Known truth) {
  if (truth == Known::True) return Known::False;
  return truth == Known::False ? Known::True : Known::Nothing;
}

bool any(std::span<const Known> terms, Known what) { return std::ranges::find(terms, what) != terms.end(); }

/// One term that is `decisive` decides; otherwise both must be known.
Known logic(std::span<const Known> terms, Known decisive, Known other) {
  if (any(terms, decisive)) return decisive;
  return terms[0] == other && terms[1] == other ? other : Known::Nothing;
}

Known branch(Known condition, Known yes, Known no) {
  if (condition == Known::True) return yes;
  if (condition == Known::False) return no;
  return yes == no ? yes : Known::Nothing;
}

/// Of a step, from what is known of its terms, where the arguments `nan` are NaN.
Known known_of(const Scalar& step, std::span<const Known> terms, std::span<const int> nan) {
  switch (step.kind()) {
    case Kind::Constant: return of_constant(step.constant());
    case Kind::Argument:
      return std::ranges::find(nan, step.position()) != nan.end() ? Known::Nan : Known::Nothing;
    case Kind::Index:
    case Kind::Size: return Known::Nothing;
    case Kind::Less:
    case Kind::LessEqual:
    case Kind::Equal: return any(terms, Known::Nan) ? Known::False : Known::Nothing;
    case Kind::And: return logic(terms, Known::False, Known::True);
    case Kind::Or: return logic(terms, Known::True, Known::False);
    case Kind::Not: return negated(terms[0]);
    case Kind::Select: return branch(terms[0], terms[1], terms[2]);
    default: return any(terms, Known::Nan) ? Known::Nan : Known::Nothing;
  }
}

/// Whether an index takes every value of [0, size): its values are without gaps, and reach both ends.
bool reaches_all(const AffineIndex& index, const Loops& loops, const Dim& size) {
  const int plain = index.plain_label();
  if (plain >= 0 && loops.labels[static_cast<size_t>(plain)].extent == size) return true;
  if (index.lookup >= 0 || size.is_symbol()) return false;
  std::vector<Term> terms = index.terms;
  std::ranges::sort(terms, {}, [](const Term& term) { return std::abs(term.coefficient); });
  int64_t low = index.offset, high = index.offset;
  for (const Term& term : terms) {
    const Dim& extent = loops.labels[static_cast<size_t>(term.label)].extent;
    if (extent.is_symbol() || extent.size() == 0 || std::abs(term.coefficient) > high - low + 1) return false;
    (term.coefficient > 0 ? high : low) += term.coefficient * (extent.size() - 1);
  }
  return low <= 0 && high >= size.size() - 1;
}

}  // namespace

bool is_nan_with(const Scalar& expression, std::span<const int> nan_arguments) {
  const auto known = [&](const Scalar& step, std::span<const Known> terms) {
    return known_of(step, terms, nan_arguments);
  };
  return fold_steps<Known>(expression, known) == Known::Nan;
}

bool reads_all(const Graph& graph, const Node& node, int k) {
  const Loops& loops = node.loops;
  const Access& access = loops.reads[static_cast<size_t>(k)];
  const Shape& shape = graph.node(node.operands[static_cast<size_t>(k)]).shape;
  std::vector<int> uses(loops.labels.size());
  for (size_t d = 0; d < access.size(); ++d) {
    if (!reaches_all(access[d], loops, shape[d])) return false;
    for (const Term& term : access[d].terms) ++uses[static_cast<size_t>(term.label)];
  }
  // Dimensions that share a label do not move freely, and other labels must have at least one value.
  for (size_t label = 0; label < uses.size(); ++label) {
    const Dim& extent = loops.labels[label].extent;
    if (uses[label] > 1 || (uses[label] == 0 && (extent.is_symbol() || extent.size() == 0))) return false;
  }
  if (!always_inside(loops.write, loops, node.shape)) return false;
  for (size_t other = 0; other < node.operands.size(); ++other)
    if (static_cast<int>(other) != k &&
        !always_inside(loops.reads[other], loops, graph.node(node.operands[other]).shape))
      return false;
  return true;
}

NanFlow nan_flow(const Graph& graph, const LoopBuilder& builder, int k, bool follows_nan,
                 const std::function<Scalar(AtNan)>& slopes, int free) {
  const Combine combine = builder.node().op->combine;
  if (combine != Combine::Assign && combine != Combine::Sum) return {slopes(AtNan::Nan), false};
  // NaN in operand j makes NaN of the node, and that of its adjoint.
  const auto comes_back = [&](int j) { return follows_nan && is_nan_with(builder.body(), {&j, 1}); };
  const auto is_nan = [&](const Scalar& slope, int j) {
    const Scalar product = strong_product(Scalar::argument(free), slope);
    return is_nan_with(product, comes_back(j) ? std::vector{j, free} : std::vector{j});
  };
  const Scalar strict = slopes(AtNan::Nan), passed = slopes(AtNan::Passed);
  bool same = true;
  for (int j = 0; j < static_cast<int>(builder.node().operands.size()); ++j)
    same = same && (!depends_on(strict, j) || (comes_back(j) && is_nan(passed, j)));
  const Scalar& slope = same ? passed : strict;
  return {slope, is_nan(slope, k) && reads_all(graph, builder.node(), k)};
}

}  // namespace crease
