// The rescaling group of a network: all ways to multiply parameters, entry by entry, by factors such that
// every tensor of the network is multiplied channel by channel and the outputs keep their value (or get one
// common factor, or one each). Level: structure; no parameter value is read, only which constants are 0.
//
// Unknowns: one exponent per class of elements of each tensor. Axes along which nothing can vary (the batch,
// the positions of a convolution) are one class. Transfer: the law of each body (scaling_law.h) at each point
// of its loops; sums need equal exponents, products add them. A parameter, or a tensor made of parameters
// only, that is used once and solves the law of its user is eliminated symbolically, so that a dense layer
// costs its widths, not its weights.
// Claim: every element of the group does what the mode says, in exact arithmetic; for factors that are powers
// of two also in floating point, short of overflow and underflow. Not claimed: that there are no other
// symmetries (branches that cancel identically can hide some). Loops over time are not looked into: what one
// reads keeps its value, so rescalings of their own weights are not found; `has_loop` tells whoever reports.
// Source: Gonon et al. 2023 (arXiv 2310.01225) for networks with max; the laws here cover any body.
#pragma once

#include <memory>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "graph/analysis/points.h"
#include "graph/analysis/scaling_law.h"
#include "graph/graph.h"

namespace crease {

/// What happens to inputs and outputs.
enum class ScalingMode : uint8_t {
  Invariance,          // inputs and outputs keep their values
  CommonOutputScale,   // all outputs are multiplied by one positive factor: an argmax stays
  OutputEquivariance,  // each element of each output is multiplied by its own factor
  InputFree            // outputs keep their values; inputs may be rescaled by feature
};
std::string_view to_string(ScalingMode mode);

/// One factor for each channel of each tensor, or one for each whole tensor.
enum class ScalingUnit : uint8_t { Channel, Tensor };

struct ScalingOptions {
  ScalingMode mode = ScalingMode::Invariance;
  ScalingUnit unit = ScalingUnit::Channel;
  /// Parameters that keep their value, by name: running statistics.
  std::set<std::string> fixed = {};
};

/// One coordinate of the group: the first class of elements that it multiplies by itself.
struct ScalingCoordinate {
  NodeId tensor;
  std::vector<int64_t> index;  // position along each axis, -1 for axes that share a factor
  NodeId parameter;  // an entry of a parameter that shows that this coordinate is independent of the
  int64_t element;   // earlier ones
};

/// A group of rescalings with coordinates t: element i of tensor T is multiplied by e^(f(t)), or by -1 to the
/// power f(t) for Field = Parity2, where the linear form f is exponent(T, i).
template <class Field>
class GaugeGroup {
 public:
  /// Directions that change a parameter.
  int dimension() const;
  const std::vector<ScalingCoordinate>& coordinates() const;
  /// Exponents of all elements of a tensor, row-major, named dimensions taken as 1. Nodes that no output
  /// needs have none.
  std::vector<LinearForm<Field>> exponents(NodeId tensor) const;
  /// Exponent of one element, by its position along each axis.
  LinearForm<Field> exponent(NodeId tensor, std::span<const int64_t> index) const;

  struct Implementation;
  explicit GaugeGroup(std::shared_ptr<Implementation> implementation);
  // Copies only, as they cost as little as moves: what was moved from is the same group still.
  GaugeGroup(const GaugeGroup&) = default;
  GaugeGroup& operator=(const GaugeGroup&) = default;
  ~GaugeGroup() = default;

 private:
  std::shared_ptr<Implementation> implementation_;
};
using ScalingGroup = GaugeGroup<Rational>;
using SignGroup = GaugeGroup<Parity2>;

/// Whether the outputs need a loop over time, so that the groups below may miss rescalings.
bool has_loop(const Graph& graph);

/// The group of positive factors for the outputs of a graph. Errors: Error if the graph has no outputs.
/// Cost: about linear in the number of channels; in the number of weights where weights are shared.
ScalingGroup scaling_group(const Graph& graph, const ScalingOptions& options = {});
/// The group of signs.
SignGroup sign_group(const Graph& graph, const ScalingOptions& options = {});

/// The graph with every parameter entry multiplied by 2^exponent at coordinates t.
/// Errors: Error if t does not have one number for each coordinate.
Graph rescaled(const Graph& graph, const ScalingGroup& group, std::span<const double> t);

}  // namespace crease
