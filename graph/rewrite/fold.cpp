#include "graph/rewrite/fold.h"

#include <algorithm>

#include "graph/evaluate.h"
#include "graph/rewrite/rewrite.h"

namespace crease {
namespace {

constexpr int64_t always_worth_bytes = 4096;  // one page is never worth a kernel

bool has_named_size(const Node& node) {
  const auto named = [](const Label& label) { return label.extent.is_symbol(); };
  bool found =
      has_symbol(node.shape) || std::any_of(node.loops.labels.begin(), node.loops.labels.end(), named);
  rewrite(node.op->body.expression, [&](const Scalar& scalar, std::span<const Scalar>) {
    found = found || scalar.kind() == ScalarKind::Size;
    return scalar;
  });
  return found;
}

bool is_foldable(const Node& node, const std::vector<Value>& operands) {
  if (node.role != Role::Apply || has_named_size(node)) return false;
  int64_t bytes = 0;
  for (const Value& operand : operands) {
    if (operand.node().role != Role::Constant) return false;
    bytes += operand.node().value.bytes();
  }
  return element_count(sizes_of(node.shape)) * size_of(node.type) <= std::max(bytes, always_worth_bytes);
}

Value folded(Graph& to, const Node& node, const std::vector<Value>& operands) {
  if (!is_foldable(node, operands)) return to.copy(node, operands);
  Graph scratch;
  std::vector<Value> constants;
  for (const Value& operand : operands) constants.push_back(scratch.constant(operand.node().value));
  return to.constant(evaluate(scratch.copy(node, constants)), node.where);
}

}  // namespace

Rewrite fold(const Graph& graph) {
  const Rewrite result = rebuild(graph, folded);
  return then(result, remove_dead(result.graph));
}

}  // namespace crease
