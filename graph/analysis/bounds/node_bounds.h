// Interval bounds: for every element of every node an interval that contains all its values, for inputs in a
// box.
// Lattice: intervals with ends in double, infinite where nothing is known. Transfer: the loops and body of
// the node over intervals, rounded outward, so a bound holds whatever rounding the analysis itself does. It
// is about the real-valued function of the stored parameters: how far rounding can take a program that
// computes in f32 is not part of it. Claim: box. One sample is walked; a node that combines samples is
// bounded only where that holds for any number of samples. Source: docs/analyses.md, bounds.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "graph/analysis/bounds/interval.h"
#include "graph/graph.h"

namespace crease {

/// Where the inputs are. An input that is not named, or has no entry in `all`, can be anything.
struct InputBox {
  /// For every element of every floating-point input.
  std::optional<Interval> all = {};
  /// By input: one interval for each element of a sample.
  std::map<std::string, std::vector<Interval>> inputs = {};
};

/// The box of one input. Errors: Error if its size differs from the input's, or an interval is empty.
std::vector<Interval> box_of(const Graph& graph, NodeId input, const InputBox& box);

/// Intervals of the elements of one node.
struct NodeBounds {
  std::vector<double> low;
  std::vector<double> high;  // empty: the same as `low`, a constant
  bool constant = false;     // no input or random number reaches it
  std::string reason = {};   // why nothing is known of some element; else empty

  size_t size() const { return low.size(); }
  Interval at(int64_t i) const {
    const auto k = static_cast<size_t>(i);
    return {low[k], high.empty() ? low[k] : high[k]};
  }
  bool is_points() const { return high.empty(); }
};

/// Of the nodes that `wanted` need; others are empty. Errors: those of box_of.
/// Cost: about 2 ns for each multiply-add of a layer, 100 ns for each point of other operations.
std::vector<NodeBounds> node_bounds(const Graph& graph, const InputBox& box,
                                    const std::vector<NodeId>& wanted);

}  // namespace crease
