#include "autodiff/trap.h"

#include <limits>

#include "autodiff/loop_builder.h"
#include "autodiff/selection.h"
#include "graph/ops/arithmetic.h"

namespace crease {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// The trap over the loops of node `id` for the kinks of node `watched`; `hit` is made of reads of `builder`.
Value trap(LoopBuilder& builder, const Graph& graph, NodeId id, NodeId watched, const Scalar& hit) {
  const Node node = graph.node(watched);
  Loops all = graph.node(id).loops;
  all.write.clear();
  builder.keep_bounds();
  const Scalar body = select(hit, -combined_position(all), -infinity);
  const Value made = builder.build("trap_" + node.op->name, body, {}, {}, Combine::Max, Type::f64, node.where,
                                   {{"trap", static_cast<double>(watched)}});
  if (!node.name.empty()) graph.handle().set_name(made, "trap_" + node.name);
  return made;
}

Value is_clear(const Value& trap) {
  static const Op clear{.name = "is_clear",
                        .doc = "Whether a trap has not sprung.",
                        .body = [](Scalar x) { return equal(x, -infinity); },
                        .type = ResultType::Boolean};
  return clear(trap, trap.node().where);
}

bool is_extremum(const Node& node) {
  return node.op->combine == Combine::Max || node.op->combine == Combine::Min;
}

std::optional<Value> body_trap(const Graph& graph, NodeId id, int k) {
  LoopBuilder builder(graph, id);
  const Scalar left = slope(builder.body(), k, Side::Left, builder.constants());
  const Scalar right = slope(builder.body(), k, Side::Right, builder.constants());
  if (left.same(right)) return {};
  Scalar hit = builder.over_operands(left < right || right < left);
  // Other points than the extreme ones have no part in the derivative.
  if (is_extremum(builder.node()))
    hit = hit && equal(builder.over_operands(builder.body()),
                       builder.read(graph.value(id), builder.node().loops.write));
  if (hit.is_constant(0)) return {};
  return trap(builder, graph, id, id, hit);
}

std::optional<Value> tie_trap(const Graph& graph, NodeId id) {
  if (!is_extremum(graph.node(id))) return {};
  const std::source_location where = graph.node(id).where;
  static const Op excess{.name = "excess", .doc = "All but one.", .body = [](Scalar n) { return n - 1; }};
  const Value others = excess(tied_count(graph, id, where), where);
  LoopBuilder builder(graph, others.id());
  return trap(builder, graph, others.id(), id, builder.over_operands(builder.body()) > 0);
}

}  // namespace

std::optional<Value> unsprung(const Graph& graph, NodeId id, int k) {
  const std::optional<Value> body = body_trap(graph, id, k), tie = tie_trap(graph, id);
  if (body && tie) return logical_and(is_clear(*body), is_clear(*tie), graph.node(id).where);
  if (body) return is_clear(*body);
  return tie ? std::optional(is_clear(*tie)) : std::nullopt;
}

KinkRule rule_beside_trap(const KinkRule& rule) { return rule.tie == Tie::trap ? KinkRule(Tie::left) : rule; }

}  // namespace crease
