#include "graph/rewrite/units/restrict.h"

#include <fmt/format.h>

#include <algorithm>

#include "graph/analysis/points.h"
#include "graph/error.h"
#include "graph/ops/arithmetic.h"
#include "graph/ops/movement.h"

namespace crease {
namespace {

size_t at(int64_t k) { return static_cast<size_t>(k); }

/// Which channels of the split family a value has; Kept for all others.
enum class Part : uint8_t { Kept, Linear };

using Positions = std::vector<int64_t>;

class Builder {
 public:
  Builder(const Graph& old, const AxisFamilies& families, const Restriction& what)
      : old_(old), families_(families), what_(what) {
    if (old.tie()) result_.graph.set_tie(*old.tie());
    for (NodeId id = 0; id < old.size(); ++id) names_.insert(old.node(id).name);
  }

  Restricted run() {
    for (const NodeId id : old_.inputs()) made_[{id, Part::Kept}] = result_.graph.copy(old_.node(id), {});
    for (const Output& output : old_.outputs()) result_.graph.output(output.name, value(output.node));
    result_.new_id.assign(at(old_.size()), -1);
    for (const auto& [key, made] : made_)
      if (key.second == Part::Kept) result_.new_id[at(key.first)] = made.id();
    return std::move(result_);
  }

 private:
  using Key = std::pair<NodeId, Part>;

  Value value(NodeId id) {
    // Operands first, without a deep recursion.
    std::vector<Key> open{{id, Part::Kept}};
    while (!open.empty()) {
      const Key key = open.back();
      std::vector<Key> missing;
      if (!made_.contains(key))
        for (const Key& operand : needed(key))
          if (!made_.contains(operand)) missing.push_back(operand);
      if (missing.empty()) {
        open.pop_back();
        if (!made_.contains(key)) made_[key] = make(key);
      }
      open.insert(open.end(), missing.begin(), missing.end());
    }
    return made_.at({id, Part::Kept});
  }

  bool is_split(int family) const { return what_.split && family == what_.split->family; }

  /// The label over which a node sums the parts of the split; -1: none.
  int split_label(NodeId id) const {
    const Node& node = old_.node(id);
    if (node.role != Role::Apply) return -1;
    for (const int label : reduced_labels(node.loops))
      if (is_split(families_.of_label(id, label))) return label;
    return -1;
  }

  /// The part of operand k that one part of a node reads; `summed`: where the node sums over the split.
  Part part_read(NodeId id, size_t k, Part own, Part summed) const {
    const NodeId operand = old_.node(id).operands[k];
    const Shape& shape = old_.node(operand).shape;
    for (size_t d = 0; d < shape.size(); ++d)
      if (is_split(families_.of_dimension(operand, static_cast<int>(d))))
        return split_label(id) >= 0 ? summed : own;
    return Part::Kept;
  }

  std::vector<Key> needed(const Key& key) const {
    const auto& [id, part] = key;
    if (what_.constants.contains(id)) return {};
    const Node& node = old_.node(id);
    std::vector<Key> result;
    for (size_t k = 0; k < node.operands.size(); ++k)
      for (const Part summed : {Part::Kept, Part::Linear}) {
        if (summed == Part::Linear && split_label(id) < 0) continue;
        result.emplace_back(node.operands[k], part_read(id, k, part, summed));
      }
    return result;
  }

  Value make(const Key& key) {
    const auto& [id, part] = key;
    const Node& node = old_.node(id);
    if (const auto found = what_.constants.find(id); found != what_.constants.end())
      return constant(key, found->second);
    if (node.role != Role::Apply) return leaf(key);
    if (part == Part::Linear && what_.split->units.contains(id)) return operand(key, 0, Part::Kept);
    Value result;
    if (const auto line = what_.lines.find(id); line != what_.lines.end())
      result = on_line(key, line->second);
    else
      result = applied(key, Part::Kept);
    if (split_label(id) >= 0) result = add(result, applied(key, Part::Linear), node.where);
    if (const auto found = what_.added.find(id); found != what_.added.end())
      result = add(result, stored(key, found->second), node.where);
    if (part == Part::Kept && !node.name.empty() && result.node().name.empty())
      result_.graph.set_name(result, node.name);
    return result;
  }

  Value operand(const Key& key, size_t k, Part summed) const {
    return made_.at({old_.node(key.first).operands[k], part_read(key.first, k, key.second, summed)});
  }

