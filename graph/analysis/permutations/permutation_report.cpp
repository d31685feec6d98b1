#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

#include "graph/analysis/certificate.h"
#include "graph/analysis/permutations/permutations.h"

namespace crease {
namespace {

/// "3! x 2! = 12"; for a long product "about 10^214".
std::string order_text(const PermutationGroup& group) {
  double digits = 0;
  std::string product;
  for (const PermutationBlock& block : group.blocks) {
    digits += std::lgamma(static_cast<double>(block.units.size()) + 1) / std::numbers::ln10;
    product += fmt::format("{}{}!", product.empty() ? "" : " x ", block.units.size());
  }
  constexpr size_t shown = 6;
  if (group.blocks.size() > shown) product = fmt::format("{} sets of units", group.blocks.size());
  if (digits < 15) return product + " = " + to_string(group.order());
  return fmt::format("{}, about 10^{:.0f}", product, digits);
}

}  // namespace

std::vector<Finding> permutation_findings(const Graph& graph) {
  const PermutationGroup group = permutation_group(graph);
  if (group.blocks.empty()) return {};
  nlohmann::ordered_json blocks = nlohmann::ordered_json::array();
  for (const PermutationBlock& block : group.blocks) {
    nlohmann::ordered_json tensors = nlohmann::ordered_json::array();
    for (const NodeId id : block.tensors) tensors.push_back(node_key(graph, id));
    blocks.push_back(
        {{"tensor", node_key(graph, block.tensor)}, {"units", block.units.size()}, {"tensors", tensors}});
  }
  const std::string order = order_text(group);
  const nlohmann::ordered_json evidence{{"order", order}, {"blocks", blocks}};
  return {{.id = "permutations",
           .subject = "parameters",
           .verdict = Verdict::Proved,
           .level = Level::Structure,
           .sentences = {fmt::format("{} orders of the hidden units give the same outputs", order)},
           .evidence = evidence.dump(),
           .certificate = {}}};
}

}  // namespace crease
