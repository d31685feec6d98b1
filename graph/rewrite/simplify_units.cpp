#include "graph/rewrite/simplify_units.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "graph/analysis/certificate.h"
#include "graph/analysis/cost.h"
#include "graph/analysis/linearity.h"
#include "graph/analysis/points.h"
#include "graph/error.h"
#include "graph/rewrite/collapse.h"
#include "graph/rewrite/units/removal.h"
#include "graph/rewrite/units/restrict.h"
#include "graph/stored.h"
#include "graph/verify.h"

namespace crease {
namespace {

size_t at(int64_t k) { return static_cast<size_t>(k); }

int64_t all_multiplications(const Graph& graph) {
  const Linearity facts = linearity(graph);
  int64_t count = 0;
  for (const NodeId id : ancestors(graph, roots(graph))) count += multiplications(graph, facts, id);
  return count;
}

/// The function that a unit is on the box: one piece of a table with one knot.
std::optional<LineOfUnit> line_of(const Graph& graph, const UnitNode& node, UnitState state) {
  const Node& applied = graph.node(node.node);
  if (applied.operands.size() != 1 || !is_elementwise(applied.loops)) return {};
  if (state != UnitState::Active && state != UnitState::Inactive) return {};
  const auto table = piecewise_linear(applied.op->body.expression);
  if (!table || table->knots.size() != 1) return {};
  const size_t piece = state == UnitState::Active ? 1 : 0;
  LineOfUnit line{table->slopes[piece], table->offsets[piece]};
  if (!is_number_of(Type::f64, line.slope) || !is_number_of(Type::f64, line.offset)) return {};
  return line;
}

bool is_identity(const std::optional<LineOfUnit>& line) {
  return line && line->slope == 1 && line->offset.is_zero();
}

/// A network between two steps.
struct State {
  Graph graph;
  std::vector<NodeId> origin;  // by node: the node of the first network that it was made for, or -1
};

std::vector<NodeId> mapped(const std::vector<NodeId>& origin, const std::vector<NodeId>& new_id,
                           const Graph& graph) {
  std::vector<NodeId> result(at(graph.size()), -1);
  for (size_t id = 0; id < new_id.size(); ++id)
    if (new_id[id] >= 0) result[at(new_id[id])] = origin[id];
  return result;
}

/// Everything known of a network at the beginning of a round.
class Round {
 public:
  Round(const State& state, const InputBox& box, const SimplifyOptions& options)
      : graph_(state.graph),
        box_(graph_, box, options.box),
        units_(units_of(box_)),
        known_(box_, units_),
        families_(graph_),
        removal_(removal_of(box_, families_, known_, !options.collapse)) {
    what_ = {.removed = removal_.removed, .added = removal_.added};
    for (const UnitNode& node : units_)
      for (const UnitState piece : {UnitState::Active, UnitState::Inactive})
        if (node.count(piece) == static_cast<int64_t>(node.units.size()))
          if (const auto line = line_of(graph_, node, piece)) what_.lines.emplace(node.node, *line);
    find_constants(!options.collapse);
  }

  int64_t work() const { return box_.work(); }
  const std::vector<UnitNode>& units() const { return units_; }
  const AxisFamilies& families() const { return families_; }
  const Removal& removal() const { return removal_; }
  const Restriction& restriction() const { return what_; }
  bool changes() const { return removal_.any() || !what_.lines.empty() || !what_.constants.empty(); }

  /// Families some channels of which are always active, and what splitting them off would be.
  std::vector<FamilySplit> splits() const {
    std::vector<FamilySplit> result;
    for (size_t f = 0; f < families_.all().size(); ++f)
      if (auto split = split_of(f)) result.push_back(std::move(*split));
    return result;
  }

  /// The channel of an element in each family that its node has.
  std::vector<std::pair<int, int>> channels_of(NodeId id, int64_t element) const {
    const std::vector<int64_t> sizes = sample_sizes(graph_.node(id).shape);
    std::vector<std::pair<int, int>> result;
    for (size_t d = sizes.size(); d-- > 0; element /= sizes[d]) {
      const int family = families_.of_dimension(id, static_cast<int>(d));
      if (family < 0 || !families_.all()[at(family)].held.empty()) continue;
      result.emplace_back(family,
                          families_.dimension(id, static_cast<int>(d)).channel[at(element % sizes[d])]);
    }
    return result;
  }

  bool is_removed(NodeId id, int64_t element) const {
    return std::ranges::any_of(channels_of(id, element), [&](const auto& place) {
      const auto& removed = removal_.removed[at(place.first)];
      return !removed.empty() && removed[at(place.second)];
    });
  }

