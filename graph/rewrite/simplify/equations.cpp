// The rule that uses the table of equations between kinked functions.
#include <algorithm>

#include "graph/rewrite/identities.h"
#include "graph/rewrite/simplify/rules.h"

namespace crease {
namespace {

/// An elementwise operation without attributes, all of whose operands have its shape and type.
bool is_uniform_map(const Value& value) {
  const Node& node = value.node();
  if (node.role != Role::Apply || node.op->combine != Combine::Assign || !node.op->attributes.empty() ||
      !is_elementwise(node.loops))
    return false;
  for (size_t k = 0; k < node.operands.size(); ++k)
    if (operand(value, k).shape() != node.shape || operand(value, k).type() != node.type) return false;
  return true;
}

/// What stands for the variable of a pattern, and the kinked nodes met on the way.
struct Match {
  std::optional<Value> x;
  std::vector<Value> kinked;
};

/// Whether `value` is the pattern with some value in place of its one input.
bool matches(const Value& pattern, const Value& value, Match& match) {
  if (pattern.node().role == Role::Input) {
    if (!match.x) match.x = value;
    return match.x->id() == value.id();
  }
  if (!is_uniform_map(value) || pattern.node().role != Role::Apply) return false;
  const Node &wanted = pattern.node(), &node = value.node();
  if (!wanted.op->body.expression.same(node.op->body.expression) ||
      wanted.operands.size() != node.operands.size())
    return false;
  if (!kink_conditions(node.op->body.expression).empty()) match.kinked.push_back(value);
  for (size_t k = 0; k < node.operands.size(); ++k)
    if (!matches(operand(pattern, k), operand(value, k), match)) return false;
  return true;
}

/// Whether the equation keeps the gradients under each Tie that the kinked nodes may have, which is one for
/// all.
bool is_allowed(const KinkIdentity& row, const Match& match, Derivatives derivatives) {
  const std::vector<Tie> ties = possible_ties(match.kinked[0], derivatives);
  return std::all_of(match.kinked.begin(), match.kinked.end(),
                     [&](const Value& node) { return node.node().tie == match.kinked[0].node().tie; }) &&
         std::all_of(ties.begin(), ties.end(), [&](const Tie& tie) { return is_free(row, tie); });
}

/// The other side, whose kinked nodes have the Tie of those that went.
Value other_side(const KinkIdentity& row, const Match& match) {
  Graph graph = match.x->graph().handle();
  const int before = graph.size();
  const Value result = row.after(*match.x);
  const std::optional<Tie> tie = match.kinked[0].node().tie;
  for (NodeId id = before; tie && id < graph.size(); ++id) graph.set_tie(graph.value(id), *tie);
  return result;
}

}  // namespace

Simpler use_kink_identity(const Value& value, Derivatives derivatives) {
  if (!is_uniform_map(value) || !is_floating(value.type())) return {};
  for (const KinkIdentity& row : kink_identities()) {
    if (!row.shortens) continue;
    Graph scratch;
    const Value pattern = row.before(scratch.input("x", value.shape(), value.type()));
    Match match;
    if (matches(pattern, value, match) && is_allowed(row, match, derivatives)) return other_side(row, match);
  }
  return {};
}

}  // namespace crease
