#include "graph/analysis/balance/canonical.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <tuple>

#include "graph/analysis/balance/orbit.h"
#include "graph/analysis/dataflow.h"

namespace crease {
namespace {

size_t at(int64_t k) { return static_cast<size_t>(k); }

/// Parameters in the order in which the network reads them: what leads into a unit before what leads out.
std::vector<NodeId> in_reading_order(const Graph& graph) {
  const auto read_by = readers(graph);
  std::vector<NodeId> order = graph.parameters();
  std::erase_if(order, [&](NodeId id) { return read_by[at(id)].empty(); });
  std::ranges::sort(order, {}, [&](NodeId id) { return std::pair(std::ranges::min(read_by[at(id)]), id); });
  return order;
}

/// An entry of a parameter that is not 0: where its leading bit is, and what multiplies it.
struct Entry {
  int order;     // of the parameter
  int exponent;  // floor(log2 |value|)
  std::vector<std::pair<int, double>> form;
};

std::vector<Entry> entries_of(const Graph& graph, const ScalingGroup& group) {
  std::vector<Entry> entries;
  int order = 0;
  for (const NodeId id : in_reading_order(graph)) {
    const auto forms = group.exponents(id);
    const Tensor& value = graph.node(id).value;
    for (int64_t i = 0; i < value.count(); ++i) {
      const double number = value.at(i);
      if (number == 0 || !std::isfinite(number) || forms[at(i)].empty()) continue;
      Entry entry{order, std::ilogb(number), {}};
      for (const auto& [k, coefficient] : forms[at(i)]) entry.form.emplace_back(k, coefficient.to_double());
      entries.push_back(std::move(entry));
    }
    ++order;
  }
  return entries;
}

/// Chooses the factors, coordinate by coordinate.
class Factors {
 public:
  Factors(const Graph& graph, const ScalingGroup& group)
      : group_(group),
        steps_(orbit_of(group, parameter_sizes(graph), 2).lattice),
        entries_(entries_of(graph, group)),
        touching_(at(group.dimension())),
        t_(at(group.dimension()), 0),
        known_(at(group.dimension()), false) {
    for (size_t e = 0; e < entries_.size(); ++e)
      for (const auto& [k, coefficient] : entries_[e].form) touching_[at(k)].push_back(e);
  }

  std::vector<double> run() {
    std::map<NodeId, std::vector<int>> by_tensor;
    for (int k = 0; k < group_.dimension(); ++k) by_tensor[group_.coordinates()[at(k)].tensor].push_back(k);
    std::vector<int> late;  // nothing leads into these: what leads out of them decides
    for (const auto& [tensor, coordinates] : by_tensor) {
      // All of a tensor before any of them is known: the order of its units must not matter.
      std::vector<std::pair<int, double>> chosen;
      for (const int k : coordinates)
        if (const auto t = choose(k))
          chosen.emplace_back(k, *t);
        else
          late.push_back(k);
      for (const auto& [k, t] : chosen) set(k, t);
    }
    for (const int k : late) set(k, choose(k).value_or(0));
    return std::move(t_);
  }

 private:
  const ScalingGroup& group_;
  const std::vector<double> steps_;
  const std::vector<Entry> entries_;
  std::vector<std::vector<size_t>> touching_;  // entries, by coordinate
  std::vector<double> t_;
  std::vector<bool> known_;

  void set(int k, double t) {
    t_[at(k)] = t;
    known_[at(k)] = true;
  }

