#include "graph/analysis/balance/canonical.h"

#include <algorithm>
#include <cmath>
#include <compare>
#include <map>
#include <optional>
#include <set>

#include "graph/analysis/balance/canonical_signs.h"
#include "graph/analysis/balance/orbit.h"
#include "graph/analysis/balance/unit_colours.h"

namespace crease {
namespace {

size_t at(int64_t k) { return static_cast<size_t>(k); }

/// An entry of a parameter that is not 0: where its leading bit is, and what multiplies it.
struct Entry {
  int order;     // of the parameter
  double level;  // log2 |value|, rounded down for powers of two
  std::vector<std::pair<int, double>> form;
};

std::vector<Entry> entries_of(const Graph& graph, const ScalingGroup& group, bool real) {
  std::vector<Entry> entries;
  int order = 0;
  for (const NodeId id : in_reading_order(graph)) {
    const auto forms = group.exponents(id);
    const Tensor& value = graph.node(id).value;
    for (int64_t i = 0; i < value.count(); ++i) {
      const double number = value.at(i);
      if (number == 0 || !std::isfinite(number) || forms[at(i)].empty()) continue;
      const double level = real ? std::log2(std::abs(number)) : std::ilogb(number);
      Entry entry{order, level, {}};
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
  Factors(const Graph& graph, const ScalingGroup& group, bool real)
      : group_(group),
        real_(real),
        steps_(orbit_of(group, parameter_sizes(graph), 2).lattice),
        entries_(entries_of(graph, group, real)),
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
  const bool real_;
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
      double own = 0, level = entry.level;
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
    if (real_) return -greatest / slope;
    const double step = slope * steps_[at(k)];
    return -std::floor(greatest / std::abs(step)) * (step > 0 ? 1 : -1) * steps_[at(k)];
  }
};

/// The values of a tensor at one position of an axis, appended.
void append_slice(const Tensor& value, int axis, int64_t position, std::vector<double>& to) {
  int64_t inner = 1;
  for (size_t k = at(axis) + 1; k < value.sizes().size(); ++k) inner *= value.sizes()[k];
  const int64_t size = value.sizes()[at(axis)];
  for (int64_t outer = 0; outer < value.count() / (inner * size); ++outer)
    for (int64_t i = 0; i < inner; ++i) to.push_back(value.at((outer * size + position) * inner + i));
}

/// Sorts units block by block, from the inputs on.
class Sorting {
 public:
  explicit Sorting(Graph& graph)
      : graph_(graph), order_(in_reading_order(graph)), blocks_(permutation_group(graph).blocks) {
    for (const PermutationBlock& block : blocks_) {
      places_.push_back(unit_places(graph, block));
      for (const auto& [axis, units] : places_.back()) ++unsorted_[axis];
    }
  }

  /// How many units changed their place.
  int64_t run() {
    int64_t exchanged = 0;
    auto colours = unit_colours(graph_, blocks_);
    for (size_t b = 0; b < blocks_.size(); ++b) {
      if (meets_sorted(b)) {
        colours = unit_colours(graph_, blocks_);
        moved_.clear();
      }
      exchanged += sort(b, colours[b]);
      for (const auto& [axis, units] : places_[b]) {
        --unsorted_[axis];
        for (const auto& unit : units)
          for (const int64_t position : unit) moved_.insert({axis, position});
      }
    }
    return exchanged;
  }

 private:
  using AxisPlaces = std::map<TensorAxis, UnitPlaces>;
  Graph& graph_;
  const std::vector<NodeId> order_;
  const std::vector<PermutationBlock> blocks_;
  std::vector<AxisPlaces> places_;                  // by block
  std::map<TensorAxis, int> unsorted_;              // how many blocks that are not sorted yet move an axis
  std::set<std::pair<TensorAxis, int64_t>> moved_;  // by blocks sorted since colours were made

  /// Whether the units of a block were moved as parts of another block's.
  bool meets_sorted(size_t b) const {
    for (const auto& [axis, units] : places_[b])
      for (const auto& unit : units)
        for (const int64_t position : unit)
          if (moved_.contains({axis, position})) return true;
    return false;
  }

  /// Whether the order of what a unit reads or writes along one axis is settled.
  bool is_settled(const TensorAxis& moving) const {
    for (const auto& [axis, count] : unsorted_)
      if (axis.first == moving.first && count > (axis == moving ? 1 : 0)) return false;
    return true;
  }

  /// By the parameters whose other axes are in order, then by colour.
  int64_t sort(size_t b, const std::vector<uint64_t>& colours) {
    std::vector<std::pair<std::vector<double>, uint64_t>> keys(colours.size());
    for (size_t u = 0; u < keys.size(); ++u) keys[u].second = colours[u];
    for (const NodeId id : order_)
      for (const auto& [axis, units] : places_[b])
        if (axis.first == id && is_settled(axis))
          for (size_t u = 0; u < keys.size(); ++u)
            for (const int64_t position : units[u])
              append_slice(graph_.node(id).value, axis.second, position, keys[u].first);
    std::vector<size_t> order(keys.size());
    for (size_t u = 0; u < order.size(); ++u) order[u] = u;
    std::ranges::stable_sort(order, [&](size_t u, size_t v) { return comes_first(keys[u], keys[v]); });
    int64_t exchanged = 0;
    for (size_t u = 0; u < order.size(); ++u) exchanged += order[u] == u ? 0 : 1;
    if (exchanged == 0) return 0;
    Permutation permutation;
    for (const auto& [axis, units] : places_[b])
      for (size_t u = 0; u < order.size(); ++u)
        for (size_t i = 0; i < units[u].size(); ++i) permutation.axes[axis][units[order[u]][i]] = units[u][i];
    graph_ = permuted(graph_, permutation);
    return exchanged;
  }

  /// A total order, of NaN and both zeros too.
  static bool comes_first(const std::pair<std::vector<double>, uint64_t>& a,
                          const std::pair<std::vector<double>, uint64_t>& b) {
    for (size_t i = 0; i < a.first.size(); ++i)
      if (const auto order = std::strong_order(a.first[i], b.first[i]); order != 0) return order < 0;
    return a.second < b.second;
  }
};

}  // namespace

std::vector<double> canonical_factors(const Graph& graph, const ScalingGroup& group, bool real) {
  if (group.dimension() == 0) return {};
  return Factors(graph, group, real).run();
}

Canonical canonical(const Graph& graph, const CanonicalOptions& options) {
  const ScalingGroup group = scaling_group(graph, {.fixed = options.fixed});
  Canonical result{.rescaled = {}, .graph = {}, .t = canonical_factors(graph, group, options.real)};
  SignedForm signs = with_positive_units(rescaled(graph, group, result.t), options.fixed);
  result.flipped = signs.flipped;
  result.rescaled = result.graph = std::move(signs.graph);
  result.exchanged = Sorting(result.graph).run();
  return result;
}

}  // namespace crease
