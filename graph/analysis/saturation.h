// Where an activation stops responding: the limits of its slope h' far to the left and far to the right, from
// its body alone.
//
// Lattice (each side): None < Soft < Hard, and Unknown. Hard: h' is exactly 0 beyond some point. Proved for
// piecewise-linear bodies, from their exact table. Otherwise (`numeric`) observed, not proved: the branch
// that max, min and select take is sampled at x = 2^20, ..., 2^60; hard if its symbolic derivative is the
// constant 0, else none or soft by the values of h' at x = 2^3, ..., 2^60 in double. Source: definitions of
// Gulcehre et al. 2016 (Noisy activation functions), section 2; saturating means on both sides.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "graph/analysis/finding.h"
#include "graph/graph.h"

namespace crease {

enum class Saturates : uint8_t { None, Soft, Hard, Unknown };
std::string_view to_string(Saturates kind);

/// The facts of one activation.
struct Saturation {
  Saturates left = Saturates::Unknown;
  Saturates right = Saturates::Unknown;
  bool numeric = false;  // decided with samples, not proved
  bool operator==(const Saturation&) const = default;
};

/// Saturation of a body of one argument. Errors: Error if it has another number of arguments.
Saturation saturation(const Scalar& body);
/// On both sides, softly or hard.
bool is_saturating(const Saturation& facts);
/// "hard", "soft", "mixed" (saturating); "one-sided"; "none"; "unknown".
std::string_view kind_of(const Saturation& facts);

/// One kind of activation in a graph, and the nodes that apply it.
struct ActivationUse {
  Scalar body;
  std::string name;
  std::vector<NodeId> nodes;
  Saturation facts;
};

/// The elementwise one-argument operations that are not affine, among the nodes that outputs need, in order
/// of appearance.
std::vector<ActivationUse> activations(const Graph& graph);

/// One finding an activation.
std::vector<Finding> saturation_findings(const Graph& graph);

}  // namespace crease
