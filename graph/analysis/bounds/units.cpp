#include "graph/analysis/bounds/units.h"

#include <algorithm>
#include <array>

#include "graph/analysis/bounds/movable.h"
#include "graph/analysis/points.h"
#include "graph/error.h"

namespace crease {

namespace {

/// The only piece of the table on the whole interval, if there is one.
std::optional<size_t> piece_on(const PiecewiseLinear& table, const ExactInterval& x) {
  size_t first = 0, last = table.knots.size();
  // Left of a knot where it is continuous includes the knot itself.
  for (size_t k = 0; k < table.knots.size(); ++k) {
    const Knot& knot = table.knots[k];
    if (x.low && (knot.at < *x.low || (knot.at == *x.low && !knot.is_jump()))) first = k + 1;
  }
  for (size_t k = table.knots.size(); k-- > 0;) {
    const Knot& knot = table.knots[k];
    if (x.high && (*x.high < knot.at || (knot.at == *x.high && !knot.is_jump()))) last = k;
  }
  // A point on a knot is on both of its pieces: the left one, as u <= 0 is dead.
  if (first > last) return last;
  if (first == last) return first;
  return {};
}

UnitState state_of(const PiecewiseLinear& table, const ExactInterval& x) {
  const auto piece = piece_on(table, x);
  if (!piece) return UnitState::Unstable;
  const bool flat = table.slopes[*piece].is_zero(), is_last = *piece + 1 == table.slopes.size();
  if (table.knots.size() == 1) {
    if (*piece == 1) return flat ? UnitState::SaturatedRight : UnitState::Active;
    if (!flat) return UnitState::Inactive;
    return table.offsets[0].is_zero() ? UnitState::Dead : UnitState::SaturatedLeft;
  }
  if (flat && *piece == 0) return UnitState::SaturatedLeft;
  return flat && is_last ? UnitState::SaturatedRight : UnitState::Linear;
}

/// Whether the slope is 0 on all of the interval, where kinks take the slope of one side.
bool is_flat(const PiecewiseLinear& table, const ExactInterval& x, Side side) {
  if (!x.low || !x.high) {
    for (size_t k = 0; k < table.slopes.size(); ++k) {
      const bool left_of = k < table.knots.size() && x.low && table.knots[k].at < *x.low;
      const bool right_of = k > 0 && x.high && *x.high < table.knots[k - 1].at;
      if (!left_of && !right_of && !table.slopes[k].is_zero()) return false;
    }
    return true;
  }
  if (!table.slope(*x.low, side).is_zero() || !table.slope(*x.high, side).is_zero()) return false;
  for (size_t k = 0; k < table.knots.size(); ++k) {
    const Rational& at = table.knots[k].at;
    const bool inside = *x.low < at && at < *x.high;
    if (inside && !(table.slopes[k].is_zero() && table.slopes[k + 1].is_zero())) return false;
  }
  return true;
}

/// The operand that a node applies functions of one variable to, element by element; -1 if it does not.
int varying_operand(const BoxAnalysis& box, NodeId id) {
  const Node& node = box.graph().node(id);
  if (node.role != Role::Apply || node.op->combine != Combine::Assign || !is_floating(node.type)) return -1;
  if (has_lookup(node) || box.is_constant(id)) return -1;
  int varying = -1;
  for (size_t k = 0; k < node.operands.size(); ++k) {
    if (box.is_constant(node.operands[k])) {
      if (!box.lines().network.intervals[static_cast<size_t>(node.operands[k])].is_points()) return -1;
      continue;
    }
    if (varying >= 0) return -1;
    varying = static_cast<int>(k);
  }
  return varying;
}

void decide(const BoxAnalysis& box, NodeId operand, const PiecewiseLinear& table, Unit& unit) {
  unit.interval = box.best(operand, unit.argument);
  unit.state = state_of(table, unit.interval);
  unit.gradient_dead_left = is_flat(table, unit.interval, Side::Left);
  unit.gradient_dead_right = is_flat(table, unit.interval, Side::Right);
}

}  // namespace

std::string_view to_string(UnitState state) {
  static constexpr std::array<std::string_view, 7> names{
      "dead", "active", "inactive", "linear", "saturated left", "saturated right", "unstable"};
  return names[static_cast<size_t>(state)];
}

int64_t UnitNode::count(UnitState state) const { return std::ranges::count(units, state, &Unit::state); }

std::vector<UnitNode> units_of(const BoxAnalysis& box) {
  const Graph& graph = box.graph();
  CurvePool pool;
  std::vector<UnitNode> result;
  for (const NodeId id : box.nodes()) {
    const int varying = varying_operand(box, id);
    if (varying < 0) continue;
    const Node& node = graph.node(id);
    UnitNode found{.node = id, .operand = node.operands[static_cast<size_t>(varying)]};
    PointCurves curves(node, static_cast<size_t>(varying), pool);
    std::vector<double> constants(node.operands.size());
    std::vector<const PiecewiseLinear*> tables;
    for (PointWalk walk(graph, id); walk.valid(); walk.next()) {
      if (!walk.inside()) continue;
      for (size_t k = 0; k < constants.size(); ++k)
        constants[k] =
            static_cast<int>(k) == varying ? 0 : box.by_intervals(node.operands[k], walk.read(k)).low;
      const auto& table = curves.at(constants, walk.labels())->table();
      if (!table) break;
      tables.push_back(&*table);
      found.units.push_back(
          {.element = walk.write(), .argument = walk.read(static_cast<size_t>(varying)), .interval = {}});
    }
    if (std::ranges::all_of(tables, [](const PiecewiseLinear* table) { return is_affine(*table); })) continue;
    for (size_t k = 0; k < tables.size(); ++k) decide(box, found.operand, *tables[k], found.units[k]);
    result.push_back(std::move(found));
  }
  mark_permanent(box, result);
  return result;
}

}  // namespace crease
