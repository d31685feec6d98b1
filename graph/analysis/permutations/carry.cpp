#include "graph/analysis/permutations/carry.h"

#include <algorithm>

#include "graph/analysis/points.h"
#include "graph/rewrite/rewrite.h"
#include "graph/scalar/forms.h"

namespace crease {
namespace {

/// Positions of several labels that make one index: sum of coefficient * label + offset.
class IndexMap {
 public:
  IndexMap(const AffineIndex& index, const std::vector<Label>& labels) : offset_(index.offset) {
    for (const Term& term : index.terms) {
      const Dim& extent = labels[static_cast<size_t>(term.label)].extent;
      terms_.push_back({term.label, term.coefficient, extent.is_symbol() ? 1 : extent.size()});
    }
    std::ranges::sort(terms_, std::greater<>{}, &Part::coefficient);
    int64_t reach = 0;  // of the later, finer terms
    for (size_t i = terms_.size(); i-- > 0;) {
      unique_ = unique_ && (terms_.size() == 1 || terms_[i].coefficient > reach);
      reach += terms_[i].coefficient * (terms_[i].extent - 1);
    }
  }

  /// Whether each position comes from one combination of labels at most.
  bool is_unique() const { return unique_; }

  /// The labels that give a position, if any do. Needs is_unique().
  std::optional<std::map<int, int64_t>> labels_at(int64_t position) const {
    int64_t rest = position - offset_;
    std::map<int, int64_t> labels;
    for (const Part& part : terms_) {
      int64_t value = rest / part.coefficient;
      if (terms_.size() > 1) value = std::min(value, part.extent - 1);
      if (value < 0 || value >= part.extent) return std::nullopt;
      labels[part.label] = value;
      rest -= value * part.coefficient;
    }
    if (rest != 0) return std::nullopt;
    return labels;
  }

  /// Calls visit(position, new position) for each combination of labels of which one moves; stops where it
  /// gives false.
  template <class Visit>
  bool for_moved(const std::map<int, Moves>& moves, Visit&& visit) const {
    return descend(0, offset_, offset_, moves, visit);
  }

 private:
  struct Part {
    int label;
    int64_t coefficient;
    int64_t extent;
  };

  template <class Visit>
  bool descend(size_t depth, int64_t from, int64_t to, const std::map<int, Moves>& moves,
               Visit& visit) const {
    if (depth == terms_.size()) return visit(from, to);
    const Part& part = terms_[depth];
    const auto found = moves.find(part.label);
    if (terms_.size() == 1) {  // only positions that move
      if (found == moves.end()) return true;
      return std::ranges::all_of(found->second, [&](const auto& move) {
        return visit(from + part.coefficient * move.first, to + part.coefficient * move.second);
      });
    }
    for (int64_t value = 0; value < part.extent; ++value) {
      int64_t target = value;
      if (found != moves.end())
        if (const auto move = found->second.find(value); move != found->second.end()) target = move->second;
      if (!descend(depth + 1, from + part.coefficient * value, to + part.coefficient * target, moves, visit))
        return false;
    }
    return true;
  }

  std::vector<Part> terms_;
  int64_t offset_;
  bool unique_ = true;
};

bool mentions_label(const Scalar& body, int label) {
  return any_step(
      body, [label](const Scalar& e) { return e.kind() == ScalarKind::Index && e.position() == label; });
}

bool is_order_free(Combine combine) {
  return combine == Combine::Sum || combine == Combine::Product || combine == Combine::Max ||
         combine == Combine::Min;
}

}  // namespace

/// One attempt: what is decided so far, and the nodes still to look at.
class Carry {
 public:
  explicit Carry(const PermutationCarrier& carrier) : carrier_(carrier), graph_(carrier.graph_) {}

  std::optional<Permutation> run(NodeId tensor, int axis, const Moves& moves) {
    if (!decide(tensor, axis, moves)) return std::nullopt;
    while (!queue_.empty()) {
      const NodeId id = *queue_.begin();
      queue_.erase(queue_.begin());
      if (!settle(id)) return std::nullopt;
    }
    for (const auto& [place, moved] : result_.axes)
      if (graph_.node(place.first).role == Role::Constant && !is_even(place.first)) return std::nullopt;
    return std::move(result_);
  }

 private:
  const PermutationCarrier& carrier_;
  const Graph& graph_;
  Permutation result_;
  std::map<NodeId, std::map<int, Moves>> labels_;  // of nodes looked at
  std::set<NodeId> queue_;

