// Whether one network is another with its parameters multiplied by powers of two that leave all outputs
// unchanged: a copy, or a balanced one, of any architecture, also where no normal form can be made.
// Level: values. Certificate: "same-orbit", judged by check() with both graphs; format:
//   {..., "kind": "same-orbit", "graph": digest of a, "other": digest of b}, for equal networks, or besides
//   {"rescaling": a certificate "rescaling-invariance" of a, "factors": ["3", "-1/2", ...]}
// with log2 of the factor of each coordinate. The checker carries them out and compares digests.
#pragma once

#include <optional>

#include "graph/analysis/finding.h"
#include "graph/graph.h"

namespace crease {

/// The proof that it is so; none if it is not, or was not found: factors of one layer may depend on each
/// other. Cost: linear in the parameters.
std::optional<Certificate> same_orbit(const Graph& a, const Graph& b);

}  // namespace crease
