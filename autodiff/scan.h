// Derivatives of loops over time: the derivative of a loop is a loop over the derivative of its body.
// Backwards it runs from the other end and reads, of each step, the carries that it started from and its sums
// of products; the rest of the step is computed once more.
#pragma once

#include <map>
#include <optional>

#include "autodiff/directional.h"
#include "autodiff/reverse.h"
#include "graph/scan.h"

namespace crease {

/// Adjoint of one operand of a loop.
struct ScanAdjoint {
  NodeId operand;
  Value value;
};

/// Contributions of a loop to the adjoints of its operands. `of_results`: adjoints of its results by number.
/// `wanted`: which operands want one; the others get none. Errors: those of vjp in the body.
std::vector<ScanAdjoint> scan_adjoint(const Graph& graph, NodeId id, const std::map<int, Value>& of_results,
                                      const std::vector<bool>& wanted, const GradOptions& options,
                                      const std::source_location& where);

/// Loops with tangents, each made once for all siblings.
class ScanTangents {
 public:
  /// A rule gives slopes that are linear in the tangents; none: the exact directional derivative.
  ScanTangents(const Graph& graph, std::optional<GradOptions> rule, const std::source_location& where)
      : graph_(graph.handle()), rule_(std::move(rule)), where_(where) {}

  struct Result {
    Value value;                   // on the side of the tangent where the body jumps, else the node itself
    std::optional<Value> tangent;  // none: does not move
  };
  /// Value and tangent of node `id` of the graph over operands with these values and tangents.
  Result of(NodeId id, const std::vector<Value>& operands, const std::vector<std::optional<Value>>& tangents);

 private:
  struct Made {
    std::shared_ptr<const Scan> scan;
    std::vector<Value> operands;
    // By result of the original: results of the loop with tangents.
    std::map<int, int> value_of, tangent_of;
    bool jumps = false;
  };
  Made make(NodeId id, const std::vector<Value>& operands, const std::vector<std::optional<Value>>& tangents);
  LockedOutputs differentiate(const std::vector<Value>& outputs, const std::vector<Value>& floating,
                              const std::vector<Value>& variables,
                              const std::vector<Value>& directions) const;

  Graph graph_;
  std::optional<GradOptions> rule_;
  std::source_location where_;
  std::map<std::pair<const Scan*, std::vector<NodeId>>, Made> made_;
};

}  // namespace crease
