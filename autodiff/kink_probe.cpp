#include "autodiff/kink_probe.h"

#include "autodiff/loop_builder.h"
#include "graph/error.h"

namespace crease {
namespace {

using Kind = ScalarKind;

Scalar side_of(const Scalar& u, const Scalar& v) { return select(u < v, -1, select(v < u, 1, 0)); }

/// The sides of the comparisons in a body, as expressions over its arguments.
std::vector<Scalar> sides_in(const Scalar& body) {
  std::vector<Scalar> sides;
  rewrite(body, [&](const Scalar& node, std::span<const Scalar>) {
    const auto t = node.terms();
    switch (node.kind()) {
      case Kind::Max:
      case Kind::Min:
      case Kind::Less:
      case Kind::LessEqual:
      case Kind::Equal:
        if (depends_on_arguments(node)) sides.push_back(side_of(t[0], t[1]));
        break;
      case Kind::Floor:  // the middle of the piece is never 0
        if (depends_on_arguments(node)) sides.push_back(select(equal(node, t[0]), 0, node + 0.5));
        break;
      default: break;
    }
    return node;
  });
  return sides;
}

/// One element for each loop point.
Value at_points(LoopBuilder& builder, const Scalar& body, const std::source_location& where) {
  const Node node = builder.node();
  Access identity;
  Shape shape;
  for (int label = 0; label < static_cast<int>(node.loops.labels.size()); ++label) {
    identity.push_back({.terms = {{label, 1}}});
    shape.push_back(node.loops.labels[static_cast<size_t>(label)].extent);
  }
  builder.keep_bounds();
  return builder.build("side", body, identity, shape, Combine::Assign, Type::f64, where);
}

/// For each point of an extremum: 0 if it is one of several that attain it, 1/4 if the only one, else 1 or
/// -1.
Value ties_of(const Graph& graph, NodeId id, const std::source_location& where) {
  const auto attains = [&](LoopBuilder& builder) {
    return equal(builder.over_operands(builder.body()),
                 builder.read(graph.value(id), builder.node().loops.write));
  };
  LoopBuilder counter(graph, id);
  const Scalar one = select(attains(counter), 1, 0);
  counter.keep_bounds();
  const Node node = counter.node();
  const Value count =
      counter.build("tied", one, node.loops.write, node.shape, Combine::Sum, Type::f64, where);
  LoopBuilder builder(graph, id);
  const Scalar alone = select(builder.read(count, node.loops.write) > 1, 0, 0.25);
  const Scalar below = node.op->combine == Combine::Max ? -1 : 1;
  return at_points(builder, select(attains(builder), alone, below), where);
}

}  // namespace

KinkProbe::KinkProbe(const Graph& graph, std::span<const bool> watched, const std::source_location& where)
    : graph_(graph.handle()) {
  for (NodeId id = 0; id < static_cast<NodeId>(watched.size()); ++id) {
    if (!watched[static_cast<size_t>(id)] || graph_.node(id).role != Role::Apply) continue;
    const Combine combine = graph_.node(id).op->combine;
    std::vector<Scalar> sides = sides_in(LoopBuilder(graph_, id).body());
    for (const Scalar& side : sides) {
      LoopBuilder builder(graph_, id);
      sides_.push_back(at_points(builder, builder.over_operands(side), where));
      nodes_.push_back(id);
    }
    if (combine != Combine::Max && combine != Combine::Min) continue;
    sides_.push_back(ties_of(graph_, id, where));
    nodes_.push_back(id);
  }
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
        return fmt::format("a kink of node {} '{}' at loop point {}", describe(graph_, nodes_[k]),
                           graph_.node(nodes_[k]).op->name, i);
  return {};
}

std::vector<NodeId> KinkProbe::on_kinks(const Sides& sides) const {
  std::vector<NodeId> found;
  for (size_t k = 0; k < sides.size(); ++k)
    for (int64_t i = 0; i < sides[k].count(); ++i)
      if (sides[k].at(i) == 0 && (found.empty() || found.back() != nodes_[k])) found.push_back(nodes_[k]);
  return found;
}

}  // namespace crease
