#include "graph/rewrite/fold.h"

#include <algorithm>

#include "graph/evaluate.h"
#include "graph/rewrite/rewrite.h"

namespace crease {
namespace {

constexpr int64_t always_worth_bytes = 4096;       // one page is never worth a kernel
constexpr int64_t most_points = int64_t{1} << 20;  // about 50 ms of the interpreter

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

/// Points of the loops, or more than `most_points`.
int64_t points_of(const Loops& loops) {
  int64_t points = 1;
  for (const Label& label : loops.labels)
    points = std::min(points, most_points + 1) * std::min(label.extent.size(), most_points + 1);
  return points;
}

}  // namespace

bool is_foldable(const Node& node, const std::vector<Value>& operands) {
  if (node.role != Role::Apply) return false;
  int64_t bytes = 0;
  for (const Value& operand : operands) {
    if (operand.node().role != Role::Constant) return false;
    bytes += operand.node().value.bytes();
  }
  if (has_named_size(node) || points_of(node.loops) > most_points) return false;
  return element_count(sizes_of(node.shape)) * size_of(node.type) <= std::max(bytes, always_worth_bytes);
}

Value folded(Graph& to, const Node& node, const std::vector<Value>& operands, Subnormals subnormals) {
  if (!is_foldable(node, operands)) return to.copy(node, operands);
  Graph scratch;
  std::vector<Value> constants;
  for (const Value& operand : operands) constants.push_back(scratch.constant(operand.node().value));
  const Value wanted = scratch.copy(node, constants);
  return to.constant(evaluate(scratch, {}, {&wanted, 1}, subnormals)[0], node.where);
}

Rewrite fold(const Graph& graph) {
  const Remake remake = [](Graph& to, const Node& node, const std::vector<Value>& operands) {
    return folded(to, node, operands, Subnormals::Keep);
  };
  const Rewrite result = rebuild_needed(graph, remake);
  return then(result, remove_dead(result.graph));
}

}  // namespace crease
