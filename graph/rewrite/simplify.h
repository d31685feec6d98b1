// Local identities. Each rule keeps every value and every slope that a Tie can select; where that depends on
// the Tie, the rule asks which Ties are possible.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "graph/graph.h"

namespace crease {

/// Whether the graph may still be differentiated. Open: any grad call with any Tie may follow, so a node
/// without its own Tie must keep its slopes under all of them. Settled: a node's Tie is its own, else the
/// graph's, else Tie::left.
enum class Derivatives : unsigned char { Open, Settled };

/// What a graph's values are known to be. Finite: no infinities and no NaN, on the word of the caller.
enum class Assume : unsigned char { Nothing, Finite };

/// What makes a rule keep values and slopes. Always: it holds for all operands and every Tie. Slopes: the
/// rule itself compares the slopes under each Tie that the node may have. Smooth: it asks that no kink is
/// involved. Finite: it holds for finite values only, and is used under Assume::Finite only.
enum class Condition : unsigned char { Always, Slopes, Smooth, Finite };

/// One identity, and the function that applies it to a node: another value of the same graph, shape and type
/// that may stand for `value`, or nothing.
struct Rule {
  std::string_view identity;
  Condition condition;
  std::optional<Value> (*apply)(const Value& value, Derivatives derivatives);
};

/// The rules in the order in which they are tried.
std::span<const Rule> rules();

/// Applies the rules bottom up until none fits, then drops dead nodes.
/// Keeps: values to the bit but for the sign of a zero (x + 0 -> x keeps -0), for all inputs with infinities
/// and NaN; slopes, selected or one-sided, also at kinks. Under Assume::Finite also 0 * x = 0, which keeps
/// both where x and its derivatives are finite and makes 0 of what was NaN elsewhere. And the equations
/// of kink_identities() that shorten, where they are free. Cost: never more nodes,
/// operands or operations.
Rewrite simplify(const Graph& graph, Derivatives derivatives = Derivatives::Open,
                 Assume assume = Assume::Nothing);

/// One step of it: what stands for `value` once no rule fits it. Each rule removes an operand, an operation
/// or a combination.
Value simplest(Value value, Derivatives derivatives, Assume assume = Assume::Nothing);

}  // namespace crease
