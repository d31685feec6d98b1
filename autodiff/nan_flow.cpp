#include "autodiff/nan_flow.h"

#include <algorithm>
#include <cmath>

#include "autodiff/adjoint.h"
#include "graph/rewrite/rewrite.h"

namespace crease {
namespace {

using Kind = ScalarKind;

/// What is known of an expression: that it is NaN, or, of a truth value, which one it is.
enum class Known : uint8_t { Nothing, Nan, False, True };

class NanWalk {
 public:
  explicit NanWalk(std::span<const int> nan_arguments) : nan_(nan_arguments) {}

  Known operator()(const Scalar& node) const {
    switch (node.kind()) {
      case Kind::Constant: return of_constant(node.constant());
      case Kind::Argument:
        return std::ranges::find(nan_, node.position()) != nan_.end() ? Known::Nan : Known::Nothing;
      case Kind::Index:
      case Kind::Size: return Known::Nothing;
      case Kind::Less:
      case Kind::LessEqual:
      case Kind::Equal: return any(node, Known::Nan) ? Known::False : Known::Nothing;
      case Kind::And: return logic(node, Known::False, Known::True);
      case Kind::Or: return logic(node, Known::True, Known::False);
      case Kind::Not: return negated((*this)(node.terms()[0]));
      case Kind::Select: return branch(node);
      default: return any(node, Known::Nan) ? Known::Nan : Known::Nothing;
    }
  }

 private:
  static Known of_constant(double value) {
    if (std::isnan(value)) return Known::Nan;
    return value == 0 ? Known::False : value == 1 ? Known::True : Known::Nothing;
  }
  static Known negated(Known truth) {
    if (truth == Known::True) return Known::False;
    return truth == Known::False ? Known::True : Known::Nothing;
  }
  bool any(const Scalar& node, Known what) const {
    return std::ranges::any_of(node.terms(), [&](const Scalar& term) { return (*this)(term) == what; });
  }
  /// One term that is `decisive` decides; otherwise both must be known.
  Known logic(const Scalar& node, Known decisive, Known other) const {
    if (any(node, decisive)) return decisive;
    const auto is_other = [&](const Scalar& term) { return (*this)(term) == other; };
    return std::ranges::all_of(node.terms(), is_other) ? other : Known::Nothing;
  }
  Known branch(const Scalar& node) const {
    const auto t = node.terms();
    const Known condition = (*this)(t[0]);
    if (condition == Known::True) return (*this)(t[1]);
    if (condition == Known::False) return (*this)(t[2]);
    const Known then = (*this)(t[1]);
    return then == (*this)(t[2]) ? then : Known::Nothing;
  }

  std::span<const int> nan_;
};

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
  return NanWalk(nan_arguments)(expression) == Known::Nan;
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