  Value on_line(const Key& key, const LineOfUnit& line) {
    Value x = operand(key, 0, Part::Kept);
    if (line.slope == 1 && line.offset.is_zero()) return x;
    return affine(line.slope.to_double(), line.offset.to_double())(x, old_.node(key.first).where);
  }

  /// Positions along a dimension or label that a part has; nothing: all of them.
  std::optional<Positions> positions(NodeId id, int index, bool is_label, Part part) const {
    const int family = is_label ? families_.of_label(id, index) : families_.of_dimension(id, index);
    if (family < 0) return {};
    const bool cut = at(family) < what_.removed.size() && !what_.removed[at(family)].empty();
    if (!cut && !is_split(family)) return {};
    const AxisMember& member = is_label ? families_.label(id, index) : families_.dimension(id, index);
    Positions result;
    for (size_t i = 0; i < member.channel.size(); ++i) {
      const auto channel = at(member.channel[i]);
      const bool gone = cut && what_.removed[at(family)][channel];
      const bool here = !is_split(family) || what_.split->linear[channel] == (part == Part::Linear);
      if (!gone && here) result.push_back(static_cast<int64_t>(i));
    }
    return result;
  }

  Shape shape_of(const Key& key) const {
    Shape shape = old_.node(key.first).shape;
    for (size_t d = 0; d < shape.size(); ++d)
      if (const auto kept = positions(key.first, static_cast<int>(d), false, key.second))
        shape[d] = static_cast<int64_t>(kept->size());
    return shape;
  }

  /// The node with shorter loops. `summed`: the part of the split that it sums over.
  Value applied(const Key& key, Part summed) {
    const auto& [id, part] = key;
    Node node = old_.node(id);
    const Loops before = node.loops;
    std::vector<std::optional<Positions>> labels;
    for (size_t k = 0; k < node.loops.labels.size(); ++k) {
      const bool over = static_cast<int>(k) == split_label(id);
      labels.push_back(positions(id, static_cast<int>(k), true, over ? summed : part));
      if (labels.back()) node.loops.labels[k].extent = static_cast<int64_t>(labels.back()->size());
    }
    std::vector<Value> operands;
    for (size_t k = 0; k < node.operands.size(); ++k) {
      operands.push_back(operand(key, k, summed));
      const Part read = part_read(id, k, part, summed);
      shift(node.loops.reads[k], before, {node.operands[k], read}, labels);
    }
    shift(node.loops.write, before, key, labels);
    node.shape = shape_of(key);
    node.name.clear();
    return result_.graph.copy(node, operands);
  }

  /// Offsets of an access where positions before it went.
  void shift(Access& access, const Loops& loops, const Key& tensor,
             const std::vector<std::optional<Positions>>& labels) const {
    const Shape& shape = old_.node(tensor.first).shape;
    for (size_t d = 0; d < access.size(); ++d) {
      const auto kept = positions(tensor.first, static_cast<int>(d), false, tensor.second);
      const FollowedIndex index = followed(access[d], loops, shape[d]);
      if (!kept || !index.leading || index.leading->stride != 1 || index.leading->shift == 0) continue;
      const auto& steps = labels[at(index.leading->label)];
      for (size_t k = 0; steps && k < steps->size(); ++k) {
        const auto place = std::ranges::lower_bound(*kept, (*steps)[k] + index.leading->shift);
        if (place == kept->end() || *place != (*steps)[k] + index.leading->shift) continue;
        access[d].offset = (place - kept->begin()) - static_cast<int64_t>(k);
        break;
      }
    }
  }

  /// An input, or the part of a stored tensor.
  Value leaf(const Key& key) {
    const auto& [id, part] = key;
    Node node = old_.node(id);
    if (node.role != Role::Parameter && node.role != Role::Constant)
      return result_.graph.copy(node, copied_operands(key));
    std::vector<std::optional<Positions>> kept;
    kept.reserve(node.shape.size());
    for (size_t d = 0; d < node.shape.size(); ++d)
      kept.push_back(positions(id, static_cast<int>(d), false, part));
    if (std::ranges::none_of(kept, [](const auto& axis) { return axis.has_value(); }))
      return result_.graph.copy(node, {});
    Tensor tensor = cut(node.value, kept);
    if (node.role == Role::Constant) return result_.graph.constant(std::move(tensor), node.where);
    node.name = name_of(key);
    node.shape = Shape(tensor.sizes().begin(), tensor.sizes().end());
    node.value = std::move(tensor);
    return result_.graph.copy(node, {});
  }

