// Decimals of proved bounds: rounded away from what they bound, so that the text is as true as the number.
#pragma once

#include <string>

namespace crease {

/// Six digits of a number that is not below the given one; as many of one that is not above it. Neither says
/// -0.
std::string at_most_text(double value);
std::string at_least_text(double value);

}  // namespace crease
