#include "graph/analysis/balance/unit_colours.h"

#include <algorithm>
#include <bit>
#include <set>

#include "graph/analysis/dataflow.h"

namespace crease {
namespace {

using Colours = std::vector<std::vector<uint64_t>>;

size_t at(int64_t k) { return static_cast<size_t>(k); }

/// Source: the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
uint64_t mixed(uint64_t a, uint64_t b) {
  uint64_t x = a * 0x9e3779b97f4a7c15 + b + 0x632be59bd9b4e019;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/// One unit at one place of an axis.
struct Member {
  size_t block, unit;
  uint64_t inner;  // which of the unit's positions
};

/// A parameter, and whose positions its axes have.
struct Table {
  NodeId id;
  std::vector<std::vector<std::vector<Member>>> members;  // by axis and position
};

class Refinement {
 public:
  Refinement(const Graph& graph, const std::vector<PermutationBlock>& blocks) : graph_(graph) {
    for (const PermutationBlock& block : blocks) {
      places_.push_back(unit_places(graph, block));
      // Blocks that a permutation may exchange have equal first colours: pieces of two units of a maxout.
      const auto kind = mixed(static_cast<uint64_t>(block.tensor), static_cast<uint64_t>(block.axis));
      colours_.emplace_back(block.units.size(), mixed(kind, block.units.size()));
    }
    for (const NodeId id : in_reading_order(graph)) add_table(id);
  }

  Colours run() {
    refine();
    while (single_out()) {
    }
    return std::move(colours_);
  }

 private:
  const Graph& graph_;
  std::vector<std::map<TensorAxis, UnitPlaces>> places_;  // by block
  std::vector<Table> tables_;                             // those with moving axes
  Colours colours_;
  int64_t entries_ = 0, spent_ = 0;

  void add_table(NodeId id) {
    const std::vector<int64_t>& sizes = graph_.node(id).value.sizes();
    Table table{id, {}};
    bool moves = false;
    for (size_t axis = 0; axis < sizes.size(); ++axis) {
      auto& members = table.members.emplace_back(at(sizes[axis]));
      for (size_t b = 0; b < places_.size(); ++b) {
        const auto found = places_[b].find({id, static_cast<int>(axis)});
        if (found == places_[b].end()) continue;
        moves = true;
        for (size_t u = 0; u < found->second.size(); ++u)
          for (size_t i = 0; i < found->second[u].size(); ++i)
            members[at(found->second[u][i])].push_back({b, u, i});
      }
    }
    if (!moves) return;
    entries_ += graph_.node(id).value.count();
    tables_.push_back(std::move(table));
  }

  /// What a position is, whatever the order of units.
  uint64_t colour_of(const std::vector<Member>& members, size_t position) const {
    if (members.empty()) return mixed(1, position);
    uint64_t sum = 2;
    for (const Member& member : members) sum += mixed(3, colours_[member.block][member.unit]);
    // Where two blocks meet, one moves the other's positions: their numbers say nothing.
    return members.size() == 1 ? mixed(sum, members[0].inner) : sum;
  }

  Colours next_colours() {
    Colours sums = colours_;
    for (auto& units : sums) std::ranges::fill(units, 0);
    for (size_t t = 0; t < tables_.size(); ++t) add_entries(t, sums);
    for (size_t b = 0; b < sums.size(); ++b)
      for (size_t u = 0; u < sums[b].size(); ++u) sums[b][u] = mixed(colours_[b][u], sums[b][u]);
    spent_ += entries_;
    return sums;
  }

  void add_entries(size_t t, Colours& sums) const {
    const Table& table = tables_[t];
    const Tensor& value = graph_.node(table.id).value;
    std::vector<std::vector<uint64_t>> positions;
    for (const auto& members : table.members) {
      auto& colours = positions.emplace_back();
      for (size_t p = 0; p < members.size(); ++p) colours.push_back(colour_of(members[p], p));
    }
    std::vector<size_t> index(positions.size());
    for (int64_t i = 0; i < value.count(); ++i) {
      uint64_t digest = mixed(t, std::bit_cast<uint64_t>(value.at(i)));
      for (size_t axis = 0; axis < index.size(); ++axis) digest = mixed(digest, positions[axis][index[axis]]);
      for (size_t axis = 0; axis < index.size(); ++axis)
        for (const Member& member : table.members[axis][index[axis]])
          sums[member.block][member.unit] += mixed(digest, axis);
      for (size_t axis = index.size(); axis-- > 0;) {
        if (++index[axis] < at(value.sizes()[axis])) break;
        index[axis] = 0;
      }
    }
  }

  static size_t count_different(const Colours& colours) {
    std::set<uint64_t> all;
    for (const auto& units : colours) all.insert(units.begin(), units.end());
    return all.size();
  }

  bool is_affordable() const { return spent_ + entries_ <= int64_t{1} << 28; }

  /// At least once; then until no more units are told apart.
  void refine() {
    for (bool first = true;; first = false) {
      if (!first && !is_affordable()) return;
      Colours next = next_colours();
      const bool grows = count_different(next) > count_different(colours_);
      colours_ = std::move(next);
      if (!grows && !first) return;
    }
  }

  /// Whether two units have equal parameters, entry by entry: their order is no matter.
  bool are_twins(size_t block, size_t a, size_t b) const {
    for (const auto& [axis, units] : places_[block]) {
      const Tensor& value = graph_.node(axis.first).value;
      const int64_t size = value.sizes()[at(axis.second)];
      int64_t inner = 1;
      for (size_t k = at(axis.second) + 1; k < value.sizes().size(); ++k) inner *= value.sizes()[k];
      for (size_t i = 0; i < units[a].size(); ++i)
        for (int64_t outer = 0; outer < value.count() / (inner * size); ++outer)
          for (int64_t k = 0; k < inner; ++k) {
            const double of_a = value.at((outer * size + units[a][i]) * inner + k),
                         of_b = value.at((outer * size + units[b][i]) * inner + k);
            if (std::bit_cast<uint64_t>(of_a) != std::bit_cast<uint64_t>(of_b)) return false;
          }
    }
    return true;
  }

  /// Units of the least colour that several of a block share without being twins.
  std::vector<size_t> tied_units(size_t block) const {
    std::map<uint64_t, std::vector<size_t>> by_colour;
    for (size_t u = 0; u < colours_[block].size(); ++u) by_colour[colours_[block][u]].push_back(u);
    for (const auto& [colour, units] : by_colour)
      for (size_t k = 1; k < units.size(); ++k)
        if (!are_twins(block, units[0], units[k])) return units;
    return {};
  }

  uint64_t digest() const {
    uint64_t sum = 0;
    for (const auto& units : colours_)
      for (const uint64_t colour : units) sum += mixed(5, colour);
    return sum;
  }

  bool single_out() {
    for (size_t block = 0; block < colours_.size(); ++block) {
      const std::vector<size_t> tied = tied_units(block);
      if (tied.empty()) continue;
      const Colours before = colours_;
      std::optional<std::pair<uint64_t, Colours>> best;
      for (const size_t unit : tied) {
        if (!is_affordable()) break;
        colours_ = before;
        colours_[block][unit] = mixed(7, before[block][unit]);
        refine();
        const uint64_t found = digest();
        if (!best || found < best->first) best = {found, colours_};
      }
      colours_ = best ? best->second : before;
      return best.has_value();
    }
    return false;
  }
};

}  // namespace

std::vector<NodeId> in_reading_order(const Graph& graph) {
  const auto read_by = readers(graph);
  std::vector<NodeId> order = graph.parameters();
  std::erase_if(order, [&](NodeId id) { return read_by[at(id)].empty(); });
  std::ranges::sort(order, {}, [&](NodeId id) { return std::pair(std::ranges::min(read_by[at(id)]), id); });
  return order;
}

std::map<TensorAxis, UnitPlaces> unit_places(const Graph& graph, const PermutationBlock& block) {
  std::map<TensorAxis, UnitPlaces> result;
  for (const auto& [axis, moves] : block.exchanges.front().axes) {
    if (graph.node(axis.first).role != Role::Parameter) continue;
    std::vector<int64_t> first;  // of units[0]: each exchange moves them
    for (const auto& [from, to] : moves) {
      const bool always = std::ranges::all_of(block.exchanges, [&](const Permutation& exchange) {
        const auto found = exchange.axes.find(axis);
        return found != exchange.axes.end() && found->second.contains(from);
      });
      if (always && (block.exchanges.size() > 1 || from < to)) first.push_back(from);
    }
    UnitPlaces& places = result[axis];
    places.push_back(first);
    for (const Permutation& exchange : block.exchanges) {
      std::vector<int64_t>& unit = places.emplace_back();
      for (const int64_t from : first) unit.push_back(exchange.axes.at(axis).at(from));
    }
  }
  return result;
}

std::vector<std::vector<uint64_t>> unit_colours(const Graph& graph,
                                                const std::vector<PermutationBlock>& blocks) {
  return Refinement(graph, blocks).run();
}

}  // namespace crease
