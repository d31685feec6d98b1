// Values whose axes are loop labels: what an access reads is brought to labels, computed with, and brought
// from labels to the elements that the node writes.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "frontends/onnx/write/emitter.h"
#include "graph/graph.h"

namespace crease::onnx {

/// One node of a graph that is written.
struct Writing {
  Emitter& emit;
  const Graph& graph;
  const Node& node;
  const std::vector<std::string>& names;  // in the file, by node
  const std::vector<int>& uses;           // by nodes and outputs

  const std::string& name(size_t k) const { return names[static_cast<size_t>(node.operands[k])]; }
  const Node& operand(size_t k) const { return graph.node(node.operands[k]); }
  const Dim& extent(int label) const { return node.loops.labels[static_cast<size_t>(label)].extent; }
  /// The operand if it is an operation that nobody else uses, else null: it may become one with this node.
  const Node* only_use(size_t k) const;
  /// The same for another node, which need not be an operand.
  Writing at(const Node& other) const { return {emit, graph, other, names, uses}; }
};

constexpr int none = -1;

/// A value of the file and the label of each of its dimensions; none: its size is 1.
struct Labelled {
  std::string name;
  std::vector<int> labels;
};

/// An operand brought to labels, each of them at most once, and truth values that are false where the access
/// leaves the operand.
struct Reading {
  Labelled value;
  std::vector<Labelled> inside;
};

/// Labels in row-major order, if the dimension is exactly them, one beside the other.
std::optional<std::vector<int>> row_major(const Writing& writing, const AffineIndex& index, const Dim& dim);

/// Errors: Error for an access that is written in no way.
Reading read(const Writing& writing, size_t k);
/// Dimensions in the order of these labels; size 1 for those that the value lacks, if it has one before them.
Labelled aligned(const Writing& writing, const Labelled& value, const std::vector<int>& order);
/// The same with all labels in their full size.
Labelled expanded(const Writing& writing, const Labelled& value, const std::vector<int>& order);
/// The order of labels in which results are moved least.
std::vector<int> write_order(const Writing& writing);
/// The node's elements: a value that has all labels that the node writes, 0 elsewhere.
std::string written(const Writing& writing, const Labelled& value);

}  // namespace crease::onnx