  /// Takes a permutation of an axis, unless it is another than before or the tensor must keep its order.
  bool decide(NodeId tensor, int axis, const Moves& moves) {
    const auto [place, fresh] = result_.axes.try_emplace({tensor, axis}, moves);
    if (!fresh) return place->second == moves;
    const Node& node = graph_.node(tensor);
    if (node.role == Role::Input || node.role == Role::Random || node.role == Role::Scan) return false;
    if (carrier_.output_[static_cast<size_t>(tensor)]) return false;
    if (node.role == Role::Apply) queue_.insert(tensor);
    for (const NodeId reader : carrier_.readers_[static_cast<size_t>(tensor)]) queue_.insert(reader);
    return true;
  }

  struct Place {
    NodeId tensor;
    int axis;
    const AffineIndex* index;
  };

  const Loops& loops(NodeId id) const { return carrier_.loops_[static_cast<size_t>(id)]; }

  std::vector<Place> places(NodeId id) const {
    const std::vector<NodeId>& operands = carrier_.operands_[static_cast<size_t>(id)];
    std::vector<Place> result;
    const auto take = [&](NodeId tensor, const Access& access) {
      for (size_t axis = 0; axis < access.size(); ++axis)
        result.push_back({tensor, static_cast<int>(axis), &access[axis]});
    };
    for (size_t k = 0; k < operands.size(); ++k) take(operands[k], loops(id).reads[k]);
    take(id, loops(id).write);
    return result;
  }

  /// Makes labels and axes of one node agree.
  bool settle(NodeId id) {
    if (graph_.node(id).role != Role::Apply)
      return false;  // a loop over time keeps the order of its operands
    const std::vector<Place> all = places(id);
    std::map<int, Moves>& labels = labels_[id];
    for (const Place& place : all) {
      const auto moves = result_.axes.find({place.tensor, place.axis});
      if (moves != result_.axes.end() && !read_labels(id, place, moves->second, labels, all)) return false;
    }
    for (const auto& [label, moves] : labels)
      if (!may_move(id, label)) return false;
    return std::ranges::all_of(all, [&](const Place& place) { return push_axis(id, place, labels); });
  }

  /// The labels' part in a permutation of an axis; nothing where only this reduction sees it.
  bool read_labels(NodeId id, const Place& place, const Moves& moves, std::map<int, Moves>& labels,
                   const std::vector<Place>& all) {
    if (place.index->lookup >= 0) return false;
    const IndexMap map(*place.index, loops(id).labels);
    if (!map.is_unique()) return false;
    std::map<int, Moves> found;
    for (const auto& [from, to] : moves) {
      const auto before = map.labels_at(from), after = map.labels_at(to);
      if (before.has_value() != after.has_value()) return false;
      if (!before) continue;
      for (const auto& [label, value] : *before)
        if (after->at(label) != value) {
          const auto [known, fresh] = found[label].try_emplace(value, after->at(label));
          if (!fresh && known->second != after->at(label)) return false;
        }
    }
    if (is_absorbed(id, place, found, all)) {
      result_.absorbed_by = id;
      return true;
    }
    for (const auto& [label, moved] : found) {
      const auto [known, fresh] = labels.try_emplace(label, moved);
      if (!fresh && known->second != moved) return false;
    }
    return map.for_moved(found, [&](int64_t from, int64_t to) {
      const auto move = moves.find(from);
      return (move == moves.end() ? from : move->second) == to;
    });
  }

  /// Whether labels occur in this index alone, and their points are combined in no order.
  bool is_absorbed(NodeId id, const Place& place, const std::map<int, Moves>& found,
                   const std::vector<Place>& all) const {
    const Node& node = graph_.node(id);
    if (found.empty() || !is_order_free(node.op->combine)) return false;
    return std::ranges::all_of(found, [&](const auto& entry) {
      const int label = entry.first;
      const bool elsewhere = std::ranges::any_of(all, [&](const Place& other) {
        return other.index != place.index &&
               std::ranges::find(other.index->terms, label, &Term::label) != other.index->terms.end();
      });
      return !elsewhere && !mentions_label(node.op->body.expression, label);
    });
  }

  bool may_move(NodeId id, int label) const {
    const Node& node = graph_.node(id);
    if (loops(id).labels[static_cast<size_t>(label)].extent.is_symbol()) return false;
    if (mentions_label(node.op->body.expression, label)) return false;
    const bool ordered = gives_position(node.op->combine);
    const auto reduced = reduced_labels(loops(id));
    return !ordered || std::ranges::find(reduced, label) == reduced.end();
  }

  /// The permutation of an axis that moving labels make.
  bool push_axis(NodeId id, const Place& place, const std::map<int, Moves>& labels) {
    const auto moves = [&](const Term& term) { return labels.contains(term.label); };
    if (place.index->lookup >= 0 || std::ranges::none_of(place.index->terms, moves)) return true;
    const int64_t size = sample_sizes(graph_.node(place.tensor).shape)[static_cast<size_t>(place.axis)];
    std::map<int64_t, int64_t> target;
    const IndexMap map(*place.index, loops(id).labels);
    const bool consistent = map.for_moved(labels, [&](int64_t from, int64_t to) {
      const bool inside = from >= 0 && from < size;
      if (inside != (to >= 0 && to < size)) return false;
      return !inside || target.try_emplace(from, to).first->second == to;
    });
    if (!consistent) return false;
    std::erase_if(target, [](const auto& entry) { return entry.first == entry.second; });
    return target.empty() || decide(place.tensor, place.axis, target);
  }

