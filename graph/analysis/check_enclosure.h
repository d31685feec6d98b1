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

using EnclosedValues = std::map<NodeId, std::vector<Enclosure>>;

/// All that a body may be. Errors: as enclosed_values.
Enclosure enclosed_body(const Scalar& body, std::span<const Enclosure> arguments,
                        std::span<const int64_t> labels);

/// The elements of a node from those of its operands; of a leaf its stored numbers. Errors: as
/// enclosed_values.
std::vector<Enclosure> enclosed_node(const Graph& graph, NodeId id, const EnclosedValues& known);

/// The elements of a node at a point of the inputs (elements of all inputs in order), for one sample. Rounded
/// outwards to multiples of 2^-160; exp by its series with the remainder, log and sqrt by guesses that exp
/// and the square confirm. Errors: Refused for sin, cos, erf, arg max, and comparisons that enclosures do not
/// decide.
std::vector<Enclosure> enclosed_values(const Graph& graph, NodeId node, const std::vector<Rational>& point);

}  // namespace crease::checker
