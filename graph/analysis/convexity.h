// Convex, concave, nondecreasing, nonincreasing: by the rules of composition, for every element of every
// tensor and every input element.
//
// Lattice: the flags of Curve (convexity/curve.h): what an element may do, the union being the join.
// Transfer: the rules of its body, applied at each point of the loops; sums unite, max bends up. A fact
// proves that a flag that is not set cannot happen, for all inputs. A set flag proves nothing: the rules do
// not see that terms cancel (relu(z) - relu(z) / 2). Level: values, or structure, where no parameter is read.
// Samples are taken one by one; where an operation mixes them, everything may happen.
// Sources: disciplined convex programming, Grant, Boyd, Ye 2006; input-convex networks, Amos, Xu, Kolter
// 2017.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "graph/analysis/convexity/curve.h"
#include "graph/analysis/finding.h"
#include "graph/graph.h"

namespace crease {

struct ConvexityOptions {
  /// Values: weights of known sign. Structure: for all parameter values; no parameter is read.
  Level level = Level::Values;
  /// Nodes with more loop points than this, and all after this many points in total, get one fact for all
  /// elements, from the signs that their operands have anywhere.
  int64_t point_limit = int64_t{1} << 24;
};

/// The facts of a graph.
class Convexity {
 public:
  /// Cost: one sweep over the loop points, about 50 ns each; 3 ns in sums of weighted values.
  explicit Convexity(const Graph& graph, const ConvexityOptions& options = {});

  /// The fact of an element, row-major in one sample.
  Curve at(NodeId node, int64_t element) const;
  /// The union over a node's elements.
  Curve any(NodeId node) const;
  /// The bits of Curve::rises that stand for an element of an input: its own while all inputs together have
  /// at most 64 elements, else that of the input.
  uint64_t bits(NodeId input, int64_t element) const;
  /// Whether every input element has a bit of its own.
  bool by_element() const { return by_element_; }

 private:
  using Facts = std::vector<Curve>;  // one for all elements, or one each
  Curve leaf(NodeId node, int64_t element) const;
  Facts apply(NodeId id, const std::string& mixing);
  Facts by_point(NodeId id, CurveBody& body) const;
  std::optional<size_t> weights_of(NodeId id) const;
  Facts weighted(NodeId id, size_t weights) const;
  Curve joined(NodeId id, CurveBody& body) const;

  const Graph graph_;
  ConvexityOptions options_;
  bool by_element_ = true;
  std::vector<int> first_bit_;  // of inputs
  std::vector<Facts> facts_;    // empty: a leaf
  int64_t points_ = 0;
};

/// "convex", "concave", "affine", "constant" or "unknown".
std::string_view curvature_name(const Curve& curve);
/// '0' independent, '+' nondecreasing, '-' nonincreasing, '?' unknown.
char monotone_sign(const Curve& curve, uint64_t bit);

/// One finding an output, id "convexity".
std::vector<Finding> convexity_findings(const Graph& graph);

}  // namespace crease
