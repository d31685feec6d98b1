// Which hidden unit of one network is a multiple of which unit of another.
#pragma once

#include <optional>
#include <vector>

#include "graph/analysis/equivalence/equivalence.h"
#include "graph/analysis/joined.h"
#include "graph/analysis/normal_form/normal_form.h"

namespace crease {

/// Whether the graphs differ in the values of their parameters alone.
bool same_architecture(const Graph& a, const Graph& b);

/// The units of each activation of b as multiples of those of a, by the normal form of both; nothing if some
/// activation has no such matching, one to one.
std::optional<std::vector<LayerMatch>> matched_layers(const Graph& a, const Joined& both,
                                                      const NormalForm& normal);

}  // namespace crease