  /// Brings the greatest entry of the first parameter that no unknown coordinate but k moves to [1, 2).
  std::optional<double> choose(int k) const {
    std::optional<int> order;
    double slope = 0, greatest = 0;
    for (const size_t e : touching_[at(k)]) {
      const Entry& entry = entries_[e];
      double own = 0, level = entry.exponent;
      bool decided = true;
      for (const auto& [j, coefficient] : entry.form) {
        if (j == k)
          own = coefficient;
        else if (known_[at(j)])
          level += coefficient * t_[at(j)];
        else
          decided = false;
      }
      if (!decided) continue;
      if (!order || (slope == own && level > greatest)) {
        order = order.value_or(entry.order);
        slope = own;
        greatest = level;
      }
    }
    if (!order) return {};
    const double step = slope * steps_[at(k)];
    return -std::floor(greatest / std::abs(step)) * (step > 0 ? 1 : -1) * steps_[at(k)];
  }
};

/// Positions along one axis that belong to each unit of a block, in corresponding order.
using Places = std::vector<std::vector<int64_t>>;

Places places_of(const PermutationBlock& block, const TensorAxis& axis) {
  const Moves& moves = block.exchanges.front().axes.at(axis);
  std::vector<int64_t> first;  // of units[0]: each exchange moves them
  for (const auto& [from, to] : moves) {
    const bool always = std::ranges::all_of(block.exchanges, [&](const Permutation& exchange) {
      const auto found = exchange.axes.find(axis);
      return found != exchange.axes.end() && found->second.contains(from);
    });
    if (always && (block.exchanges.size() > 1 || from < to)) first.push_back(from);
  }
  Places places{first};
  for (const Permutation& exchange : block.exchanges) {
    std::vector<int64_t>& unit = places.emplace_back();
    for (const int64_t from : first) unit.push_back(exchange.axes.at(axis).at(from));
  }
  return places;
}

/// The values of a tensor at one position of an axis, appended.
void append_slice(const Tensor& value, int axis, int64_t position, std::vector<double>& to) {
  int64_t inner = 1;
  for (size_t k = at(axis) + 1; k < value.sizes().size(); ++k) inner *= value.sizes()[k];
  const int64_t size = value.sizes()[at(axis)];
  for (int64_t outer = 0; outer < value.count() / (inner * size); ++outer)
    for (int64_t i = 0; i < inner; ++i) to.push_back(value.at((outer * size + position) * inner + i));
}

/// Sorts the units of a block by the parameters that move with them, those read first before the others.
/// How many changed their place.
int64_t sort_units(Graph& graph, const PermutationBlock& block) {
  std::vector<std::vector<double>> keys(block.units.size());
  std::map<TensorAxis, Places> places;
  for (const auto& [axis, moves] : block.exchanges.front().axes)
    if (graph.node(axis.first).role == Role::Parameter) places[axis] = places_of(block, axis);
  for (const NodeId id : in_reading_order(graph))
    for (const auto& [axis, by_unit] : places)
      if (axis.first == id)
        for (size_t u = 0; u < keys.size(); ++u)
          for (const int64_t position : by_unit[u])
            append_slice(graph.node(id).value, axis.second, position, keys[u]);
  std::vector<size_t> order(keys.size());
  for (size_t u = 0; u < order.size(); ++u) order[u] = u;
  std::ranges::sort(order, [&](size_t a, size_t b) { return std::tie(keys[a], a) < std::tie(keys[b], b); });
  Permutation permutation;
  int64_t exchanged = 0;
  for (size_t u = 0; u < order.size(); ++u) {
    exchanged += order[u] == u ? 0 : 1;
    for (const auto& [axis, by_unit] : places)
      for (size_t i = 0; i < by_unit[u].size(); ++i)
        permutation.axes[axis][by_unit[order[u]][i]] = by_unit[u][i];
  }
  if (exchanged > 0) graph = permuted(graph, permutation);
  return exchanged;
}

}  // namespace

std::vector<double> canonical_factors(const Graph& graph, const ScalingGroup& group) {
  if (group.dimension() == 0) return {};
  return Factors(graph, group).run();
}

Canonical canonical(const Graph& graph, const std::set<std::string>& fixed) {
  const ScalingGroup group = scaling_group(graph, {.fixed = fixed});
  Canonical result{.rescaled = {}, .graph = {}, .t = canonical_factors(graph, group)};
  result.rescaled = result.graph = rescaled(graph, group, result.t);
  for (const PermutationBlock& block : permutation_group(graph).blocks)
    result.exchanged += sort_units(result.graph, block);
  return result;
}

}  // namespace crease
