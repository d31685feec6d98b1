// The hidden units of a network that can change places: permutations of parameters, axis by axis, that leave
// every output as it is, whatever the parameters are. No parameter is read, only constants.
//
// Lattice: for each axis of each tensor a permutation of its positions, unknown or decided. Transfer: an
// access hands a permutation of an axis on to the loop labels that it reads, and labels to all axes that they
// reach; positions that only a sum, product, max or min runs over may move freely. Decided twice and
// differently, or met at an input, an output or an uneven constant: no symmetry. Each exchange of two units
// is carried through the graph by itself, so the cost is that of the nodes it touches. Claim: every element
// of the group leaves the outputs unchanged in exact arithmetic (sums are reordered). Not claimed: that there
// are no others (those that move units of one attention head alone are not found).
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "graph/analysis/finding.h"
#include "graph/graph.h"
#include "graph/rational.h"

namespace crease {

/// Where positions of an axis go: those that move.
using Moves = std::map<int64_t, int64_t>;

/// A tensor and one of its axes.
using TensorAxis = std::pair<NodeId, int>;

/// One symmetry: the axes that it permutes, those of parameters and those of computed tensors.
struct Permutation {
  std::map<TensorAxis, Moves> axes = {};
  /// The node whose max, min, product or sum over these positions hides the exchange; -1: none.
  NodeId absorbed_by = -1;

  bool operator==(const Permutation&) const = default;
};

/// Units that can change places in any order: the symmetric group on them.
struct PermutationBlock {
  NodeId tensor = -1;  // the first computed tensor whose positions they are
  int axis = 0;
  std::vector<int64_t> units = {};   // positions along that axis
  std::vector<NodeId> tensors = {};  // all computed tensors along which they move, ascending
  NodeId absorbed_by = -1;           // pieces of a maxout: the node that takes the max
  /// Exchanges of units[0] with each other one: they generate the group.
  std::vector<Permutation> exchanges = {};
};

/// The exchanges of units, as independent blocks.
struct PermutationGroup {
  std::vector<PermutationBlock> blocks;
  /// Product of the factorials of the blocks' sizes; 0 if it has more than 2^20 bits.
  Rational order() const;
};

/// Errors: Error if the graph has no outputs.
PermutationGroup permutation_group(const Graph& graph);

/// The graph with its parameters permuted.
Graph permuted(const Graph& graph, const Permutation& permutation);

/// One finding, id "permutations"; nothing if no two units can change places.
std::vector<Finding> permutation_findings(const Graph& graph);

}  // namespace crease
