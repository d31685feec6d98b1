// symmetry.permutations: which units can change places, pieces of maxouts, and how many orders there are.
#include "graph/analysis/permutations/permutations.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "tests/oracle/analyses/fields.h"

namespace crease::oracle {
namespace {

/// Sizes of the blocks that permute this tensor of the oracle, made of the nodes `parts`.
std::vector<int64_t> block_sizes(const PermutationGroup& group, const std::vector<NodeId>& parts,
                                 bool absorbed) {
  std::vector<int64_t> sizes;
  for (const PermutationBlock& block : group.blocks) {
    const bool here = absorbed ? std::ranges::find(parts, block.absorbed_by) != parts.end()
                               : std::ranges::find(block.tensors, parts.back()) != block.tensors.end();
    if (here) sizes.push_back(static_cast<int64_t>(block.units.size()));
  }
  return sizes;
}

/// What does not hold, or nothing.
std::string problem_of(const Json& expected, const test::OracleNetwork& network) {
  if (expected.is_null()) return {};  // no claim
  const PermutationGroup group = permutation_group(network.graph);
  if (const std::string order = to_string(group.order());
      order != std::to_string(expected.at("order").get<int64_t>()))
    return fmt::format("the order is {}, want {}", order, expected.at("order").dump());
  for (const Json& wanted : expected.at("groups"))
    for (const Json& tensor : wanted.at("tensors")) {
      const auto sizes = block_sizes(group, network.parts.at(tensor), false);
      if (sizes != std::vector<int64_t>{wanted.at("size")})
        return fmt::format("{} has {} blocks, want one of {} units", tensor.dump(), sizes.size(),
                           wanted.at("size").dump());
    }
  for (const Json& wanted : expected.at("maxout_pieces")) {
    const auto sizes = block_sizes(group, network.parts.at(wanted.at("node")), true);
    if (sizes != std::vector<int64_t>(wanted.at("units"), wanted.at("pieces").get<int64_t>()))
      return fmt::format("{} has {} sets of pieces, want {}", wanted.at("node").dump(), sizes.size(),
                         wanted.at("units").dump());
  }
  return {};
}

}  // namespace

void check_permutations(const Json& expected, const Network& network, Outcome& outcome) {
  const std::string problem = problem_of(expected, network.built);
  outcome.check(problem.empty(), "{}", problem);
}

}  // namespace crease::oracle
