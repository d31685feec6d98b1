#include "graph/analysis/permutations/permutations.h"

#include <algorithm>
#include <set>

#include "graph/analysis/permutations/carry.h"
#include "graph/analysis/points.h"
#include "graph/error.h"

namespace crease {
namespace {

/// Finds the blocks axis by axis; an exchange that moves several axes counts at the first of them.
class BlockFinder {
 public:
  explicit BlockFinder(const Graph& graph) : graph_(graph), carrier_(graph) {}

  std::vector<PermutationBlock> run() {
    for (NodeId id = 0; id < graph_.size(); ++id) {
      if (!carrier_.is_live(id) || graph_.node(id).role != Role::Apply) continue;
      const Shape& shape = graph_.node(id).shape;
      for (size_t axis = 0; axis < shape.size(); ++axis)
        if (!shape[axis].is_symbol()) look_at(id, static_cast<int>(axis), shape[axis].size());
    }
    return std::move(blocks_);
  }

 private:
  const Graph& graph_;
  PermutationCarrier carrier_;
  std::vector<PermutationBlock> blocks_;
  std::map<TensorAxis, std::set<int64_t>> placed_;  // positions that are in a block already

  void look_at(NodeId tensor, int axis, int64_t size) {
    // Later blocks first: neighbours are the likely partners.
    std::vector<PermutationBlock> found;
    const std::set<int64_t> before = placed_[{tensor, axis}];
    for (int64_t unit = 0; unit < size; ++unit) {
      bool placed = before.contains(unit);
      constexpr size_t tries = 8;
      for (size_t back = 0; back < std::min(tries, found.size()) && !placed; ++back)
        placed = join(found[found.size() - 1 - back], unit);
      if (!placed) found.push_back({.tensor = tensor, .axis = axis, .units = {unit}, .absorbed_by = -1});
    }
    for (PermutationBlock& block : found)
      if (!block.exchanges.empty()) blocks_.push_back(std::move(block));
  }

  /// Adds a unit to a block if it can change places with its first one.
  bool join(PermutationBlock& block, int64_t unit) {
    const int64_t first = block.units.front();
    auto found = carrier_.carry(block.tensor, block.axis, {{first, unit}, {unit, first}});
    if (!found) return false;
    for (const auto& [place, moves] : found->axes)
      if (moves.size() == 2)
        for (const auto& [from, to] : moves) placed_[place].insert(from);
    block.units.push_back(unit);
    if (block.exchanges.empty()) {
      block.absorbed_by = found->absorbed_by;
      for (const auto& [place, moves] : found->axes)
        if (graph_.node(place.first).role == Role::Apply &&
            (block.tensors.empty() || block.tensors.back() != place.first))
          block.tensors.push_back(place.first);
    }
    block.exchanges.push_back(*std::move(found));
    return true;
  }
};

/// The value with positions along axes moved.
Tensor moved(const Tensor& value, const std::map<int, const Moves*>& by_axis) {
  Tensor result = value;
  const std::vector<int64_t>& sizes = value.sizes();
  for (int64_t element = 0; element < value.count(); ++element) {
    int64_t rest = element, stride = 1, target = 0;
    for (size_t axis = sizes.size(); axis-- > 0;) {
      int64_t position = rest % sizes[axis];
      rest /= sizes[axis];
      if (const auto moves = by_axis.find(static_cast<int>(axis)); moves != by_axis.end())
        if (const auto move = moves->second->find(position); move != moves->second->end())
          position = move->second;
      target += position * stride;
      stride *= sizes[axis];
    }
    result.set(target, value.at(element));
  }
  return result;
}

}  // namespace

Rational PermutationGroup::order() const {
  Rational order = 1;
  for (const PermutationBlock& block : blocks)
    for (size_t n = 2; n <= block.units.size(); ++n) {
      order *= Rational(static_cast<int64_t>(n));
      if (order.numerator_bits() > (int64_t{1} << 20)) return 0;
    }
  return order;
}

PermutationGroup permutation_group(const Graph& graph) {
  expect(!graph.outputs().empty(), "[permutation_group] the graph has no outputs: got 0, want at least 1");
  return {.blocks = BlockFinder(graph).run()};
}

Graph permuted(const Graph& graph, const Permutation& permutation) {
  Graph result = graph;
  for (const NodeId id : graph.parameters()) {
    std::map<int, const Moves*> by_axis;
    for (const auto& [place, moves] : permutation.axes)
      if (place.first == id) by_axis[place.second] = &moves;
    if (!by_axis.empty()) result.set_parameter(graph.node(id).name, moved(graph.node(id).value, by_axis));
  }
  return result;
}

}  // namespace crease
