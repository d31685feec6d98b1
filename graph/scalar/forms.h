// What can be read off the form of a body.
#pragma once

#include <optional>
#include <utility>

#include "graph/scalar.h"

namespace crease {

/// Whether one step of a body gives a whole number where its terms are whole: no division, no e^x, no 0.5;
/// nor floor, which integer arithmetic has no need of.
bool keeps_integers(const Scalar& step);

/// The positions of the two different operands whose product a body is, if that is all it is.
std::optional<std::pair<size_t, size_t>> multiplied_operands(const Scalar& body);

}  // namespace crease
