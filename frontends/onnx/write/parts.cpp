#include "frontends/onnx/write/parts.h"

#include <algorithm>

#include "graph/ops/axes.h"

namespace crease::onnx {

bool is_map(const Node& node, const Scalar& body) {
  if (node.role != Role::Apply || node.op->combine != Combine::Assign || !node.op->body.expression.same(body))
    return false;
  const Access& write = node.loops.write;
  for (size_t axis = 0; axis < write.size(); ++axis)
    if (write[axis].plain_label() != static_cast<int>(axis)) return false;
  return true;
}

bool is_full(const Node& map, size_t k) { return map.loops.reads[k] == map.loops.write; }

std::vector<int64_t> reduced_axes(const Writing& writing, Combine combine) {
  const Node& node = writing.node;
  const bool fits = node.role == Role::Apply && node.op->combine == combine && node.operands.size() == 1 &&
                    node.op->body.expression.same(Scalar::argument(0));
  if (!fits) return {};
  const Access& read = node.loops.reads[0];
  for (size_t axis = 0; axis < read.size(); ++axis)
    if (read[axis].plain_label() != static_cast<int>(axis)) return {};
  const std::vector<int> labels = reduced_labels(node.loops);
  return {labels.begin(), labels.end()};
}

Kept kept(const Node& node) {
  const size_t rank = node.loops.reads[0].size();
  const std::vector<int> labels = reduced_labels(node.loops);
  Access with, without;
  for (int axis = 0; axis < static_cast<int>(rank); ++axis) {
    const bool gone = std::ranges::find(labels, axis) != labels.end();
    with.push_back(gone ? AffineIndex{} : AffineIndex{.terms = {{axis, 1}}});
    if (!gone) without.push_back(with.back());
  }
  return node.loops.write == with ? Kept::Yes : node.loops.write == without ? Kept::No : Kept::Neither;
}

std::optional<std::string> channels(const Writing& writing, size_t k) {
  const Node& node = writing.node;
  if (node.shape.size() < 2 || node.shape[1].is_symbol()) return {};
  const Access& read = node.loops.reads[k];
  const Shape& shape = writing.operand(k).shape;
  for (size_t axis = 0; axis < read.size(); ++axis) {
    const bool is_channel = axis + node.shape.size() == read.size() + 1;
    if (is_channel ? read[axis] != node.loops.write[1] : shape[axis] != Dim(1)) return {};
  }
  if (read.size() + 1 < node.shape.size()) return {};
  return writing.emit.reshaped({writing.name(k), shape}, {node.shape[1]});
}

const Node* used(const Writing& writing, NodeId id, int times) {
  const Node& node = writing.graph.node(id);
  return node.role == Role::Apply && writing.uses[static_cast<size_t>(id)] == times ? &node : nullptr;
}

std::optional<Mean> find_mean(const Writing& writing) {
  const Node& node = writing.node;
  if (node.role != Role::Apply || node.operands.size() != 1) return {};
  const Node* sum = writing.only_use(0);
  const bool fits =
      sum && is_map(node, node.op->body.expression) && is_full(node, 0) && sum->type == node.type;
  if (!fits) return {};
  const Writing inner = writing.at(*sum);
  const std::vector<int64_t> axes = reduced_axes(inner, Combine::Sum);
  if (axes.empty() || kept(*sum) == Kept::Neither) return {};
  std::vector<Dim> sizes;
  for (const int64_t axis : axes) sizes.push_back(inner.operand(0).shape[static_cast<size_t>(axis)]);
  if (!node.op->body.expression.same(Scalar::argument(0) / size_term(sizes))) return {};
  return Mean{.of = sum->operands[0], .axes = axes, .kept = kept(*sum) == Kept::Yes};
}

}  // namespace crease::onnx
