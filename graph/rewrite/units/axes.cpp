#include "graph/rewrite/units/axes.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "graph/analysis/certificate.h"
#include "graph/error.h"
#include "graph/rational.h"
#include "graph/scalar/tape.h"

namespace crease {
namespace {

size_t at(int64_t k) { return static_cast<size_t>(k); }

// Families with more positions than this, counted in the finest unit, stay whole.
constexpr int64_t kMostPositions = int64_t{1} << 22;

/// position(dimension) = position(label) * stride + shift, in units of the dimension.
struct Tie {
  size_t dimension, label;
  int64_t stride, shift;
};

/// Where a dimension or label lies on the line of its family: position p covers [offset + p unit, + unit).
struct Placing {
  Rational offset, unit;
};

class DisjointSets {
 public:
  explicit DisjointSets(size_t count) : parent_(count) { std::iota(parent_.begin(), parent_.end(), 0); }
  size_t find(size_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  void join(size_t a, size_t b) { parent_[std::max(find(a), find(b))] = std::min(find(a), find(b)); }

 private:
  std::vector<size_t> parent_;
};

void collect_labels(const Scalar& body, std::set<int>& labels) {
  for (const Scalar& e : topological(body))
    if (e.kind() == ScalarKind::Index) labels.insert(e.position());
}

/// One dimension or label before families are known.
struct Entity {
  NodeId node;
  int index;
  bool is_label;
  int64_t extent;
  std::string held = {};
};

/// Reads all accesses.
class Ties {
 public:
  explicit Ties(const Graph& graph) : graph_(graph) {
    std::vector<NodeId> wanted;
    for (const Output& output : graph.outputs()) wanted.push_back(output.node);
    first_.assign(at(graph.size()), none);
    const std::vector<NodeId> needed = ancestors(graph, wanted);
    for (const NodeId id : needed) enter(id);
    for (const Output& output : graph.outputs()) hold_dimensions(output.node, "is an output");
    for (const NodeId id : needed) read(id);
  }

  std::vector<Entity> entities;
  std::vector<Tie> ties;

 private:
  static constexpr size_t none = static_cast<size_t>(-1);

  void enter(NodeId id) {
    const Node& node = graph_.node(id);
    first_[at(id)] = entities.size();
    const auto extent = [](const Dim& dim) { return dim.is_symbol() ? int64_t{-1} : dim.size(); };
    for (size_t d = 0; d < node.shape.size(); ++d)
      entities.push_back({id, static_cast<int>(d), false, extent(node.shape[d])});
    for (size_t k = 0; k < node.loops.labels.size(); ++k)
      entities.push_back({id, static_cast<int>(k), true, extent(node.loops.labels[k].extent)});
  }

  size_t dimension(NodeId id, size_t d) const { return first_[at(id)] + d; }
  size_t label(NodeId id, int k) const {
    return first_[at(id)] + graph_.node(id).shape.size() + static_cast<size_t>(k);
  }

  void hold(size_t entity, const std::string& why) {
    if (entities[entity].held.empty()) entities[entity].held = why;
  }
  void hold_dimensions(NodeId id, const std::string& why) {
    for (size_t d = 0; d < graph_.node(id).shape.size(); ++d)
      hold(dimension(id, d), node_key(graph_, id) + " " + why);
  }

  void read(NodeId id) {
    const Node& node = graph_.node(id);
    if (node.role == Role::Input) hold_dimensions(id, "is an input");
    if (node.role == Role::Random) hold_dimensions(id, "is random");
    if (node.role == Role::Scan || node.role == Role::Random)
      for (const NodeId operand : node.operands)
        hold_dimensions(operand, node.role == Role::Scan ? "is read by a loop over time" : "counts random");
    if (node.role == Role::Scan) hold_dimensions(id, "is the result of a loop over time");
    if (node.role != Role::Apply) return;
    read_access(id, id, node.loops.write);
    for (size_t k = 0; k < node.operands.size(); ++k) read_access(id, node.operands[k], node.loops.reads[k]);
    read_body(id);
  }

