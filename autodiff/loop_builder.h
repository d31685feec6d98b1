// Builds a node over the loops of another: how adjoints and tangents are made.
#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"

namespace crease {

/// Collects reads at accesses of an existing node's loops, then appends one node. Equal reads are shared; an
/// operand that the node reads twice at the same access is one argument.
class LoopBuilder {
 public:
  /// The loops of node `id`.
  LoopBuilder(const Graph& graph, NodeId id);

  const Node& node() const { return node_; }
  /// Body of the node with operands that are read twice at one access merged (identical arguments are no
  /// tie).
  const Scalar& body() const { return body_; }
  /// The number that stands for operand k in body(): the first operand with the same value and access.
  int representative(int operand) const { return representative_[static_cast<size_t>(operand)]; }
  /// Bit k is set if operand k is the same in every call, computed or not: folding it changes no slope. 0
  /// where the body compares nothing that several arguments decide: there slopes do not depend on it.
  uint64_t constants() const;

  /// The value of operand k at the current point, as an argument of the body being built.
  Scalar operand(int k);
  /// Any value, at an access in the node's own labels and lookups. A one-element constant becomes a number.
  Scalar read(const Value& value, const Access& access);
  /// An expression over the node's operands in terms of the new node's arguments. Reads only the operands
  /// that occur.
  Scalar over_operands(const Scalar& expression);
  /// Reads every operand whose access can leave its tensor, so that the same points are skipped.
  void keep_bounds();

  /// A new label, beside the node's own.
  int add_label(const std::string& name, const Dim& extent);
  /// The access with label `from` replaced by `to`.
  static Access relabel(const Access& access, std::span<const int> from, std::span<const int> to);

  /// f32 or f64: the arithmetic of the node's body (f64 for integers). What another node compares comes out
  /// as in the node itself only in the same.
  Type arithmetic() const;
  /// body() as it is stored: cut to an integer where the node keeps one, and only then.
  Scalar stored_body() const;

  /// Appends a node with one element for each point of the node's own loops.
  Value build_at_points(const std::string& name, const Scalar& body, Type type,
                        const std::source_location& where);
  /// Appends the node, with the Tie of the original's own if it has kinks. The write access is in the node's
  /// own labels; `more` are further attributes of the operation.
  Value build(const std::string& name, const Scalar& body, const Access& write, Shape shape, Combine combine,
              Type type, const std::source_location& where, const Attributes& more = {});

 private:
  Access adapt(const Access& access);
  int argument(const Value& value, const Access& access);

  Graph graph_;
  Node node_;
  Scalar body_;
  std::vector<int> representative_;
  std::vector<Label> labels_;
  std::vector<Value> values_;
  std::vector<Access> accesses_;
};

/// Whether the comparisons of an operation are decided: it is part of a derivative.
bool is_decided(const Op& op);

/// Whether different points always write different elements: then Assign does for Sum.
bool is_injective(const Access& access, std::span<const Label> labels);

}  // namespace crease
