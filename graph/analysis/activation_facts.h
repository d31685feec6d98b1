// What an activation is as a function on the line, from its body alone: shape, symmetry, smoothness, range.
//
// Piecewise-linear bodies: everything exactly, from their table. Other bodies: convexity and monotonicity are
// proved by the rules of composition (convexity/one_variable.h) or not claimed; strictness, parity,
// smoothness at the points where branches meet, range and Lipschitz constant are read from samples out to
// 2^60, refined at extrema, and `sampled` says so: observed, not proved.
#pragma once

#include <string_view>
#include <vector>

#include "graph/piecewise.h"

namespace crease {

/// How often the function can be differentiated with a continuous result, where branches meet; analytic
/// between them.
enum class Smoothness : uint8_t { Discontinuous, C0, C1, C2, Analytic };
/// "discontinuous", "C0", "C1", "C2", "analytic".
std::string_view to_string(Smoothness smoothness);

/// A point where the function is continuous and its one-sided slopes differ.
struct SlopeBreak {
  double at, left, right;
};

struct ActivationFacts {
  bool convex = false, concave = false;  // false: not proved
  Monotone monotone = Monotone::None;    // None: not proved
  Parity parity = Parity::None;
  Smoothness smoothness = Smoothness::Analytic;
  double lipschitz = 0;      // the least constant, or infinity
  double low = 0, high = 0;  // infimum and supremum
  std::vector<SlopeBreak> kinks;
  bool flat = false;     // slope 0 wherever there is one
  bool sampled = false;  // parity, smoothness, range and Lipschitz constant are not proved
};

/// Errors: Error if the body has several arguments.
ActivationFacts activation_facts(const Scalar& body);

}  // namespace crease