  void read_access(NodeId id, NodeId tensor, const Access& access) {
    const Node& node = graph_.node(id);
    const Shape& shape = graph_.node(tensor).shape;
    for (size_t d = 0; d < access.size(); ++d) {
      const FollowedIndex found = followed(access[d], node.loops, shape[d]);
      if (found.fixed) continue;
      if (!found.leading) {
        const std::string why = node_key(graph_, id) + " reads positions by their number";
        hold(dimension(tensor, d), why);
        for (const Term& term : access[d].terms) hold(label(id, term.label), why);
        continue;
      }
      ties.push_back({dimension(tensor, d), label(id, found.leading->label), found.leading->stride,
                      found.leading->shift});
      for (const Term& term : access[d].terms)
        if (term.label != found.leading->label) hold(label(id, term.label), "it lies inside of channels");
    }
  }

  void read_body(NodeId id) {
    const Node& node = graph_.node(id);
    std::set<int> numbered;
    collect_labels(node.op->body.expression, numbered);
    for (const int k : numbered) hold(label(id, k), node_key(graph_, id) + " computes with positions");
    if (node.op->combine == Combine::Sum) return;
    for (const int k : reduced_labels(node.loops))
      hold(label(id, k), node_key(graph_, id) + " is no sum over it");
  }

  const Graph& graph_;
  std::vector<size_t> first_;
};

/// Places all members of one family; nothing if ties contradict each other.
class Placer {
 public:
  explicit Placer(const Ties& ties) : neighbours_(ties.entities.size()) {
    placing_.resize(ties.entities.size());
    for (const Tie& tie : ties.ties) {
      neighbours_[tie.dimension].push_back(&tie);
      neighbours_[tie.label].push_back(&tie);
    }
  }

  bool is_placed(size_t entity) const { return placing_[entity].has_value(); }
  const Placing& placing(size_t entity) const { return *placing_[entity]; }

  /// The members of the entity's family; `consistent` says whether one placing fits all ties.
  std::pair<std::vector<size_t>, bool> family_of(size_t root) {
    std::vector<size_t> members{root};
    bool consistent = true;
    placing_[root] = Placing{0, 1};
    for (size_t next = 0; next < members.size(); ++next)
      for (const Tie* tie : neighbours_[members[next]]) {
        const bool from_label = tie->label == members[next];
        const size_t other = from_label ? tie->dimension : tie->label;
        const Placing place = across(*tie, *placing_[members[next]], from_label);
        if (!placing_[other]) {
          placing_[other] = place;
          members.push_back(other);
        } else if (placing_[other]->offset != place.offset || placing_[other]->unit != place.unit) {
          consistent = false;
        }
      }
    return {std::move(members), consistent};
  }

 private:
  static Placing across(const Tie& tie, const Placing& from, bool from_label) {
    const Rational stride = tie.stride, shift = tie.shift;
    if (from_label) {
      const Rational unit = from.unit / stride;
      return {from.offset - shift * unit, unit};
    }
    return {from.offset + shift * from.unit, stride * from.unit};
  }

  std::vector<std::vector<const Tie*>> neighbours_;
  std::vector<std::optional<Placing>> placing_;
};

/// Numbers the channels of a family: positions of different members that overlap are one.
class Numbering {
 public:
  Numbering(const Ties& ties, const Placer& placer, const std::vector<size_t>& members)
      : ties_(ties), placer_(placer), members_(members) {
    for (const size_t member : members) {
      const Placing& place = placer.placing(member);
      const Rational end = place.offset + Rational(ties.entities[member].extent) * place.unit;
      low_ = member == members[0] ? place.offset : std::min(low_, place.offset);
      high_ = member == members[0] ? end : std::max(high_, end);
      finest_ = member == members[0] ? place.unit : std::min(finest_, place.unit);
    }
  }

  /// Errors (as text): why the family stays whole.
  std::string run(AxisFamily& family) {
    const Rational count = (high_ - low_) / finest_;
    if (!count.is_integer() || count > Rational(kMostPositions)) return "it has too many positions";
    DisjointSets cells(at(static_cast<int64_t>(count.to_double())));
    for (const size_t member : members_) {
      const auto range = range_of(member);
      if (!range) return "blocks of different sizes overlap";
      for (int64_t i = 0; i < ties_.entities[member].extent; ++i)
        for (int64_t k = 1; k < range->second; ++k)
          cells.join(at(range->first + i * range->second), at(range->first + i * range->second + k));
    }
    std::map<size_t, int> numbers;
    for (const size_t member : members_) {
      const auto [first, unit] = *range_of(member);
      const Entity& entity = ties_.entities[member];
      AxisMember made{entity.node, entity.index, entity.is_label};
      for (int64_t i = 0; i < entity.extent; ++i)
        made.channel.push_back(
            numbers.try_emplace(cells.find(at(first + i * unit)), static_cast<int>(numbers.size()))
                .first->second);
      family.members.push_back(std::move(made));
    }
    family.channels = static_cast<int>(numbers.size());
    return "";
  }

