// The smallest member of a rescaling group's orbit: parameters with the least sum of squares (or the least
// range) that compute the same function. The sum is convex in the logarithms of the factors; its gradient is
// twice the conserved quantities Q, so balanced means all Q = 0.
// Claim: the balanced network is a member of the group (scaling.h), so the outputs are unchanged: in floating
// point to the bit for powers of two, short of overflow and underflow. The minimum itself is numerical
// (relative accuracy about 1e-12). Source: Neyshabur et al. 2015 (path-SGD); Saul 2023 (arXiv 2305.15501);
// Nagel et al. 2019 (arXiv 1906.04721) for ranges; docs/analyses.md.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "graph/analysis/bounds/node_bounds.h"
#include "graph/analysis/finding.h"
#include "graph/analysis/scaling.h"
#include "graph/graph.h"

namespace crease {

/// What is made small.
enum class BalanceGoal : uint8_t {
  Norm,   // sum of squares of all parameters
  Range,  // greatest sizes, unit by unit: a norm of order 32 of parameters, and of values where given
};

struct BalanceOptions {
  BalanceGoal goal = BalanceGoal::Norm;
  /// Factors are powers of two.
  bool powers_of_two = true;
  /// For Range: also the values of computed tensors at this many random inputs of normal distribution.
  int64_t samples = 0;
  uint64_t seed = 1;
  /// For Range: in place of those the bounds of computed tensors over this box.
  std::optional<InputBox> box = {};
};

/// A unit whose parameters can shrink for ever: it has no incoming or no outgoing weight.
struct EscapingUnit {
  ScalingCoordinate unit;
  bool grows;  // its factor goes to infinity: the outgoing weights vanish; else the incoming ones do
};

/// Where in the group the balanced network is.
struct Balance {
  std::vector<double> t;      // log2 of the factor of each coordinate
  double squares_before = 0;  // sums of squares of all parameters
  double squares_after = 0;   // at t
  double squares_least = 0;   // the infimum over real factors
  bool attained = true;       // whether some factors reach it
  std::vector<EscapingUnit> escaping;
};

/// Parameters whose name says that they are running statistics (running_mean, running_variance): what is
/// balanced should keep them (ScalingOptions::fixed), since no optimizer sees them.
std::set<std::string> running_statistics(const Graph& graph);

Balance balance(const Graph& graph, const ScalingGroup& group, const BalanceOptions& options = {});

/// "all networks equal by rescaling": over what a least sum is the least. Of a network with a loop over time
/// it says that rescalings inside of the loop are not among them.
std::string rescaling_scope(const Graph& graph);
/// "relu %5[3]": the tensor and the channel that a coordinate multiplies by itself.
std::string unit_name(const Graph& graph, const ScalingCoordinate& unit);
/// Why an infimum is not reached, in words.
std::string escape_sentence(const Graph& graph, const EscapingUnit& escaping);

/// Whether two graphs give the same bits at random inputs (named dimensions 4, normal distribution).
/// Errors: those of evaluate.
bool same_outputs(const Graph& a, const Graph& b, int64_t samples, uint64_t seed = 1);

/// Greatest difference of an output over its greatest size, at such inputs.
double output_difference(const Graph& a, const Graph& b, int64_t samples, uint64_t seed = 1);

/// Findings "conserved" and "balance" about the sum of squares; nothing without rescalings, or where there
/// are more than 2^17 parameters.
std::vector<Finding> balance_findings(const Graph& graph);

}  // namespace crease
