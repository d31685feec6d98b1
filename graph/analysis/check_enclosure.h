// Enclosures of values for the checker: every number between two rationals, so that functions without
// rational values can be compared too.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "graph/graph.h"
#include "graph/rational.h"

namespace crease::checker {

/// All that a number may be.
struct Enclosure {
  Rational low, high;
};

/// An elementary function of one number: to about 2^-150, roots to 2^-80 of their size, log, log1p and
/// softplus to 2^-80. Errors: Refused for what is no such function, and where it has no value or is beyond
/// reach (an exponent above 4096, a wave at more than 64).
Enclosure enclosed_function(ScalarKind kind, const Enclosure& given);

using EnclosedValues = std::map<NodeId, std::vector<Enclosure>>;

/// All that a body may be. Errors: as enclosed_node.
Enclosure enclosed_body(const Scalar& body, std::span<const Enclosure> arguments,
                        std::span<const int64_t> labels);

/// The elements of a node, for one sample, from those of its operands; of a leaf its stored numbers. Rounded
/// outwards to multiples of 2^-160; exp by its series with the remainder, log and sqrt by guesses that exp
/// corrects and the square confirms, erf, sin and cos by theirs. Errors: Refused for arg max, and comparisons
/// that enclosures do not decide.
std::vector<Enclosure> enclosed_node(const Graph& graph, NodeId id, const EnclosedValues& known);

}  // namespace crease::checker
