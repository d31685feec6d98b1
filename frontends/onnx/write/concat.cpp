// Parts that are padded with zeros and added, which is how crease joins them.
#include <algorithm>

#include "frontends/onnx/write/kinds.h"
#include "frontends/onnx/write/parts.h"

namespace crease::onnx {
namespace {

struct Part {
  std::string name;
  int64_t begin, end;  // along the axis
};

/// Along which axis the node has zeros around its operand; none if it is anything else, or along several.
std::optional<size_t> padded_axis(const Writing& writing) {
  const Node& node = writing.node;
  const bool moves = node.operands.size() == 1 && node.op->combine == Combine::Assign &&
                     node.op->body.expression.same(Scalar::argument(0)) &&
                     node.loops.write.size() == node.loops.reads[0].size() &&
                     node.type == writing.operand(0).type;
  if (!moves) return {};
  std::optional<size_t> found;
  for (size_t axis = 0; axis < node.shape.size(); ++axis) {
    const Dim& size = writing.operand(0).shape[axis];
    AffineIndex index = node.loops.write[axis];
    index.offset = 0;
    if (index != node.loops.reads[0][axis] || index.plain_label() < 0) return {};
    if (size == node.shape[axis] && node.loops.write[axis].offset == 0) continue;
    if (found) return {};
    found = axis;
  }
  return found;
}

/// The parts of a sum of padded ones, or nothing. `axis` is -1 until the first one tells it.
bool collect(const Writing& writing, std::vector<Part>& parts, int64_t& axis) {
  const Node& node = writing.node;
  if (is_map(node, Scalar::argument(0) + Scalar::argument(1)) && is_full(node, 0) && is_full(node, 1)) {
    for (const size_t k : {0U, 1U}) {
      const Node* part = writing.only_use(k);
      if (!part || part->type != node.type || !collect(writing.at(*part), parts, axis)) return false;
    }
    return true;
  }
  const auto padded = padded_axis(writing);
  if (!padded || (axis >= 0 && static_cast<size_t>(axis) != *padded)) return false;
  axis = static_cast<int64_t>(*padded);
  const Dim& size = writing.operand(0).shape[*padded];
  const int64_t begin = node.loops.write[*padded].offset;
  parts.push_back({writing.name(0), begin, begin + size.size()});
  return true;
}

}  // namespace

std::optional<std::string> write_concat(const Writing& writing) {
  std::vector<Part> parts;
  int64_t axis = -1;
  if (writing.node.operands.size() != 2 || !collect(writing, parts, axis)) return {};
  std::ranges::sort(parts, {}, &Part::begin);
  int64_t end = 0;
  std::vector<std::string> names;
  for (const Part& part : parts) {
    if (part.begin != end) return {};
    end = part.end;
    names.push_back(part.name);
  }
  if (Dim(end) != writing.node.shape[static_cast<size_t>(axis)]) return {};
  return writing.emit.add("Concat", names, {{"axis", axis}});
}

}  // namespace crease::onnx
