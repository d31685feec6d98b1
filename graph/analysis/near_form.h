// Inside of affine forms: a walk with given numbers in place of constants without rational value. Callers use
// enclosed_form.h.
#pragma once

#include <map>
#include <vector>

#include "graph/analysis/exact.h"
#include "graph/analysis/linearity.h"

namespace crease {

/// Numbers near constants that have no rational value.
struct NearConstants {
  std::map<NodeId, ExactValues> values;
  Rational share;  // how far they are off at most, as a share of them
};

/// What a walk carries: coefficients, or their magnitudes.
enum class Coefficients : uint8_t { Signed, Magnitudes };

/// affine_form with these numbers.
FormOrReason near_form(const Graph& graph, const Linearity& facts, NodeId sink,
                       const std::vector<NodeId>& cut, const NearConstants& near, Coefficients coefficients);

}  // namespace crease
