// Polynomial degree and piecewise linearity of operations, read from bodies and loops.
// Lattice: degrees 0 < 1 < ... < 254 < not polynomial; constant < affine < continuous piecewise linear <
// piecewise linear with jumps < anything. Transfer: sums take the greatest, products add; every other
// function of something that varies is not polynomial. A degree is an upper bound that holds for all
// parameter values; it may fail to see that terms cancel. Source: design in docs/analyses.md.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "graph/graph.h"

namespace crease {

/// Degree as a polynomial in chosen variables.
using Degree = uint8_t;
inline constexpr Degree kNotPolynomial = 255;

/// Degree of a body whose argument k has degree arguments[k]. A one-argument body that is affine by its table
/// (max(x, 0) + min(x, 0)) keeps the degree.
Degree degree_of(const Scalar& body, std::span<const Degree> arguments);
/// Degree of an Apply node from those of its operands: body, combination and lookups.
Degree degree_of(const Node& node, std::span<const Degree> operands);

/// Shape of a function of the inputs jointly.
enum class Piecewise : uint8_t { Constant, Affine, Continuous, Jumps, Other };
Piecewise piecewise_of(const Scalar& body, std::span<const Piecewise> arguments);
Piecewise piecewise_of(const Node& node, std::span<const Piecewise> operands);
/// "constant", "affine", "piecewise linear", "piecewise linear with jumps", "not piecewise linear".
std::string_view to_string(Piecewise piecewise);

}  // namespace crease
