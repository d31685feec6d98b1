#include "graph/rewrite/units/removal.h"

#include <fmt/format.h>

#include <algorithm>

#include "graph/analysis/certificate.h"
#include "graph/analysis/points.h"
#include "graph/scalar/forms.h"
#include "graph/stored.h"

namespace crease {
namespace {

size_t at(int64_t k) { return static_cast<size_t>(k); }

/// Whether a body is 0 where this argument is.
bool vanishes_with(const Scalar& body, int position) {
  return fold_steps<int>(body, [position](const Scalar& e, std::span<const int> terms) -> int {
    switch (e.kind()) {
      case ScalarKind::Argument: return e.position() == position;
      case ScalarKind::Constant: return e.is_constant(0);
      case ScalarKind::Multiply: return terms[0] || terms[1];
      case ScalarKind::Divide:
      case ScalarKind::Negate: return terms[0];
      case ScalarKind::Add:
      case ScalarKind::Subtract:
      case ScalarKind::Max:
      case ScalarKind::Min: return terms[0] && terms[1];
      default: return false;
    }
  });
}

/// A node that sums over a label of a family.
struct Sum {
  NodeId node;
  int label;
};

class Chooser {
 public:
  Chooser(const BoxAnalysis& box, const AxisFamilies& families, const KnownElements& known, bool exactly)
      : box_(box), graph_(box.graph()), families_(families), known_(known), exactly_(exactly) {}

  Removal run() {
    removal_.removed.resize(families_.all().size());
    removal_.why.resize(families_.all().size());
    for (size_t f = 0; f < families_.all().size(); ++f)
      if (families_.all()[f].held.empty() && families_.all()[f].channels > 1) choose(f);
    return std::move(removal_);
  }

 private:
  void choose(size_t f) {
    const AxisFamily& family = families_.all()[f];
    std::vector<bool> removed(at(family.channels), true);
    std::vector<Sum> sums;
    for (const AxisMember& member : family.members)
      if (member.is_label && is_reduced(member)) sums.push_back({member.node, member.index});
    if (sums.empty()) return;
    for (const Sum& sum : sums) keep_needed(sum, f, removed);
    for (const AxisMember& member : family.members) keep_one(member, removed);
    if (std::ranges::find(removed, true) == removed.end()) return;
    std::map<NodeId, std::vector<Rational>> added;
    for (const Sum& sum : sums)
      if (!add_constants(sum, removed, added)) return;
    for (auto& [node, values] : added) {
      auto& total = removal_.added[node];
      total.resize(values.size());
      for (size_t i = 0; i < values.size(); ++i) total[i] += values[i];
    }
    removal_.removed[f] = std::move(removed);
  }

  bool is_reduced(const AxisMember& member) const {
    const std::vector<int> reduced = reduced_labels(graph_.node(member.node).loops);
    return std::ranges::find(reduced, member.index) != reduced.end();
  }

  /// The dimensions of an operand that follow a label.
  std::vector<int> dimensions_along(const Sum& sum, size_t operand) const {
    const Node& node = graph_.node(sum.node);
    const Shape& shape = graph_.node(node.operands[operand]).shape;
    std::vector<int> result;
    for (size_t d = 0; d < shape.size(); ++d) {
      const FollowedIndex index = followed(node.loops.reads[operand][d], node.loops, shape[d]);
      if (index.leading && index.leading->label == sum.label) result.push_back(static_cast<int>(d));
    }
    return result;
  }

  /// Channels along one dimension of a node all of whose elements hold.
  template <class Holds>
  std::vector<bool> channels_where(NodeId id, int dimension, size_t channels, const Holds& holds) const {
    const std::vector<int64_t> sizes = sample_sizes(graph_.node(id).shape);
    int64_t stride = 1;
    for (size_t d = at(dimension) + 1; d < sizes.size(); ++d) stride *= sizes[d];
    const std::vector<int>& channel = families_.dimension(id, dimension).channel;
    std::vector<bool> result(channels, true);
    for (int64_t i = 0; i < sample_count(graph_.node(id).shape); ++i) {
      const auto place = at(channel[at(i / stride % sizes[at(dimension)])]);
      if (result[place] && !holds(i)) result[place] = false;
    }
    return result;
  }

  std::vector<bool> zero_channels(NodeId id, int dimension, size_t channels) const {
    return channels_where(id, dimension, channels, [&](int64_t i) {
      const auto value = known_.at(id, i);
      return value && value->is_zero();
    });
  }

