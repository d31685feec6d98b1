// Where what is stored is the number that is meant.
#pragma once

#include "graph/graph.h"
#include "graph/rational.h"

namespace crease {

/// Whether the result of an operation is its real value, or a position (arg max): not where a number is cut
/// to an integer or to whether it is 0, and not in integer arithmetic that can wrap around or cuts quotients
/// and fractions.
bool stores_exactly(const Graph& graph, const Node& node);

/// Whether a number is one of a type.
bool is_number_of(Type type, const Rational& number);

/// Whether an input can be a number in real semantics: any number if it is floating, else one of its type.
inline bool can_be(Type type, const Rational& number) {
  return is_floating(type) || is_number_of(type, number);
}

}  // namespace crease