  std::vector<Value> copied_operands(const Key& key) const {
    std::vector<Value> operands;
    operands.reserve(old_.node(key.first).operands.size());
    for (size_t k = 0; k < old_.node(key.first).operands.size(); ++k)
      operands.push_back(operand(key, k, Part::Kept));
    return operands;
  }

  std::string name_of(const Key& key) {
    const auto& [id, part] = key;
    const std::string& base = old_.node(id).name;
    bool both = false;
    for (size_t d = 0; d < old_.node(id).shape.size(); ++d)
      both = both || is_split(families_.of_dimension(id, static_cast<int>(d)));
    if (!both) return base;
    const std::string stem = base + (part == Part::Linear ? ".linear" : ".kept");
    std::string name = stem;
    for (int number = 2; !names_.insert(name).second; ++number) name = fmt::format("{}.{}", stem, number);
    return name;
  }

  static Tensor cut(const Tensor& tensor, const std::vector<std::optional<Positions>>& kept) {
    std::vector<int64_t> sizes = tensor.sizes();
    for (size_t d = 0; d < kept.size(); ++d)
      if (kept[d]) sizes[d] = static_cast<int64_t>(kept[d]->size());
    Tensor result(tensor.type(), sizes);
    std::vector<int64_t> place(sizes.size());
    for (int64_t i = 0; i < result.count(); ++i) {
      int64_t rest = i, from = 0;
      for (size_t d = sizes.size(); d-- > 0; rest /= sizes[d]) place[d] = rest % sizes[d];
      for (size_t d = 0; d < sizes.size(); ++d)
        from = from * tensor.sizes()[d] + (kept[d] ? (*kept[d])[at(place[d])] : place[d]);
      result.set(i, tensor.at(from));
    }
    return result;
  }

  Value constant(const Key& key, const std::vector<Rational>& elements) {
    const Value value = stored(key, elements);
    const Shape shape = shape_of(key);
    return value.shape() == shape ? value : broadcast_to({value, old_.node(key.first).where}, shape);
  }

  /// Elements of one sample of a node as a constant that broadcasts onto it: dimensions along which all are
  /// equal have size 1.
  Value stored(const Key& key, const std::vector<Rational>& elements) {
    const Node& node = old_.node(key.first);
    Tensor whole(node.type, sample_sizes(node.shape));
    for (int64_t i = 0; i < whole.count(); ++i) {
      const Rational& exact = elements[at(i)];
      whole.set(i, node.type == Type::f64 ? exact.to_double() : static_cast<double>(exact.to_float()));
      result_.rounded = result_.rounded || Rational::of(whole.at(i)) != exact;
    }
    std::vector<std::optional<Positions>> kept;
    for (size_t d = 0; d < node.shape.size(); ++d) {
      kept.push_back(positions(key.first, static_cast<int>(d), false, key.second));
      if (whole.count() > 0 && is_same_along(whole, d)) kept.back() = Positions{0};
    }
    return result_.graph.constant(cut(whole, kept), node.where);
  }

  static bool is_same_along(const Tensor& tensor, size_t dimension) {
    int64_t stride = 1;
    for (size_t d = dimension + 1; d < tensor.sizes().size(); ++d) stride *= tensor.sizes()[d];
    const int64_t size = tensor.sizes()[dimension];
    for (int64_t i = 0; i < tensor.count(); ++i)
      if (tensor.at(i) != tensor.at(i - i / stride % size * stride)) return false;
    return true;
  }

  const Graph& old_;
  const AxisFamilies& families_;
  const Restriction& what_;
  Restricted result_;
  std::map<Key, Value> made_;
  std::set<std::string> names_;
};

}  // namespace

bool can_split(const Graph& graph, const AxisFamilies& families, int family) {
  std::map<NodeId, int> labels, dimensions;
  for (const AxisMember& member : families.all()[at(family)].members)
    ++(member.is_label ? labels : dimensions)[member.node];
  const auto twice = [](const auto& entry) { return entry.second > 1; };
  if (std::ranges::any_of(labels, twice) || std::ranges::any_of(dimensions, twice)) return false;
  return std::ranges::all_of(labels,
                             [&](const auto& entry) { return graph.node(entry.first).role == Role::Apply; });
}

Restricted restricted(const Graph& graph, const AxisFamilies& families, const Restriction& restriction) {
  return Builder(graph, families, restriction).run();
}

}  // namespace crease
