// Whether numbers can leave a format: overflow to infinity, and NaN, on a box; the first node where it can
// happen is named.
// Lattice: bounded < may overflow < may be NaN. Transfer: intervals against the largest number of the format;
// NaN from roots and logarithms of negative numbers, 0 / 0, and from infinities that meet: inf - inf,
// 0 * inf. Claim: box; "cannot" is proved, "can" comes with an input that does it, the rest is unknown.
// Numbers are the real values: within rounding of the largest number of a format the answer is "may".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "graph/analysis/bounds/box_analysis.h"
#include "graph/analysis/finding.h"
#include "graph/named_tensors.h"

namespace crease {

/// A floating format by its largest finite number.
struct NumberFormat {
  std::string_view name;
  double largest;
};
/// fp16, bf16, fp32: ascending.
inline constexpr NumberFormat kNumberFormats[] = {
    {"fp16", 65504}, {"bf16", 0x1.fep127}, {"fp32", 0x1.fffffep127}};

/// A node whose values can leave a format, and how large they can be.
struct Overflow {
  NodeId node = -1;  // -1: none
  double bound = 0;
};

/// Greatest magnitude of a node's elements, by the best bounds or by intervals alone.
double greatest_magnitude(const BoxAnalysis& box, NodeId node, bool by_intervals_alone = false);

/// The first node of floating type, in order, whose bound exceeds `largest`.
Overflow first_possible_overflow(const BoxAnalysis& box, double largest, bool by_intervals_alone = false);

/// The first node that exceeds `largest` at one of a few points of the box: its ends, and points between. The
/// network is run in f64 or f32 as it is, so an answer is a witness; none is no proof.
struct Reached {
  NodeId node = -1;
  double value = 0;
  NamedTensors inputs = {};
};
Reached first_reached_overflow(const BoxAnalysis& box, double largest);

/// Why the first node can be NaN in a format, naming it; empty if none can.
std::string first_possible_nan(const BoxAnalysis& box, double largest);

/// One finding, "range", a sentence for each format.
std::vector<Finding> range_findings(const BoxAnalysis& box);

}  // namespace crease
