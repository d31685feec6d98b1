// The rules of simplify, one function each, and what they share. Private to graph/rewrite/simplify.
#pragma once

#include <optional>
#include <vector>

#include "graph/rewrite/simplify.h"

namespace crease {

using Simpler = std::optional<Value>;

// Each gives nothing unless its identity (the table in simplify.cpp) applies to the node.
Simpler put_constant_into_body(const Value& value, Derivatives derivatives);
Simpler read_repeated_operand_once(const Value& value, Derivatives derivatives);
Simpler drop_unread_operand(const Value& value, Derivatives derivatives);
Simpler assign_single_point(const Value& value, Derivatives derivatives);
Simpler drop_identity(const Value& value, Derivatives derivatives);
Simpler compose_movements(const Value& value, Derivatives derivatives);
Simpler undo_inverse(const Value& value, Derivatives derivatives);
Simpler drop_redundant_clamp(const Value& value, Derivatives derivatives);
Simpler drop_zero_products(const Value& value, Derivatives derivatives);
Simpler use_kink_identity(const Value& value, Derivatives derivatives);

/// The Ties that a node may have when it is differentiated. Selected slopes of a chain of two are quadratic
/// in the weight s of the right slope, so four weights stand for all.
std::vector<Tie> possible_ties(const Value& value, Derivatives derivatives);
/// Operand k of a node, as a value.
Value operand(const Value& value, size_t k);
/// The node again with another body, combination, loops and operands; shape, type, tie and line are kept.
Value remake(const Value& value, Body body, Combine combine, Loops loops, const std::vector<Value>& operands);
/// An operation of one operand, elementwise, of one shape and type.
bool is_plain_map(const Value& value);
/// The identity body under changed accesses, of one operand and without conversion of type.
bool is_movement(const Node& node);

}  // namespace crease
