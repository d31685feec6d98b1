#include "graph/analysis/balance/canonical_signs.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "graph/analysis/balance/unit_colours.h"
#include "graph/analysis/scaling.h"

namespace crease {
namespace {

size_t at(int64_t k) { return static_cast<size_t>(k); }

/// An entry of a parameter that is not 0, with the coordinates that flip it.
struct Entry {
  int order;  // of the parameter
  double value;
  std::vector<int> flips;
};

class Signs {
 public:
  Signs(const Graph& graph, const SignGroup& group)
      : group_(group),
        touching_(at(group.dimension())),
        negative_(at(group.dimension())),
        known_(at(group.dimension())) {
    int order = 0;
    for (const NodeId id : in_reading_order(graph)) {
      const auto forms = group.exponents(id);
      const Tensor& value = graph.node(id).value;
      for (int64_t i = 0; i < value.count(); ++i) {
        if (value.at(i) == 0 || !std::isfinite(value.at(i)) || forms[at(i)].empty()) continue;
        Entry entry{order, value.at(i), {}};
        for (const auto& [k, coefficient] : forms[at(i)])
          if (coefficient.odd) entry.flips.push_back(k);
        for (const int k : entry.flips) touching_[at(k)].push_back(entries_.size());
        entries_.push_back(std::move(entry));
      }
      ++order;
    }
  }

  std::vector<bool> run() {
    std::map<NodeId, std::vector<int>> by_tensor;
    for (int k = 0; k < group_.dimension(); ++k) by_tensor[group_.coordinates()[at(k)].tensor].push_back(k);
    for (const auto& [tensor, coordinates] : by_tensor) {
      // All of a tensor before any of them is known: the order of its units must not matter.
      for (const int k : coordinates) negative_[at(k)] = is_negative(k);
      for (const int k : coordinates) known_[at(k)] = true;
    }
    return std::move(negative_);
  }

 private:
  const SignGroup& group_;
  std::vector<Entry> entries_;
  std::vector<std::vector<size_t>> touching_;  // entries, by coordinate
  std::vector<bool> negative_, known_;

  bool is_negative(int k) const {
    // By parameter, then from the greatest size down: how many are positive, less those that are negative.
    std::map<std::pair<int, double>, int64_t> sums;
    for (const size_t e : touching_[at(k)]) {
      const Entry& entry = entries_[e];
      bool decided = true, negative = entry.value < 0;
      for (const int j : entry.flips) {
        decided = decided && (j == k || known_[at(j)]);
        if (j != k && negative_[at(j)]) negative = !negative;
      }
      if (decided) sums[{entry.order, -std::abs(entry.value)}] += negative ? -1 : 1;
    }
    for (const auto& [size, sum] : sums)
      if (sum != 0) return sum < 0;
    return false;
  }
};

}  // namespace

SignedForm with_positive_units(const Graph& graph, const std::set<std::string>& fixed) {
  const SignGroup group = sign_group(graph, {.fixed = fixed});
  SignedForm result{graph};
  if (group.dimension() == 0) return result;
  const std::vector<bool> negative = Signs(graph, group).run();
  result.flipped = std::ranges::count(negative, true);
  for (const NodeId id : graph.parameters()) {
    const auto forms = group.exponents(id);
    if (forms.empty()) continue;
    Tensor value = graph.node(id).value;
    for (int64_t i = 0; i < value.count(); ++i) {
      bool flips = false;
      for (const auto& [k, coefficient] : forms[at(i)]) flips = flips != (coefficient.odd && negative[at(k)]);
      // One zero, whatever sign it had: nobody can tell which units were flipped before.
      if (value.at(i) == 0 && !forms[at(i)].empty())
        value.set(i, 0);
      else if (flips)
        value.set(i, -value.at(i));
    }
    result.graph.set_parameter(graph.node(id).name, value);
  }
  return result;
}

}  // namespace crease
