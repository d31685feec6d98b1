// Questions about nodes that may be part of a larger operator.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "frontends/onnx/write/labelled.h"

namespace crease::onnx {

/// An operation without reduction that writes each element where its loops stand.
bool is_map(const Node& node, const Scalar& body);
/// An operand of a map that is read at the element that is written.
bool is_full(const Node& map, size_t k);
/// The node, if so many others use it and nothing else.
const Node* used(const Writing& writing, NodeId id, int times);

/// The axes that a reduction of its operand itself removes, in full size and in order; none if it is none.
std::vector<int64_t> reduced_axes(const Writing& writing, Combine combine);
/// Whether the result has the reduced axes with size 1, or not at all.
enum class Kept : uint8_t { No, Yes, Neither };
Kept kept(const Node& node);

/// A sum over axes that is divided by how many elements they have, and that nothing else uses.
struct Mean {
  NodeId of;
  std::vector<int64_t> axes;
  bool kept;  // with size 1
};
std::optional<Mean> find_mean(const Writing& writing);

/// The vector of one element a channel (axis 1) that operand k repeats along all other axes: its name.
std::optional<std::string> channels(const Writing& writing, size_t k);

}  // namespace crease::onnx