  /// Whether a constant keeps its value under all moves of its axes.
  bool is_even(NodeId id) const {
    const Tensor& value = graph_.node(id).value;
    const std::vector<int64_t>& sizes = value.sizes();
    for (int64_t element = 0; element < value.count(); ++element) {
      int64_t rest = element, stride = 1, target = 0;
      for (size_t axis = sizes.size(); axis-- > 0;) {
        int64_t position = rest % sizes[axis];
        rest /= sizes[axis];
        const auto moves = result_.axes.find({id, static_cast<int>(axis)});
        if (moves != result_.axes.end())
          if (const auto move = moves->second.find(position); move != moves->second.end())
            position = move->second;
        target += position * stride;
        stride *= sizes[axis];
      }
      if (value.at(element) != value.at(target)) return false;
    }
    return true;
  }
};

namespace {

/// Whether the node gives elements of its operand, each at its own place.
bool only_moves(const Node& node) {
  return node.role == Role::Apply && node.operands.size() == 1 && node.op->combine == Combine::Assign &&
         node.op->body.expression.kind() == ScalarKind::Argument && is_plain(node.loops.write) &&
         labels_of(node.loops.write).size() == node.loops.labels.size() && !has_lookup(node);
}

/// An index over other labels: term by term.
AffineIndex substituted(const AffineIndex& index, const std::vector<const AffineIndex*>& by_label) {
  std::map<int, int64_t> terms;
  AffineIndex result{.terms = {}, .offset = index.offset};
  for (const Term& term : index.terms) {
    const AffineIndex& inner = *by_label[static_cast<size_t>(term.label)];
    result.offset += term.coefficient * inner.offset;
    for (const Term& part : inner.terms) terms[part.label] += term.coefficient * part.coefficient;
  }
  for (const auto& [label, coefficient] : terms)
    if (coefficient != 0) result.terms.push_back({label, coefficient});
  return result;
}

}  // namespace

/// Lets a node read what its operands move.
void PermutationCarrier::see_through(NodeId id) {
  const auto place = static_cast<size_t>(id);
  for (size_t k = 0; k < operands_[place].size(); ++k) {
    const NodeId operand = operands_[place][k];
    const Node& mover = graph_.node(operand);
    Access& read = loops_[place].reads[k];
    const bool looks_up =
        std::ranges::any_of(read, [](const AffineIndex& index) { return index.lookup >= 0; });
    if (!only_moves(mover) || looks_up || !always_inside(read, loops_[place], mover.shape)) continue;
    const Loops& inner = loops_[static_cast<size_t>(operand)];
    const NodeId source = operands_[static_cast<size_t>(operand)][0];
    if (!always_inside(inner.reads[0], inner, graph_.node(source).shape)) continue;
    std::vector<const AffineIndex*> by_label(inner.labels.size());
    for (size_t axis = 0; axis < read.size(); ++axis)
      by_label[static_cast<size_t>(inner.write[axis].plain_label())] = &read[axis];
    Access through;
    for (const AffineIndex& index : inner.reads[0]) through.push_back(substituted(index, by_label));
    read = std::move(through);
    operands_[place][k] = source;
  }
}

PermutationCarrier::PermutationCarrier(const Graph& graph)
    : graph_(graph),
      live_(static_cast<size_t>(graph.size())),
      output_(static_cast<size_t>(graph.size())),
      readers_(static_cast<size_t>(graph.size())) {
  for (NodeId id = 0; id < graph.size(); ++id) {
    operands_.push_back(graph.node(id).operands);
    loops_.push_back(graph.node(id).loops);
    if (graph.node(id).role == Role::Apply) see_through(id);
  }
  for (const Output& output : graph.outputs())
    live_[static_cast<size_t>(output.node)] = output_[static_cast<size_t>(output.node)] = true;
  for (NodeId id = graph.size(); id-- > 0;) {
    if (!live_[static_cast<size_t>(id)]) continue;
    for (const NodeId operand : operands_[static_cast<size_t>(id)]) {
      live_[static_cast<size_t>(operand)] = true;
      std::vector<NodeId>& readers = readers_[static_cast<size_t>(operand)];
      if (readers.empty() || readers.back() != id) readers.push_back(id);
    }
  }
}

std::optional<Permutation> PermutationCarrier::carry(NodeId tensor, int axis, const Moves& moves) const {
  return Carry(*this).run(tensor, axis, moves);
}

}  // namespace crease
