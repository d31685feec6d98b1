// A loop under construction, around a copy of another loop's body. Private to the derivatives of loops.
#pragma once

#include <functional>
#include <map>

#include "autodiff/scan_sum.h"
#include "graph/scan.h"

namespace crease {

/// An operand of a loop, made only if the loop needs it.
using Source = std::function<Value()>;

enum class Section : uint8_t { Carry, Sequence, Invariant };

class BodyBuilder {
 public:
  BodyBuilder(const Scan& scan, const std::optional<Tie>& tie);

  /// An input like input k of the copied body. `copied`: it takes that input's place.
  Value add(Section section, int k, const std::string& name, const Source& operand, bool copied);
  /// An input like node `id` of the copied body.
  Value add_like(Section section, NodeId id, const std::string& name, const Source& operand);
  /// The copy of a node, and of what it needs. A Tie of the copied body goes to its nodes.
  Value copy(NodeId wanted);
  /// The value of the original loop at the copy of node `id` is read, step by step, instead of computed.
  void read_instead(NodeId id, const Source& sequence);

  /// Whether the graph around the loop has the value of a node of the new body, for each step or for all.
  bool is_outside(NodeId id) const;
  OuterOperand outside(NodeId id) const;

  Value value(NodeId id) const { return body_.value(id); }
  void output(const Value& value);

  struct Loop {
    std::shared_ptr<const Scan> scan;
    std::vector<Value> operands;
  };
  /// The loop without what its outputs do not need; carries stay. Errors: Error if the body holds a trap.
  Loop finish(int carries, bool reverse) const;

 private:
  struct Input {
    Section section;
    NodeId id;
    Source operand;
  };

  std::vector<bool> needed_nodes() const;
  void copy_needed(const std::vector<bool>& needed, std::vector<Value>& values, Graph& to) const;

  const Scan& scan_;
  Graph body_;
  std::vector<Input> inputs_;
  std::vector<Value> copies_;      // by node of the copied body
  std::map<NodeId, Source> read_;  // by node of the new body
};

}  // namespace crease
