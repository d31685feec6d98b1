// What each unit does on a box: whether its piecewise linear activation is on one piece for all inputs there.
// Lattice: Unstable above the pieces. Transfer: the interval of the unit's argument against the knots of its
// table. Claim: box; for relu, dead is u <= 0 and active is l >= 0. Dead for values is not dead for
// gradients: at u = 0 the right rule has slope 1. Certificate: "unit-verdicts", replayed by check(), where
// the network is small enough for exact arithmetic. Source: docs/analyses.md, units; Shin and Karniadakis
// 2020 for tentative and permanent death.
#pragma once

#include <string_view>
#include <vector>

#include "graph/analysis/bounds/box_analysis.h"
#include "graph/analysis/finding.h"

namespace crease {

/// Dead: relu's constant piece, 0. Active: its identity, or the right piece of leaky relu and |x|; Inactive:
/// their left piece. SaturatedLeft, SaturatedRight: a constant piece at the end of other tables; Linear: any
/// other single piece. Unstable: none of these is proved.
enum class UnitState : uint8_t { Dead, Active, Inactive, Linear, SaturatedLeft, SaturatedRight, Unstable };
/// "dead", "saturated left".
std::string_view to_string(UnitState state);

struct Unit {
  int64_t element;         // of the node
  int64_t argument;        // of the operand
  ExactInterval interval;  // of the argument
  UnitState state = UnitState::Unstable;
  bool gradient_dead_left = false,
       gradient_dead_right = false;  // slope 0 on all of it, by that rule at kinks
  bool permanent = false;  // gradient_dead, by the graph's rule, and no training step on inputs in the box
                           // moves its argument
};

/// The units of one node.
struct UnitNode {
  NodeId node = -1, operand = -1;
  std::vector<Unit> units = {};
  int64_t count(UnitState state) const;
};

/// Of all nodes that apply one piecewise linear, not affine function to each element.
std::vector<UnitNode> units_of(const BoxAnalysis& box);

/// One finding, "units": the states in numbers, the intervals of each node in the evidence
/// {"units": [{"node", "intervals", "states"}]}, and the certificate. Unstable units are said to be
/// undecided; where all are, nothing is proved.
std::vector<Finding> unit_findings(const BoxAnalysis& box);

}  // namespace crease
