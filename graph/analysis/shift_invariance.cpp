#include "graph/analysis/shift_invariance.h"

#include <algorithm>

#include "graph/scalar/forms.h"

namespace crease {
namespace {

using Kind = ScalarKind;

/// What adding c does to a value: nothing (Added 0), + factor c, or times e^(factor c).
struct Effect {
  enum class How : uint8_t { Added, Multiplied, Unknown } how = How::Added;
  double factor = 0;

  bool still() const { return how != How::Unknown && factor == 0; }
  bool operator==(const Effect&) const = default;
};
using How = Effect::How;

constexpr Effect unknown{How::Unknown, 0};

Effect as_product(const Effect& e) { return e.still() ? Effect{How::Multiplied, 0} : e; }

Effect combined(Kind kind, std::span<const Effect> t, const Scalar& body) {
  const bool all_still = std::ranges::all_of(t, &Effect::still);
  if (all_still) return {};
  if (std::ranges::any_of(t, [](const Effect& e) { return e.how == How::Unknown; })) return unknown;
  const auto added = [&](double factor) { return Effect{How::Added, factor}; };
  const bool both_added = t.size() == 2 && t[0].how == How::Added && t[1].how == How::Added;
  const bool same = t.size() == 2 && t[0] == t[1];
  switch (kind) {
    case Kind::Add:
      if (both_added) return added(t[0].factor + t[1].factor);
      return same ? t[0] : unknown;
    case Kind::Subtract:
      if (both_added) return added(t[0].factor - t[1].factor);
      return same ? t[0] : unknown;
    case Kind::Negate: return t[0].how == How::Added ? added(-t[0].factor) : t[0];
    case Kind::Multiply:
    case Kind::Divide: {
      const Scalar& first = body.terms()[0];
      const Scalar& second = body.terms()[1];
      const Effect a = as_product(t[0]), b = as_product(t[1]);
      const double sign = kind == Kind::Multiply ? 1 : -1;
      if (a.how == How::Multiplied && b.how == How::Multiplied)
        return {How::Multiplied, a.factor + sign * b.factor};
      if (second.kind() == Kind::Constant && t[0].how == How::Added)
        return added(kind == Kind::Multiply ? t[0].factor * second.constant()
                                            : t[0].factor / second.constant());
      if (kind == Kind::Multiply && first.kind() == Kind::Constant && t[1].how == How::Added)
        return added(t[1].factor * first.constant());
      return unknown;
    }
    case Kind::Max:
    case Kind::Min: return same ? t[0] : unknown;
    case Kind::Less:
    case Kind::LessEqual:
    case Kind::Equal: return same ? Effect{} : unknown;
    case Kind::Select: return t[0].still() && t[1] == t[2] ? t[1] : unknown;
    case Kind::Exp: return t[0].how == How::Added ? Effect{How::Multiplied, t[0].factor} : unknown;
    case Kind::Log: return t[0].how == How::Multiplied ? added(t[0].factor) : unknown;
    default: return unknown;
  }
}

Effect effect_of(const Scalar& body, const std::vector<Effect>& arguments) {
  return fold_steps<Effect>(body, [&](const Scalar& e, std::span<const Effect> terms) {
    if (e.kind() == Kind::Argument) return arguments[static_cast<size_t>(e.position())];
    return combined(e.kind(), terms, e);
  });
}

/// Whether every operand that changes is read row by row: its leading dimensions are those written.
bool keeps_rows(const Node& node, const std::vector<Effect>& arguments, size_t rows) {
  for (size_t k = 0; k < arguments.size(); ++k) {
    if (arguments[k].still()) continue;
    if (node.loops.write.size() < rows || node.loops.reads[k].size() < rows) return false;
    for (size_t d = 0; d < rows; ++d) {
      const int label = node.loops.write[d].plain_label();
      if (label < 0 || node.loops.reads[k][d].plain_label() != label) return false;
    }
  }
  return true;
}

Effect effect_of(const Node& node, const std::vector<Effect>& arguments, size_t rows) {
  if (std::ranges::all_of(arguments, &Effect::still)) return {};
  if (node.role != Role::Apply || !keeps_rows(node, arguments, rows)) return unknown;
  for (const Access& read : node.loops.reads)  // a lookup by what changes finds other elements
    for (const AffineIndex& index : read)
      if (index.lookup >= 0 && !arguments[static_cast<size_t>(index.lookup)].still()) return unknown;
  const Effect each = effect_of(node.op->body.expression, arguments);
  switch (node.op->combine) {
    case Combine::Assign:
    case Combine::Max:
    case Combine::Min: return each;
    case Combine::Sum: return each.still() || each.how == How::Multiplied ? each : unknown;
    case Combine::ArgMax:
    case Combine::ArgMin: return each.how == How::Unknown ? unknown : Effect{};
    case Combine::Product: return each.still() ? each : unknown;
  }
  return unknown;
}

}  // namespace

bool shift_invariant(const Graph& graph, std::span<const NodeId> outputs, NodeId shift) {
  const Shape& shape = graph.node(shift).shape;
  if (shape.empty() || shape.back() != Dim(1)) return false;
  std::vector<Effect> effects(static_cast<size_t>(graph.size()));
  effects[static_cast<size_t>(shift)] = {How::Added, 1};
  for (NodeId id = shift + 1; id < graph.size(); ++id) {
    std::vector<Effect> arguments;
    for (const NodeId operand : graph.node(id).operands)
      arguments.push_back(effects[static_cast<size_t>(operand)]);
    effects[static_cast<size_t>(id)] = effect_of(graph.node(id), arguments, shape.size() - 1);
  }
  return std::ranges::all_of(outputs, [&](NodeId id) { return effects[static_cast<size_t>(id)].still(); });
}

}  // namespace crease