 private:
  /// Nodes all of whose elements are known; those that only such nodes read need no constant of their own.
  void find_constants(bool exactly) {
    for (const NodeId id : box_.nodes()) {
      const Node& node = graph_.node(id);
      if (node.role != Role::Apply || box_.is_constant(id) || !is_floating(node.type)) continue;
      auto values = known_.all(id);
      if (!values) continue;
      const auto fits = [&](const Rational& value) { return is_number_of(node.type, value); };
      if (exactly && !std::ranges::all_of(*values, fits)) continue;
      what_.constants.emplace(id, std::move(*values));
    }
  }

  std::optional<FamilySplit> split_of(size_t f) const {
    const AxisFamily& family = families_.all()[f];
    if (!family.held.empty() || family.channels < 2) return {};
    FamilySplit split{
        .family = static_cast<int>(f), .linear = std::vector<bool>(at(family.channels), true), .units = {}};
    for (const UnitNode& node : units_) {
      if (what_.lines.contains(node.node) || !has_family(node.node, split.family)) continue;
      if (!is_identity(line_of(graph_, node, UnitState::Active))) return {};
      split.units.insert(node.node);
      for (const Unit& unit : node.units)
        if (unit.state != UnitState::Active)
          for (const auto& [other, channel] : channels_of(node.node, unit.element))
            if (other == split.family) split.linear[at(channel)] = false;
    }
    const auto& removed = removal_.removed[f];
    for (size_t c = 0; c < removed.size(); ++c)
      if (removed[c]) split.linear[c] = false;
    if (split.units.empty() || !is_split(family, split, removed) ||
        !can_split(graph_, families_, split.family))
      return {};
    return split;
  }

  bool has_family(NodeId id, int family) const {
    for (size_t d = 0; d < graph_.node(id).shape.size(); ++d)
      if (families_.of_dimension(id, static_cast<int>(d)) == family) return true;
    return false;
  }

  /// Whether every member has channels of both parts.
  static bool is_split(const AxisFamily& family, const FamilySplit& split, const std::vector<bool>& removed) {
    return std::ranges::all_of(family.members, [&](const AxisMember& member) {
      bool kept = false, linear = false;
      for (const int channel : member.channel) {
        linear = linear || split.linear[at(channel)];
        kept = kept || (!split.linear[at(channel)] && (removed.empty() || !removed[at(channel)]));
      }
      return kept && linear;
    });
  }

  const Graph& graph_;
  const BoxAnalysis box_;
  const std::vector<UnitNode> units_;
  const KnownElements known_;
  const AxisFamilies families_;
  const Removal removal_;
  Restriction what_;
};

/// Goes through rounds until none changes anything.
class Simplifier {
 public:
  Simplifier(const Graph& graph, const InputBox& box, const SimplifyOptions& options)
      : first_(graph), box_(box), options_(options) {
    state_.graph = graph;
    for (NodeId id = 0; id < graph.size(); ++id) state_.origin.push_back(id);
  }

  SimplifiedNetwork run() {
    for (int number = 0; number < options_.most_rounds; ++number) {
      const Round round(state_, box_, options_);
      options_.box.work_limit = std::max<int64_t>(options_.box.work_limit - round.work(), 0);
      if (number == 0) count_units(round);
      SimplifiedRound report;
      if (!step(round, report)) break;
      report.parameters = parameter_count(state_.graph);
      report.multiplications = all_multiplications(state_.graph);
      result_.rounds.push_back(std::move(report));
    }
    for (auto& [id, layer] : layers_) result_.layers.push_back(std::move(layer));
    verify(state_.graph);
    result_.graph = std::move(state_.graph);
    return std::move(result_);
  }

 private:
  void count_units(const Round& round) {
    for (const UnitNode& node : round.units())
      layers_[node.node] = {.node = node_key(first_, node.node),
                            .kept = static_cast<int64_t>(node.units.size())};
  }

  std::string key_of(NodeId id) const {
    const NodeId origin = state_.origin[at(id)];
    return origin < 0 ? node_key(state_.graph, id) : node_key(first_, origin);
  }

  /// Deletes, replaces by lines, splits and merges. Whether anything changed.
  bool step(const Round& round, SimplifiedRound& report) {
    Restriction what = round.restriction();
    State next = made(round, what);
    int merged = merge(next);
    std::optional<FamilySplit> chosen;
    int64_t best = options_.collapse ? all_multiplications(next.graph) : 0;
    for (FamilySplit& split : round.splits()) {
      what.split = split;
      State tried = made(round, what);
      const int tried_merged = merge(tried);
      const int64_t cost = options_.collapse ? all_multiplications(tried.graph) : -1;
      if (cost >= best) continue;
      best = cost;
      next = std::move(tried);
      merged = tried_merged;
      chosen = std::move(split);
      if (!options_.collapse) break;
    }
    if (!round.changes() && !chosen && merged == 0) {
      explain(round);
      return false;
    }
    report.merged = merged;
    note(round, chosen, report);
    result_.rounded = result_.rounded || merged > 0;
    state_ = std::move(next);
    return true;
  }

