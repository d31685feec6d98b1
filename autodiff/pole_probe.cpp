#include "autodiff/pole_probe.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>

#include "autodiff/loop_builder.h"
#include "autodiff/root_of_squares.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/leaf.h"
#include "graph/scalar/forms.h"
#include "graph/smooth.h"

namespace crease {
namespace {

using Kind = ScalarKind;

/// Whether a condition holds as it does at the point for all values nearby.
using IsSettled = std::function<bool(const Scalar& condition)>;

/// Whether `here(step)` holds at a step of the body that its value depends on: what a branch does that a
/// settled condition does not take is no matter.
template <class Here>
Scalar depends(const Scalar& body, const IsSettled& is_settled, Here here) {
  return fold_steps<Scalar>(body, [&](const Scalar& step, std::span<const Scalar> found) -> Scalar {
    const auto terms = step.terms();
    if (step.kind() == Kind::Select && is_settled(terms[0]))
      return found[0] || select(terms[0], found[1], found[2]);
    Scalar any = here(step);
    for (const Scalar& term : found) any = any || term;
    return any;
  });
}

/// Whether a step has an infinite slope, or a quotient overflows, so that nothing is known of it.
Scalar is_pole(const Scalar& step) {
  const auto t = step.terms();
  switch (step.kind()) {
    case Kind::Sqrt:
    case Kind::Log: return equal(t[0], 0);
    case Kind::Log1p: return equal(t[0], -1);
    case Kind::Divide: return equal(t[1], 0) || equal(abs(step), std::numeric_limits<double>::infinity());
    default: return 0;
  }
}

/// The two walks over the active part of a graph.
class Poles {
 public:
  Poles(const Graph& graph, const std::vector<bool>& active, const Value& loss,
        const std::source_location& where)
      : graph_(graph.handle()), active_(active), loss_(loss), where_(where) {
    for (NodeId id = 0; id <= loss.id(); ++id)
      if (is_active(id) && graph_.node(id).role == Role::Apply && has_pole(LoopBuilder(graph_, id).body()) &&
          !root_of_squares(graph_, id, where))
        nodes_.push_back(id);
  }

  bool none() const { return nodes_.empty(); }

  /// All poles, in whatever branch.
  Value count() {
    const IsSettled never = [](const Scalar&) { return false; };
    return total(
        [&](LoopBuilder& builder) { return builder.over_operands(depends(builder.body(), never, is_pole)); });
  }

  /// Those that the loss depends on.
  Value count_reaching(bool kinked) {
    std::map<NodeId, Value> reach;
    reach.emplace(loss_.id(), graph_.constant(1.0, Type::f32, where_));
    for (NodeId id = loss_.id(); id >= 0; --id)
      if (is_active(id) && reach.contains(id)) pass_on(id, kinked, reach);
    return total([&](LoopBuilder& builder) -> Scalar {
      const auto found = reach.find(current_);
      if (found == reach.end()) return 0;
      const Scalar poles = builder.over_operands(depends(builder.body(), settled(builder, kinked), is_pole));
      return poles && builder.read(found->second, builder.node().loops.write) > 0;
    });
  }

 private:
  bool is_active(NodeId id) const {
    return static_cast<size_t>(id) < active_.size() && active_[static_cast<size_t>(id)];
  }

  /// Conditions that no variable moves hold nearby; so do all where no comparison is level.
  IsSettled settled(const LoopBuilder& builder, bool kinked) const {
    return [this, operands = builder.node().operands, kinked](const Scalar& condition) {
      for (size_t k = 0; kinked && k < operands.size(); ++k)
        if (is_active(operands[k]) && depends_on(condition, static_cast<int>(k))) return false;
      return true;
    };
  }

  /// The elements of the operands that a result depends on which the loss depends on.
  void pass_on(NodeId id, bool kinked, std::map<NodeId, Value>& reach) {
    const Node node = graph_.node(id);
    for (int k = 0; k < static_cast<int>(node.operands.size()); ++k) {
      const NodeId operand = node.operands[static_cast<size_t>(k)];
      if (!is_active(operand)) continue;
      const auto part = node.role == Role::Apply ? reached_operand(id, k, kinked, reach.at(id))
                                                 : std::optional(everywhere(operand));
      if (!part) continue;
      const auto [slot, fresh] = reach.emplace(operand, *part);
      if (!fresh) slot->second = add(slot->second, *part, where_);
    }
  }

  std::optional<Value> reached_operand(NodeId id, int k, bool kinked, const Value& reach) {
    LoopBuilder builder(graph_, id);
    if (builder.representative(k) != k) return {};
    const Node& node = builder.node();
    const auto looks_up = [k](const Access& access) {
      return std::any_of(access.begin(), access.end(), [k](const auto& index) { return index.lookup == k; });
    };
    bool places = looks_up(node.loops.write);
    for (const Access& read : node.loops.reads) places |= looks_up(read);
    const Scalar mentioned = depends(builder.body(), settled(builder, kinked), [k](const Scalar& step) {
      return Scalar(step.kind() == Kind::Argument && step.position() == k ? 1 : 0);
    });
    const Scalar needs = places ? Scalar(1) : mentioned;
    if (needs.is_constant(0)) return {};
    const Scalar body =
        select(builder.over_operands(needs) && builder.read(reach, node.loops.write) > 0, 1, 0);
    builder.keep_bounds();
    return builder.build("reached", body, node.loops.reads[static_cast<size_t>(k)],
                         graph_.node(node.operands[static_cast<size_t>(k)]).shape, Combine::Sum, Type::f32,
                         where_);
  }

  Value everywhere(NodeId id) {
    return add(zeros_like(graph_.value(id), where_), graph_.constant(1.0, Type::f32, where_), where_);
  }

  /// How many points of the nodes `poles` finds, in f64, which holds as many as there are.
  template <class Find>
  Value total(Find poles) {
    Value sum = graph_.constant(0.0, Type::f64, where_);
    for (const NodeId id : nodes_) {
      current_ = id;
      LoopBuilder builder(graph_, id);
      const Scalar found = poles(builder);
      if (found.is_constant(0)) continue;
      const Value points =
          builder.build_at_points("poles", select(found, 1, 0), builder.arithmetic(), where_);
      LoopBuilder each(graph_, points.id());
      sum = add(sum,
                each.build("count_poles", each.read(points, each.node().loops.write), {}, {}, Combine::Sum,
                           Type::f64, where_),
                where_);
    }
    return sum;
  }

  Graph graph_;
  const std::vector<bool>& active_;
  Value loss_;
  std::source_location where_;
  std::vector<NodeId> nodes_;  // that can have poles
  NodeId current_ = -1;
};

}  // namespace

PoleProbe::PoleProbe(const Graph& graph, const std::vector<bool>& active, const Value& loss,
                     const std::source_location& where)
    : graph_(graph.handle()) {
  Poles poles(graph, active, loss, where);
  if (poles.none()) return;
  count_ = poles.count();
  stable_ = poles.count_reaching(false);
  kinked_ = poles.count_reaching(true);
}

bool PoleProbe::matters(const Bindings& at, bool kinked) const {
  const Value& wanted = kinked ? kinked_ : stable_;
  return evaluate(graph_, at, {&wanted, 1})[0].item() > 0;
}

}  // namespace crease
