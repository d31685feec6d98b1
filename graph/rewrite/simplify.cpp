#include "graph/rewrite/simplify.h"

#include <array>

#include "graph/error.h"
#include "graph/rewrite/rewrite.h"
#include "graph/rewrite/simplify/rules.h"

namespace crease {
namespace {

// Not among them, since a slope or a value would change: max(a, b) -> max(b, a), x - x -> 0 (infinities,
// NaN), sums of sums (rounding); and but for the last rule x + relu(-x) -> relu(x), relu(x) - relu(-x) -> x.
constexpr std::array<Rule, 10> table{{
    // Every point reads the same number: it is part of the body, which simplifies by itself. Only if slopes
    // at kinks stay; a constant is no argument of a kink, so they mostly do.
    {"f(x, c) = f_c(x) for a uniform constant c: x*1 = x, x + 0 = x, where(true, x, y) = x",
     Condition::Slopes, put_constant_into_body},
    // Identical arguments are no tie, for derivatives too: slopes add up, s + (1 - s) = 1 for max(x, x).
    {"f(x, x) reads x once: max(x, x) = x, where(c, x, x) = x", Condition::Always,
     read_repeated_operand_once},
    {"f(x, y) = g(x) if the body does not read y", Condition::Always, drop_unread_operand},
    // A maximum of one element has no tie.
    {"a combination of one element is that element: sum over an axis of size 1", Condition::Always,
     assign_single_point},
    {"identity: a movement that moves nothing", Condition::Always, drop_identity},
    {"move(move(x)) is one movement: transposes, slices, reshapes that undo each other", Condition::Always,
     compose_movements},
    // Smooth bodies only.
    {"-(-x) = x, not(not(x)) = x", Condition::Smooth, undo_inverse},
    // Slopes multiply: l*l = l for l = 0 and 1, but 1/2 * 1/2 is not 1/2, so the Ties decide.
    {"clamp(clamp(x)) = one of the two: relu(relu(x)) = relu(x), relu(relu6(x)) = relu6(x)",
     Condition::Slopes, drop_redundant_clamp},
    // Infinity and NaN times 0 are NaN: not without the caller's word.
    {"0 * x = 0 for finite x", Condition::Finite, drop_zero_products},
    // Infinities and the rounding of kinks aside, each equation says under which Ties it keeps gradients.
    {"the equations of kink_identities() that shorten, where they are free: relu(x) - relu(-x) = x",
     Condition::Finite, use_kink_identity},
}};

}  // namespace

std::span<const Rule> rules() { return table; }

Value simplest(Value value, Derivatives derivatives, Assume assume) {
  for (int steps = 0; value.node().role == Role::Apply; ++steps) {
    ensure(steps < 1000, "[simplify] rules do not end at node {}", describe(value.graph(), value.id()));
    Simpler simpler;
    for (const Rule& rule : table) {
      if (rule.condition == Condition::Finite && assume != Assume::Finite) continue;
      if ((simpler = rule.apply(value, derivatives))) break;
    }
    if (!simpler) break;
    value = *simpler;
  }
  return value;
}

Rewrite simplify(const Graph& graph, Derivatives derivatives, Assume assume) {
  const auto remake = [&](Graph& to, const Node& node, const std::vector<Value>& operands) {
    return simplest(to.copy(node, operands), derivatives, assume);
  };
  const Rewrite result = rebuild_needed(graph, remake);
  return then(result, remove_dead(result.graph));
}

}  // namespace crease
