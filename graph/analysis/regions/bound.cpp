#include <algorithm>

#include "graph/analysis/linearity.h"
#include "graph/analysis/points.h"
#include "graph/analysis/regions.h"

namespace crease {
namespace {

/// What one element of a node can add to the regions, its operands being affine.
struct Creases {
  bool known = true;
  bool one = false;   // a hyperplane
  bool flat = false;  // on one side of it nothing is left of the element
};

Creases creases_of(const Node& node, Part part) {
  if (part != Part::Atom || node.role != Role::Apply) return {};
  if (node.op->combine != Combine::Assign || node.operands.size() != 1) return {.known = false};
  const auto table = piecewise_linear(node.op->body.expression);
  if (!table || table->knots.size() > 1) return {.known = false};
  return {.one = !table->knots.empty(),
          .flat = std::ranges::any_of(table->slopes, [](const Rational& s) { return s.is_zero(); })};
}

/// C(n, 0), ..., C(n, most).
std::vector<Rational> binomials(int64_t n, int64_t most) {
  std::vector<Rational> row{1};
  for (int64_t j = 1; j <= std::min(n, most); ++j) row.push_back(row.back() * Rational(n - j + 1, j));
  return row;
}

Rational montufar(const std::vector<int64_t>& widths, bool chain) {
  Rational product(1);
  int64_t dimension = widths[0];
  for (size_t l = 1; l < widths.size(); ++l) {
    Rational sum;
    if (chain) dimension = std::min(dimension, widths[l]);
    for (const Rational& binomial : binomials(widths[l], dimension)) sum += binomial;
    product *= sum;
  }
  return product;
}

/// Where an inactive unit is constant, so that it takes a dimension from what later layers see.
/// Sum over j_1, j_2, ... of prod C(n_l, j_l), j_l <= min(n_0, n_1 - j_1, ..., n_{l-1} - j_{l-1}, n_l):
/// from the last layer back, by the least dimension so far.
Rational serra(const std::vector<int64_t>& widths) {
  const auto most = static_cast<size_t>(widths[0]);
  std::vector<Rational> behind(most + 1, 1);
  for (size_t l = widths.size() - 1; l > 0; --l) {
    const int64_t n = widths[l];
    const std::vector<Rational> choose = binomials(n, widths[0]);
    std::vector<Rational> here(most + 1, 0);
    for (size_t d = 0; d <= most; ++d)
      for (size_t j = 0; j <= d && j < choose.size(); ++j)
        here[d] += choose[j] * behind[std::min(d, static_cast<size_t>(n) - j)];
    behind = std::move(here);
  }
  return behind.back();
}

}  // namespace

std::optional<RegionBound> region_bound(const Graph& graph) {
  const Linearity facts = linearity(graph);
  std::vector<NodeId> wanted;
  for (const Output& output : graph.outputs()) wanted.push_back(output.node);
  bool flat = true;
  RegionBound bound{.widths = {0}, .chain = true, .montufar = {}, .serra = {}};
  std::vector<int> depth(static_cast<size_t>(graph.size()), 0);
  std::vector<std::vector<NodeId>> layers(1);
  for (const NodeId id : ancestors(graph, wanted)) {
    const Node& node = graph.node(id);
    if (node.role == Role::Random || !facts.mixing[static_cast<size_t>(id)].empty()) return {};
    if (node.role == Role::Input) {
      bound.widths[0] += sample_count(node.shape);
      layers[0].push_back(id);
    }
    const Creases creases = creases_of(node, facts.parts[static_cast<size_t>(id)]);
    if (!creases.known) return {};
    auto& level = depth[static_cast<size_t>(id)];
    for (const NodeId operand : node.operands) level = std::max(level, depth[static_cast<size_t>(operand)]);
    if (!creases.one) continue;
    flat = flat && creases.flat;
    if (++level >= static_cast<int>(layers.size())) {
      layers.emplace_back();
      bound.widths.push_back(0);
    }
    layers[static_cast<size_t>(level)].push_back(id);
    bound.widths[static_cast<size_t>(level)] += sample_count(node.shape);
    // A chain: what the units read is affine in the layer before alone.
    const auto& from = facts.frontiers[static_cast<size_t>(node.operands[0])];
    bound.chain = bound.chain && from == layers[static_cast<size_t>(level) - 1];
  }
  if (bound.widths.size() == 1 || bound.widths[0] == 0) return {};
  for (const auto& layer : layers) bound.chain = bound.chain && layer.size() == 1;
  for (const NodeId id : wanted)
    bound.chain = bound.chain && facts.frontiers[static_cast<size_t>(id)] == layers.back();
  const int64_t widest = *std::ranges::max_element(bound.widths);
  if (bound.widths[0] * widest > (int64_t{1} << 16)) return {};
  bound.montufar = montufar(bound.widths, bound.chain);
  bound.serra = bound.chain && flat ? serra(bound.widths) : bound.montufar;
  return bound;
}

}  // namespace crease