  /// Takes channels from `removed` whose part of the sum is neither 0 nor a constant.
  void keep_needed(const Sum& sum, size_t f, std::vector<bool>& removed) {
    const Node& node = graph_.node(sum.node);
    std::vector<bool> nothing(removed.size(), false), constant(removed.size(), true);
    for (size_t k = 0; k < node.operands.size(); ++k) {
      const NodeId operand = node.operands[k];
      const std::vector<int> along = dimensions_along(sum, k);
      if (along.empty()) {
        if (!box_.is_constant(operand)) constant.assign(removed.size(), false);
        continue;
      }
      const int dimension = along.front();
      const auto known = channels_where(operand, dimension, removed.size(),
                                        [&](int64_t i) { return known_.at(operand, i); });
      const bool decides = vanishes_with(node.op->body.expression, static_cast<int>(k));
      const auto zero = zero_channels(operand, dimension, removed.size());
      for (size_t c = 0; c < removed.size(); ++c) {
        nothing[c] = nothing[c] || (decides && zero[c]);
        constant[c] = constant[c] && known[c];
      }
    }
    for (size_t c = 0; c < removed.size(); ++c) {
      if (nothing[c] || constant[c]) continue;
      removed[c] = false;
      removal_.why[f].try_emplace(static_cast<int>(c), node_key(graph_, sum.node));
    }
  }

  /// No dimension may become empty.
  static void keep_one(const AxisMember& member, std::vector<bool>& removed) {
    const auto is_removed = [&](int channel) { return removed[at(channel)]; };
    if (!member.channel.empty() && std::ranges::all_of(member.channel, is_removed))
      removed[at(member.channel.front())] = false;
  }

  /// What the removed channels add to the node's elements. False: it cannot be stored.
  bool add_constants(const Sum& sum, const std::vector<bool>& removed,
                     std::map<NodeId, std::vector<Rational>>& added) const {
    const Node& node = graph_.node(sum.node);
    const std::vector<int>& channel = families_.label(sum.node, sum.label).channel;
    if (all_vanish(sum, removed)) return true;
    if (removal_.added.contains(sum.node)) return false;  // points of two families would count twice
    constexpr int64_t most_points = int64_t{1} << 22;
    if (PointWalk(graph_, sum.node).count() > most_points) return false;
    std::vector<Rational> total(at(sample_count(node.shape)));
    std::vector<std::optional<Rational>> arguments(node.operands.size());
    for (PointWalk walk(graph_, sum.node); walk.valid(); walk.next()) {
      if (!walk.inside() || !removed[at(channel[at(walk.labels()[at(sum.label)])])]) continue;
      for (size_t k = 0; k < arguments.size(); ++k) arguments[k] = known_.at(node.operands[k], walk.read(k));
      const auto value = partial_value(node.op->body.expression, arguments, walk.labels());
      if (!value) return false;
      total[at(walk.write())] += *value;
    }
    const auto is_zero = [](const Rational& value) { return value.is_zero(); };
    if (std::ranges::all_of(total, is_zero)) return true;
    const auto fits = [&](const Rational& value) { return is_number_of(node.type, value); };
    if (exactly_ && !std::ranges::all_of(total, fits)) return false;
    added[sum.node] = std::move(total);
    return true;
  }

  bool all_vanish(const Sum& sum, const std::vector<bool>& removed) const {
    const Node& node = graph_.node(sum.node);
    std::vector<bool> nothing(removed.size(), false);
    for (size_t k = 0; k < node.operands.size(); ++k) {
      const std::vector<int> along = dimensions_along(sum, k);
      if (along.empty() || !vanishes_with(node.op->body.expression, static_cast<int>(k))) continue;
      const auto zero = zero_channels(node.operands[k], along.front(), removed.size());
      for (size_t c = 0; c < removed.size(); ++c) nothing[c] = nothing[c] || zero[c];
    }
    for (size_t c = 0; c < removed.size(); ++c)
      if (removed[c] && !nothing[c]) return false;
    return true;
  }

  const BoxAnalysis& box_;
  const Graph& graph_;
  const AxisFamilies& families_;
  const KnownElements& known_;
  const bool exactly_;
  Removal removal_;
};

}  // namespace

bool Removal::any() const {
  return std::ranges::any_of(removed, [](const std::vector<bool>& family) {
    return std::ranges::find(family, true) != family.end();
  });
}

Removal removal_of(const BoxAnalysis& box, const AxisFamilies& families, const KnownElements& known,
                   bool exactly) {
  return Chooser(box, families, known, exactly).run();
}

}  // namespace crease
