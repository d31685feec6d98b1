#include "graph/analysis/equivalence/match.h"

#include <algorithm>
#include <map>
#include <set>

#include "graph/analysis/digest.h"

namespace crease {
namespace {

Graph without_values(const Graph& graph) {
  Graph result = graph;
  for (const NodeId id : graph.parameters())
    result.set_parameter(graph.node(id).name, Tensor(graph.node(id).type, graph.node(id).value.sizes()));
  return result;
}

/// c with b = c a, if there is one. Needs terms in both.
std::optional<Rational> ratio(const Combination& a, const Combination& b) {
  if (a.terms.size() != b.terms.size() || a.terms[0].first != b.terms[0].first) return {};
  Rational factor = b.terms[0].second / a.terms[0].second;
  if (factor * a == b) return factor;
  return {};
}

/// Whether a unit is a function that no sum of others can be taken for: not affine.
bool is_curved(const NormalForm& normal, const Combination& form) {
  return std::ranges::any_of(
      form.terms, [&](const auto& term) { return normal.variables[term.first].kind != VariableKind::Leaf; });
}

/// b's units as multiples of a's, each of its own one; nothing unless there is exactly one way.
std::optional<LayerMatch> matched(const std::vector<Combination>& a, const std::vector<Combination>& b,
                                  const NormalForm& normal) {
  LayerMatch result{.a = -1, .b = -1, .permutation = {}, .scale = {}};
  std::multimap<std::vector<int>, size_t> by_variables;
  const auto variables = [](const Combination& form) {
    std::vector<int> list;
    list.reserve(form.terms.size());
    for (const auto& [variable, coefficient] : form.terms) list.push_back(variable);
    return list;
  };
  for (size_t j = 0; j < a.size(); ++j) by_variables.emplace(variables(a[j]), j);
  std::set<size_t> used;
  for (const Combination& unit : b) {
    if (!is_curved(normal, unit)) return {};
    int partners = 0;
    const auto [first, last] = by_variables.equal_range(variables(unit));
    for (auto it = first; it != last; ++it)
      if (const auto factor = ratio(a[it->second], unit)) {
        if (++partners > 1 || !used.insert(it->second).second) return {};
        result.permutation.push_back(static_cast<int64_t>(it->second));
        result.scale.push_back(*factor);
      }
    if (partners == 0) return {};
  }
  return result;
}

}  // namespace

bool same_architecture(const Graph& a, const Graph& b) {
  return digest(without_values(a)) == digest(without_values(b));
}

std::optional<std::vector<LayerMatch>> matched_layers(const Graph& a, const Joined& both,
                                                      const NormalForm& normal) {
  std::vector<LayerMatch> result;
  for (NodeId id = 0; id < a.size(); ++id) {
    const NodeId in_a = both.from_a[static_cast<size_t>(id)], in_b = both.from_b[static_cast<size_t>(id)];
    if (!normal.decisions.contains(in_a) && !normal.decisions.contains(in_b)) continue;
    if (!normal.decisions.contains(in_a) || !normal.decisions.contains(in_b)) return {};
    auto layer = matched(normal.forms.at(in_a), normal.forms.at(in_b), normal);
    if (!layer) return {};
    layer->a = layer->b = id;
    result.push_back(*std::move(layer));
  }
  return result;
}

}  // namespace crease
