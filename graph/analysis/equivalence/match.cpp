#include "graph/analysis/equivalence/match.h"

#include <algorithm>
#include <map>
#include <set>

#include "graph/analysis/digest.h"

namespace crease {
namespace {

using Kind = UnitDecision::Kind;

Graph without_values(const Graph& graph) {
  Graph result = graph;
  for (const NodeId id : graph.parameters())
    result.set_parameter(graph.node(id).name, Tensor(graph.node(id).type, graph.node(id).value.sizes()));
  return result;
}

/// A unit as a multiple of a variable.
struct Multiple {
  int variable = -1;
  Rational factor = 1;
};

/// Units in order; nothing where one is decided for all inputs, or an element has several relus.
std::optional<std::vector<Multiple>> multiples(const NormalForm& normal, NodeId id) {
  std::vector<Multiple> result;
  const std::vector<UnitDecision>& decisions = normal.decisions.at(id);
  const std::vector<UnitName>& names = normal.names.at(id);
  for (size_t k = 0; k < decisions.size(); ++k) {
    if (decisions[k].variable < 0 || names[k].part != 0) return {};
    result.push_back({decisions[k].variable, decisions[k].kind == Kind::Same ? decisions[k].factor : 1});
  }
  return result;
}

/// b's units as multiples of a's, each of its own one. Those of the same direction are taken in order of
/// factor.
std::optional<LayerMatch> matched(const std::vector<Multiple>& a, const std::vector<Multiple>& b,
                                  const NormalForm& normal) {
  if (a.size() != b.size()) return {};
  LayerMatch result{.a = -1, .b = -1, .permutation = {}, .scale = {}};
  std::set<size_t> used;
  for (const Multiple& unit : b) {
    std::optional<size_t> partner;
    const bool is_relu = normal.variables[unit.variable].kind == VariableKind::Relu;
    for (size_t j = 0; j < a.size(); ++j) {
      if (used.contains(j) || a[j].variable != unit.variable) continue;
      if (is_relu && (unit.factor / a[j].factor).sign() < 0) continue;
      const bool identical = a[j].factor == unit.factor;
      if (!partner || identical) partner = j;
      if (identical) break;
    }
    if (!partner) return {};
    used.insert(*partner);
    result.permutation.push_back(static_cast<int64_t>(*partner));
    result.scale.push_back(unit.factor / a[*partner].factor);
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
    const auto of_a = multiples(normal, in_a), of_b = multiples(normal, in_b);
    if (!of_a || !of_b) return {};
    auto layer = matched(*of_a, *of_b, normal);
    if (!layer) return {};
    layer->a = layer->b = id;
    result.push_back(*std::move(layer));
  }
  return result;
}

}  // namespace crease
