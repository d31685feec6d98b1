#include "autodiff/kink_probe.h"

#include "autodiff/loop_builder.h"
#include "autodiff/selection.h"
#include "graph/error.h"
#include "graph/ops/order.h"

namespace crease {
namespace {

using Kind = ScalarKind;

/// One comparison of a body: the number that it compares with 0, and what stands for the side.
struct Comparison {
  Scalar node, difference, side;
  bool continuous;
};

/// The comparisons in a body, as expressions over its arguments.
std::vector<Comparison> comparisons_in(const Scalar& body) {
  std::vector<Comparison> found;
  rewrite(body, [&](const Scalar& node, std::span<const Scalar>) {
    const auto t = node.terms();
    switch (node.kind()) {
      case Kind::Max:
      case Kind::Min:
      case Kind::Less:
      case Kind::LessEqual:
      case Kind::Equal:
        if (depends_on_arguments(node))
          found.push_back({node, t[0] - t[1], select(t[0] < t[1], -1, select(t[1] < t[0], 1, 0)),
                           node.kind() == Kind::Max || node.kind() == Kind::Min});
        break;
      case Kind::Floor:  // the middle of the piece is never 0
        if (depends_on_arguments(node))
          found.push_back({node, t[0] - node, select(equal(node, t[0]), 0, node + 0.5), false});
        break;
      default: break;
    }
    return node;
  });
  return found;
}

/// Nodes whose value does not vary next to a point, because they hold integers or truth values, or only
/// comparisons of varying numbers enter them: steps, counts, ranks. The kinks in those comparisons, and the
/// jumps of what is cut to an integer, are watched where they are.
std::vector<bool> find_levels(const Graph& graph) {
  std::vector<bool> level(static_cast<size_t>(graph.size()));
  for (NodeId id = 0; id < graph.size(); ++id) {
    const Node& node = graph.node(id);
    if (node.role != Role::Apply) continue;
    bool varies = false;
    for (int k = 0; is_floating(node.type) && k < static_cast<int>(node.operands.size()); ++k)
      varies |= !level[static_cast<size_t>(node.operands[static_cast<size_t>(k)])] &&
                !slope(node.op->body.expression, k, Side::Left).is_constant(0);
    level[static_cast<size_t>(id)] = !varies;
  }
  return level;
}

/// Whether two sides of a comparison are one element at a point: then they are not compared.
Scalar are_one_element(const Node& node, const Scalar& a, const Scalar& b) {
  if (a.kind() != Kind::Argument || b.kind() != Kind::Argument) return 0;
  const auto p = static_cast<size_t>(a.position()), q = static_cast<size_t>(b.position());
  if (node.operands[p] != node.operands[q]) return 0;
  const auto position = [](const AffineIndex& index) {
    Scalar result = static_cast<double>(index.offset);
    for (const Term& term : index.terms)
      result = result + static_cast<double>(term.coefficient) * Scalar::index(term.label);
    return result;
  };
  Scalar same = 1;
  for (size_t d = 0; d < node.loops.reads[p].size(); ++d) {
    const AffineIndex &u = node.loops.reads[p][d], &v = node.loops.reads[q][d];
    if (u == v) continue;
    if (u.lookup >= 0 || v.lookup >= 0) return 0;
    same = same && equal(position(u), position(v));
  }
  return same;
}

/// For each point of an extremum: 0 if it is one of several that attain it, 1/4 if the only one, else 1 or
/// -1.
Value ties_of(const Graph& graph, NodeId id, const std::source_location& where) {
  const Value extremum = extremum_of(graph, id);
  const auto attains = [&](LoopBuilder& builder) {
    return equal(builder.over_operands(builder.body()), builder.read(extremum, builder.node().loops.write));
  };
  LoopBuilder counter(graph, id);
  const Scalar one = select(attains(counter), 1, 0);
  counter.keep_bounds();
  const Node node = counter.node();
  const Value count =
      counter.build("tied", one, node.loops.write, node.shape, Combine::Sum, counter.arithmetic(), where);
  LoopBuilder builder(graph, id);
  const Scalar alone = select(builder.read(count, node.loops.write) > 1, 0, 0.25);
  const Scalar below = extremum.node().op->combine == Combine::Max ? -1 : 1;
  return builder.build_at_points("side", select(attains(builder), alone, below), builder.arithmetic(), where);
}

}  // namespace

KinkProbe::KinkProbe(const Graph& graph, std::span<const bool> watched, const std::source_location& where)
    : graph_(graph.handle()) {
  const std::vector<bool> level = find_levels(graph_);
  for (NodeId id = 0; id < static_cast<NodeId>(watched.size()); ++id) {
    if (!watched[static_cast<size_t>(id)] || graph_.node(id).role != Role::Apply) continue;
    const Combine combine = graph_.node(id).op->combine;
    int number = 0;
    for (const Comparison& comparison : comparisons_in(LoopBuilder(graph_, id).stored_body())) {
      const int place = number++;
      const std::vector<NodeId>& operands = graph_.node(id).operands;
      bool varies = false;
      for (int k = 0; k < static_cast<int>(operands.size()); ++k)
        varies |= depends_on(comparison.difference, k) &&
                  !level[static_cast<size_t>(operands[static_cast<size_t>(k)])];
      if (!varies) continue;
      LoopBuilder builder(graph_, id);
      const auto t = comparison.node.terms();
      const Scalar one = t.size() == 2 ? are_one_element(builder.node(), t[0], t[1]) : Scalar(0);
      const Scalar side = builder.over_operands(select(one, 1, comparison.side));
      sides_.push_back(builder.build_at_points("side", side, builder.arithmetic(), where));
      places_.push_back({id, place, comparison.continuous});
    }
    // What the elements of an order statistic compare are their ranks, which are watched themselves.
    if (!picks_extreme(combine) || order_of(*graph_.node(id).op)) continue;
    sides_.push_back(ties_of(graph_, id, where));
    places_.push_back({id, -1, !gives_position(combine)});
  }
}

const std::vector<Value>& KinkProbe::differences(const std::source_location& where) {
  for (size_t k = differences_.size(); k < places_.size(); ++k) {
    const auto [id, number, continuous] = places_[k];
    LoopBuilder builder(graph_, id);
    const Scalar difference =
        number < 0 ? builder.over_operands(builder.body()) -
                         builder.read(extremum_of(graph_, id), builder.node().loops.write)
                   : builder.over_operands(
                         comparisons_in(builder.stored_body())[static_cast<size_t>(number)].difference);
    differences_.push_back(builder.build_at_points("side", difference, builder.arithmetic(), where));
  }
  return differences_;
}

Sides KinkProbe::sides(const Bindings& at) const { return evaluate(graph_, at, sides_); }

int64_t KinkProbe::hits(const Sides& sides) {
  int64_t count = 0;
  for (const Tensor& side : sides)
    for (int64_t i = 0; i < side.count(); ++i) count += side.at(i) == 0 ? 1 : 0;
  return count;
}

std::string KinkProbe::crossed(const Sides& from, const Sides& to) const {
  for (size_t k = 0; k < from.size(); ++k)
    for (int64_t i = 0; i < from[k].count(); ++i)
      if (from[k].at(i) != 0 && from[k].at(i) != to[k].at(i))
        return fmt::format("a kink of node {} '{}' at loop point {}", describe(graph_, places_[k].node),
                           graph_.node(places_[k].node).op->name, i);
  return {};
}

std::vector<NodeId> KinkProbe::on_kinks(const Sides& sides) const {
  std::vector<NodeId> found;
  for (size_t k = 0; k < sides.size(); ++k)
    for (int64_t i = 0; i < sides[k].count(); ++i)
      if (sides[k].at(i) == 0 && (found.empty() || found.back() != places_[k].node))
        found.push_back(places_[k].node);
  return found;
}

}  // namespace crease
