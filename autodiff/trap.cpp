#include "autodiff/trap.h"

#include <limits>

#include "autodiff/loop_builder.h"
#include "autodiff/selection.h"
#include "graph/ops/arithmetic.h"

namespace crease {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

Loops all_points(const Node& node) {
  Loops all = node.loops;
  all.write.clear();
  return all;
}

/// The trap over the loops of node `id` for the kinks of node `watched`; `hit` is made of reads of `builder`.
Value trap(LoopBuilder& builder, const Graph& graph, NodeId watched, const Scalar& hit) {
  const Node node = graph.node(watched);
  // The node's own comparisons, in its own arithmetic; positions in f64, which holds them.
  const Value hits = builder.build_at_points("hit_" + node.op->name, hit, Type::boolean, node.where);
  LoopBuilder points(graph, hits.id());
  const Scalar body = select(points.read(hits, points.node().loops.write),
                             -combined_position(all_points(points.node())), -infinity);
  const Value made = points.build("trap_" + node.op->name, body, {}, {}, Combine::Max, Type::f64, node.where,
                                  {{"trap", static_cast<double>(watched)}});
  if (!node.name.empty()) graph.handle().set_name(made, "trap_" + node.name);
  return made;
}

/// `what`, made of reads of `builder`, at the point where the trap sprang.
Value told(LoopBuilder& builder, const Value& trap, const Scalar& what, size_t order) {
  const Scalar here = -combined_position(all_points(builder.node()));
  const Scalar body = select(equal(builder.read(trap, {}), here), what, 0);
  builder.keep_bounds();
  return builder.build("trap_value", body, {}, {}, Combine::Sum, Type::f64, trap.node().where,
                       {{"trap_value", static_cast<double>(order)}});
}

/// Whether the trap has not sprung. Reads what tells of it, so that passes keep that as well: a comparison
/// with itself, which fails for NaN, cannot be simplified away.
Value is_clear(const Graph& graph, const Value& trap, const std::vector<Value>& operands) {
  Scalar clear = equal(Scalar::argument(0), -infinity);
  std::vector<Value> read{trap};
  for (const Value& operand : operands) {
    clear = clear && Scalar::argument(static_cast<int>(read.size())) <= infinity;
    read.push_back(operand);
  }
  const auto op = std::make_shared<Op>(Op{.name = "is_clear",
                                          .doc = "Whether a trap has not sprung.",
                                          .body = Body(static_cast<int>(read.size()), clear),
                                          .type = ResultType::Boolean});
  return graph.handle().apply(op, read, trap.node().where);
}

bool is_extremum(const Node& node) {
  return node.op->combine == Combine::Max || node.op->combine == Combine::Min;
}

/// Whether the slopes of the body in operand k differ at a point, or are NaN there, as an expression over the
/// operands.
Scalar is_hit(const LoopBuilder& builder, int k) {
  const Scalar left = slope(builder.body(), k, Side::Left, builder.constants());
  const Scalar right = slope(builder.body(), k, Side::Right, builder.constants());
  return left.same(right) ? Scalar(0) : !equal(left, right);
}

std::optional<Value> body_clear(const Graph& graph, NodeId id, int k) {
  LoopBuilder builder(graph, id);
  Scalar hit = builder.over_operands(is_hit(builder, k));
  if (hit.is_constant(0)) return {};
  // Other points than the extreme ones have no part in the derivative.
  if (is_extremum(builder.node()))
    hit = hit && equal(builder.over_operands(builder.body()),
                       builder.read(graph.value(id), builder.node().loops.write));
  const Value sprung = trap(builder, graph, id, hit);
  std::vector<Value> operands;
  for (int other = 0; other < static_cast<int>(builder.node().operands.size()); ++other) {
    LoopBuilder teller(graph, id);
    if (teller.representative(other) != other || !depends_on(teller.body(), other)) continue;
    const Scalar value = teller.operand(other);
    operands.push_back(told(teller, sprung, value, operands.size()));
  }
  return is_clear(graph, sprung, operands);
}

std::optional<Value> tie_clear(const Graph& graph, NodeId id) {
  if (!is_extremum(graph.node(id))) return {};
  const std::source_location where = graph.node(id).where;
  static const Op excess{.name = "excess", .doc = "All but one.", .body = [](Scalar n) { return n - 1; }};
  const Value others = excess(tied_count(graph, id, where), where);
  LoopBuilder builder(graph, others.id());
  const Scalar result = builder.read(graph.value(id), builder.node().loops.write);
  const Scalar hit = builder.over_operands(builder.body()) > 0 || !equal(result, result);
  const Value sprung = trap(builder, graph, id, hit);
  LoopBuilder teller(graph, others.id());
  const Scalar value = teller.read(graph.value(id), teller.node().loops.write);
  return is_clear(graph, sprung, {told(teller, sprung, value, 0)});
}

}  // namespace

std::optional<Value> unsprung(const Graph& graph, NodeId id, int k) {
  const std::optional<Value> body = body_clear(graph, id, k), tie = tie_clear(graph, id);
  if (body && tie) return logical_and(*body, *tie, graph.node(id).where);
  return body ? body : tie;
}

KinkRule rule_beside_trap(const KinkRule& rule) { return rule.tie == Tie::trap ? KinkRule(Tie::left) : rule; }

}  // namespace crease
