// Saturation of single units on a box: where the slope of an activation is 0 (hard) or small (soft) for all
// inputs there. The definition for whole activations, by limits of the slope, is in analysis/saturation.h.
#pragma once

#include <vector>

#include "graph/analysis/bounds/units.h"
#include "graph/analysis/finding.h"

namespace crease {

/// A smooth unit counts as saturated where its slope is at most this share of the activation's greatest.
inline constexpr double kSoftSlope = 0.01;

/// How the units of one node respond on the box.
struct UnitSaturation {
  NodeId node = -1;
  int64_t left = 0, right = 0;  // hardly or softly saturated, on that side of the interval [-1, 1]
  int64_t linear = 0;           // one piece with a slope
  int64_t partial = 0;          // anything else
};

/// Of piecewise linear units and of smooth activations.
std::vector<UnitSaturation> unit_saturation(const BoxAnalysis& box);

/// One finding, "unit-saturation".
std::vector<Finding> unit_saturation_findings(const BoxAnalysis& box);

}  // namespace crease
