// Whether reverse mode with one side everywhere (Tie::left or Tie::right) gives an element of the
// B-subdifferential for every batch and all parameter values, told from the structure alone.
//
// Theorem (docs/kinks.md): let every kinked operation be decided by one operand z = E + c b, where b is a
// differentiated parameter that nothing else reads, of which every element of the sum has one, and c a
// constant that is not 0. Move the biases of the highest level down (c > 0; else up), then those of the next
// level, and so on: the first of these moves that moves an element of z is that of its own bias, and it moves
// it to the left. So uniform left is the lexicographic derivative along these directions, hence in the
// B-subdifferential; uniform right likewise with the signs exchanged. A fact here proves that for all values.
// It does not say that a graph without it has wrong gradients.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "graph/analysis/finding.h"
#include "graph/graph.h"

namespace crease {

/// What decides the kinks of one operation.
struct OwnBias {
  NodeId node = -1;
  NodeId bias = -1;       // -1: there is none
  NodeId sum = -1;        // where it is added
  bool negative = false;  // c < 0
  int level = 0;          // such sums on the longest path to this one, itself included
  std::string problem;    // why the theorem does not cover it; empty if it does
};

struct OwnBiasReport {
  /// The operations with kinks between the variables and the outputs, in order.
  std::vector<OwnBias> operations;
  /// Some operation has an infinite slope somewhere: at such points nothing is certified.
  bool poles = false;
  bool certified() const;
  /// The biases by level, the highest first; -1 - id for those that enter with c < 0. Nothing if not
  /// certified.
  std::optional<std::vector<std::vector<NodeId>>> levels_if_certified() const;
};

/// The operations between `wrt` and `outputs`, of which the loss is a smooth function. Cost: linear in the
/// graph, once more for each floor (the shift of a softmax, which changes nothing); no value is read but
/// constants.
OwnBiasReport own_bias(const Graph& graph, std::span<const NodeId> outputs, std::span<const NodeId> wrt);

/// One finding: the outputs of a network under gradients of its parameters.
std::vector<Finding> own_bias_findings(const Graph& graph);

}  // namespace crease