  State made(const Round& round, const Restriction& what) {
    Restricted small = restricted(state_.graph, round.families(), what);
    result_.rounded = result_.rounded || small.rounded;
    State state{.graph = std::move(small.graph), .origin = {}};
    state.origin = mapped(state_.origin, small.new_id, state.graph);
    return state;
  }

  /// Collapses where that saves multiplications. How many affine parts it merged.
  int merge(State& state) const {
    if (!options_.collapse) return 0;
    Collapsed collapsed = collapse_explained(state.graph);
    if (collapsed.sinks.empty()) return 0;
    state.origin = mapped(state.origin, collapsed.rewrite.new_id, collapsed.rewrite.graph);
    state.graph = std::move(collapsed.rewrite.graph);
    return static_cast<int>(collapsed.sinks.size());
  }

  void note(const Round& round, const std::optional<FamilySplit>& split, SimplifiedRound& report) {
    for (const UnitNode& node : round.units()) {
      SimplifiedUnits units{.node = key_of(node.node)};
      const bool is_line = round.restriction().lines.contains(node.node),
                 is_constant = round.restriction().constants.contains(node.node);
      for (const Unit& unit : node.units) {
        const bool deleted = is_constant || round.is_removed(node.node, unit.element);
        const bool linear = !deleted && (is_line || is_linear(round, split, node.node, unit.element));
        ++(deleted ? units.deleted : linear ? units.linearised : units.kept);
      }
      if (units.deleted + units.linearised == 0) continue;
      if (const auto layer = layers_.find(state_.origin[at(node.node)]); layer != layers_.end()) {
        layer->second.deleted += units.deleted;
        layer->second.linearised += units.linearised;
        layer->second.kept = units.kept;
      }
      report.layers.push_back(std::move(units));
    }
    for (const auto& [id, values] : round.restriction().constants) report.constants.push_back(key_of(id));
  }

  static bool is_linear(const Round& round, const std::optional<FamilySplit>& split, NodeId id,
                        int64_t element) {
    if (!split || !split->units.contains(id)) return false;
    return std::ranges::any_of(round.channels_of(id, element), [&](const auto& place) {
      return place.first == split->family && split->linear[at(place.second)];
    });
  }

  /// Why the dead and active units that are left could not go.
  void explain(const Round& round) {
    for (const UnitNode& node : round.units())
      for (const UnitState state : {UnitState::Dead, UnitState::Active}) {
        if (node.count(state) == 0) continue;
        result_.kept.push_back(
            fmt::format("{}: {} {} units stay: {}", key_of(node.node), node.count(state),
                        state == UnitState::Dead ? "dead" : "always active",
                        state == UnitState::Dead ? why_dead(round, node) : why_active(round, node)));
      }
  }

  /// Of a channel that is dead in all of its places, if there is one.
  std::string why_dead(const Round& round, const UnitNode& node) const {
    std::set<std::pair<int, int>> alive;
    for (const Unit& unit : node.units)
      if (unit.state != UnitState::Dead)
        for (const auto& place : round.channels_of(node.node, unit.element)) alive.insert(place);
    std::string why = held(round, node.node);
    for (const Unit& unit : node.units)
      for (const auto& place : round.channels_of(node.node, unit.element)) {
        why = "no channel is dead in all of its places";
        if (alive.contains(place)) continue;
        const auto& reasons = round.removal().why[at(place.first)];
        const auto found = reasons.find(place.second);
        if (found == reasons.end()) return "a layer keeps one";
        return fmt::format("not all of what {} reads with them is constant", found->second);
      }
    return why;
  }

  std::string why_active(const Round& round, const UnitNode& node) const {
    for (size_t d = 0; d < state_.graph.node(node.node).shape.size(); ++d) {
      const int family = round.families().of_dimension(node.node, static_cast<int>(d));
      if (family >= 0 && round.families().all()[at(family)].held.empty())
        return "splitting them off saves nothing, or something else shares their channels";
    }
    return held(round, node.node);
  }

  /// Why no dimension of a node can get shorter.
  std::string held(const Round& round, NodeId id) const {
    for (size_t d = 0; d < state_.graph.node(id).shape.size(); ++d) {
      const int family = round.families().of_dimension(id, static_cast<int>(d));
      if (family >= 0 && !round.families().all()[at(family)].held.empty())
        return round.families().all()[at(family)].held;
    }
    return "it has no channels";
  }

  const Graph& first_;
  const InputBox& box_;
  SimplifyOptions options_;  // with the work that is left to the rounds to come
  State state_;
  std::map<NodeId, SimplifiedUnits> layers_;  // by node of the first network
  SimplifiedNetwork result_;
};

}  // namespace

SimplifiedNetwork simplify_units(const Graph& graph, const InputBox& box, const SimplifyOptions& options) {
  expect(graph.updates().empty(), "[simplify] the graph trains {} parameters: simplify the network itself",
         graph.updates().size());
  return Simplifier(graph, box, options).run();
}

}  // namespace crease
