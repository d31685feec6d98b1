// What the checker needs where it proves that numbers are close instead of equal.
#pragma once

#include <span>
#include <vector>

#include "graph/analysis/check_bound.h"
#include "graph/analysis/check_enclosure.h"

namespace crease::checker {

/// The number if it is exact, else one in the middle with few digits.
Rational middle(const Enclosure& x);

/// A claimed bound of more than twice the proved one: it would say nothing of use, and a changed claim is to
/// be noticed. Not for bounds below 2^-40.
bool is_loose(const Rational& claimed, const Rational& proved);

/// An interval that contains this one, with ends of few digits.
Interval shortened(const Interval& x);

/// Whether a body varies with the data. Errors: Refused if it is not affine in what varies.
bool varies(const Scalar& body, const std::vector<bool>& data);

/// slope * x + offset, each within an error.
struct NearLine {
  Rational slope, offset, slope_error, offset_error;
};

/// A body that is affine in argument `data`, the others being anywhere in their enclosures.
/// Errors: as enclosed_body.
NearLine near_line(const Scalar& body, size_t data, std::vector<Enclosure> arguments,
                   std::span<const int64_t> labels);

}  // namespace crease::checker
