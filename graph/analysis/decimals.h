// Decimals of exact numbers, as true as these: of proved bounds, rounded away from what they bound; of two
// numbers that are told apart.
#pragma once

#include <string>
#include <utility>

#include "graph/rational.h"

namespace crease {

/// So many digits of a number that is not below the given one; of one that is not above it. Neither says -0.
/// A double may be called by the decimal that reads back as it (0.1); for a fraction the decimal is exact.
std::string at_most_text(double value, int digits = 6);
std::string at_least_text(double value, int digits = 6);
std::string at_most_text(const Rational& value, int digits = 6);
std::string at_least_text(const Rational& value, int digits = 6);

/// Two numbers with as many digits as tell them apart, nine at least; as fractions where doubles do not.
std::pair<std::string, std::string> distinct_texts(const Rational& a, const Rational& b);
/// A number that lies between two others, low < high, with as few digits, nine at least, as make it do so.
std::string text_between(const Rational& low, const Rational& high);
/// The number itself, or nine digits of it where it is a fraction that nobody would read.
std::string readable_text(const Rational& number);

}  // namespace crease
