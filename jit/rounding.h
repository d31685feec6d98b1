// Which way compiled arithmetic rounds.
#pragma once

#include <cstdint>

namespace crease {

/// Nearest: IEEE 754's default. Up: no result is less than the exact one, of every sum, difference, product,
/// quotient, root and conversion; elementary functions are widened by 8 units in the last place. Index
/// arithmetic and conversions of integers below 2^53 (f32: 2^24) are exact. A graph whose values are upper
/// bounds, and negated lower bounds, is sound under Up if each is nondecreasing in those it is made of.
enum class Rounding : uint8_t { Nearest, Up };

}  // namespace crease