 private:
  /// First cell and cells a position.
  std::optional<std::pair<int64_t, int64_t>> range_of(size_t member) const {
    const Placing& place = placer_.placing(member);
    const Rational first = (place.offset - low_) / finest_, unit = place.unit / finest_;
    if (!first.is_integer() || !unit.is_integer()) return {};
    return std::pair{static_cast<int64_t>(first.to_double()), static_cast<int64_t>(unit.to_double())};
  }

  const Ties& ties_;
  const Placer& placer_;
  const std::vector<size_t>& members_;
  Rational low_, high_, finest_;
};

}  // namespace

FollowedIndex followed(const AffineIndex& index, const Loops& loops, const Dim& extent) {
  if (index.lookup >= 0) return {};
  const auto size_of = [&](const Term& term) { return loops.labels[at(term.label)].extent; };
  std::vector<Term> terms;
  for (const Term& term : index.terms)
    if (size_of(term) != Dim(1)) terms.push_back(term);
  // A label of one value still names the dimension that it runs along.
  if (terms.empty() && index.terms.size() == 1 && extent != Dim(1)) terms = index.terms;
  if (terms.empty()) return {.fixed = extent == Dim(1) && index.offset == 0};
  std::ranges::sort(terms, {}, &Term::coefficient);
  int64_t filled = 1;
  for (size_t k = 0; k + 1 < terms.size(); ++k) {
    if (terms[k].coefficient != filled || size_of(terms[k]).is_symbol()) return {};
    filled *= size_of(terms[k]).size();
  }
  const Term& last = terms.back();
  if (last.coefficient != filled) return {};
  const bool whole = index.offset == 0 && !extent.is_symbol() && !size_of(last).is_symbol() &&
                     extent.size() == filled * size_of(last).size();
  if (filled > 1 && !whole) return {};
  return {.leading = LeadingLabel{last.label, filled, index.offset}};
}

AxisFamilies::AxisFamilies(const Graph& graph) {
  const Ties ties(graph);
  dimensions_.resize(at(graph.size()));
  labels_.resize(at(graph.size()));
  for (const Entity& entity : ties.entities)
    (entity.is_label ? labels_ : dimensions_)[at(entity.node)].push_back({});
  Placer placer(ties);
  for (size_t root = 0; root < ties.entities.size(); ++root) {
    if (placer.is_placed(root)) continue;
    const auto [members, consistent] = placer.family_of(root);
    AxisFamily family;
    if (!consistent) family.held = "its positions are read in different orders";
    bool named = false;
    for (const size_t member : members) {
      const Entity& entity = ties.entities[member];
      if (family.held.empty()) family.held = entity.held;
      named = named || entity.extent < 0;
    }
    if (named) continue;
    if (family.held.empty()) family.held = Numbering(ties, placer, members).run(family);
    const int number = static_cast<int>(families_.size());
    for (size_t k = 0; k < members.size(); ++k) {
      const Entity& entity = ties.entities[members[k]];
      (entity.is_label ? labels_ : dimensions_)[at(entity.node)][at(entity.index)] = {number, k};
    }
    families_.push_back(std::move(family));
  }
}

const AxisFamilies::Place& AxisFamilies::place(NodeId node, int index, bool is_label) const {
  static const Place nowhere;
  const auto& places = (is_label ? labels_ : dimensions_)[at(node)];
  return at(index) < places.size() ? places[at(index)] : nowhere;
}

int AxisFamilies::of_dimension(NodeId node, int dimension) const {
  return place(node, dimension, false).family;
}
int AxisFamilies::of_label(NodeId node, int label) const { return place(node, label, true).family; }

const AxisMember& AxisFamilies::dimension(NodeId node, int dimension) const {
  const Place& found = place(node, dimension, false);
  ensure(found.family >= 0, "dimension {} of node %{} has no family", dimension, node);
  return families_[at(found.family)].members[found.member];
}

const AxisMember& AxisFamilies::label(NodeId node, int label) const {
  const Place& found = place(node, label, true);
  ensure(found.family >= 0, "label {} of node %{} has no family", label, node);
  return families_[at(found.family)].members[found.member];
}

}  // namespace crease
