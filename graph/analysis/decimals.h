// Decimals of proved bounds: rounded away from what they bound, so that the text is as true as the number.
#pragma once

#include <string>

#include "graph/rational.h"

namespace crease {

/// So many digits of a number that is not below the given one; of one that is not above it. Neither says -0.
/// A double may be called by the decimal that reads back as it (0.1); for a fraction the decimal is exact.
std::string at_most_text(double value, int digits = 6);
std::string at_least_text(double value, int digits = 6);
std::string at_most_text(const Rational& value, int digits = 6);
std::string at_least_text(const Rational& value, int digits = 6);

}  // namespace crease
